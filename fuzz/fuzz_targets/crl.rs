//! CRLs in PEM or DER are read or refused; none that the issuer did not sign is believed, and of those that it signed, only
//! current ones.
#![no_main]

use std::{sync::LazyLock, time::Duration};

use certbound::{
    UnixTime,
    certificate::revocation::{Issued, Status, crl},
};
use certbound_fuzz::{
    NOW,
    gate::cast::CAST,
    key::{Key, tlv},
};
use libfuzzer_sys::fuzz_target;

static ABOUT: LazyLock<Issued> =
    LazyLock::new(|| Issued::read(&CAST.clients[0].der, &CAST.root.der).expect("a certificate and its issuer"));

// A file; and, read otherwise, what an issuer signs of a CRL.
fuzz_target!(|input: &[u8]| {
    for list in crl::read(input.to_vec()).into_iter().flatten() {
        let _ = (list.issuer_text(), list.next_update());
        assert!(list.verify(&ABOUT).is_err(), "a CRL that nobody signed");
    }
    let by = |key: &Key| crl::read(tlv(0x30, &[&key.signed(input)])).into_iter().flatten().next();
    assert!(by(&CAST.forger).is_none_or(|list| list.verify(&ABOUT).is_err()), "a CRL that another signed");
    let Some(Ok(list)) = by(&CAST.root.key).map(|list| list.verify(&ABOUT)) else { return };
    let now = UnixTime::since_unix_epoch(Duration::from_secs(NOW));
    let Ok(answer) = list.answer(&ABOUT, now) else { return };
    assert!(answer.this_update.as_secs() <= NOW + 300 && answer.until >= now);
    assert!(answer.status == Status::Good || !list.is_empty());
});
