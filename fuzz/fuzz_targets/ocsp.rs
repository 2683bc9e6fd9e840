//! An OCSP response that nobody signed never answers, and never panics.
#![no_main]

use std::{sync::LazyLock, time::Duration};

use certbound::{
    UnixTime,
    certificate::{
        revocation::{
            Issued,
            ocsp::{self, Response},
        },
        truststore,
    },
};
use libfuzzer_sys::fuzz_target;

static ABOUT: LazyLock<Issued> = LazyLock::new(|| {
    let leaf = der(include_bytes!("../../tests/vectors/psd2/harica-qwac-2025.pem"));
    let issuer = der(include_bytes!("../../tests/vectors/psd2/harica-qwac-ca.pem"));
    Issued::read(&leaf, &issuer).expect("a certificate and its issuer")
});

fuzz_target!(|response: &[u8]| {
    // A day in the certificate's life.
    let now = UnixTime::since_unix_epoch(Duration::from_secs(1_767_268_800));
    if let Ok(answer) = ocsp::verify(response, &ABOUT, &[7; 32], now) {
        assert_eq!(answer, Response::Refused, "only a responder's refusal needs no signature");
    }
});

fn der(pem: &[u8]) -> Vec<u8> {
    truststore::certificates(pem, None).expect("a certificate in PEM")[0].to_vec()
}
