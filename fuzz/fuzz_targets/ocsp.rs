//! An OCSP response that nobody signed never answers; one that the issuer signed answers about this certificate alone, and
//! only while it is current.
#![no_main]

use std::{sync::LazyLock, time::Duration};

use certbound::{
    UnixTime,
    certificate::revocation::{
        Issued,
        ocsp::{self, Response},
    },
};
use certbound_fuzz::{
    NOW,
    gate::cast::CAST,
    key::{Key, tlv},
};
use libfuzzer_sys::fuzz_target;
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};

static ABOUT: LazyLock<Issued> =
    LazyLock::new(|| Issued::read(&CAST.clients[0].der, &CAST.root.der).expect("a certificate and its issuer"));

// A response; and, read otherwise, the part of one that a responder signs.
fuzz_target!(|input: &[u8]| {
    let now = UnixTime::since_unix_epoch(Duration::from_secs(NOW));
    let verify = |response: &[u8]| ocsp::verify(response, &ABOUT, Some(&[7; 32]), now);
    if let Ok(answer) = verify(input) {
        assert!(matches!(answer, Response::Refused(_)), "only a responder's refusal needs no signature");
    }
    assert!(verify(&signed(input, &CAST.forger)).is_err(), "an answer that another signed");
    let Ok(Response::Known(answer)) = verify(&signed(input, &CAST.root.key)) else { return };
    assert!(answer.this_update.as_secs() <= NOW + 300 && answer.until >= now);
    let name = ABOUT.issuer_name();
    let hashes = [&SHA1_FOR_LEGACY_USE_ONLY, &SHA256].map(|by| digest(by, name));
    assert!(hashes.iter().any(|hash| input.windows(hash.as_ref().len()).any(|window| window == hash.as_ref())));
});

/// A whole response about `data`, which is a ResponseData or not.
fn signed(data: &[u8], key: &Key) -> Vec<u8> {
    let basic = tlv(0x30, &[&key.signed(data)]);
    let bytes = tlv(0x30, &[&tlv(0x06, &[BASIC]), &tlv(0x04, &[&basic])]);
    tlv(0x30, &[&[0x0a, 1, 0], &tlv(0xa0, &[&bytes])])
}

/// id-pkix-ocsp-basic.
const BASIC: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 0x30, 1, 1];
