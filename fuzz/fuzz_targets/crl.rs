//! CRLs in PEM or DER are read or refused; none that the issuer did not sign is believed.
#![no_main]

use std::sync::LazyLock;

use certbound::certificate::{
    revocation::{Issued, crl},
    truststore,
};
use libfuzzer_sys::fuzz_target;

static ABOUT: LazyLock<Issued> = LazyLock::new(|| {
    let leaf = der(include_bytes!("../../tests/vectors/psd2/harica-qwac-2025.pem"));
    let issuer = der(include_bytes!("../../tests/vectors/psd2/harica-qwac-ca.pem"));
    Issued::read(&leaf, &issuer).expect("a certificate and its issuer")
});

fuzz_target!(|file: &[u8]| {
    for list in crl::read(file).into_iter().flatten() {
        let _ = (list.issuer_text(), list.next_update());
        assert!(list.verify(&ABOUT).is_err(), "a CRL that nobody signed");
    }
});

fn der(pem: &[u8]) -> Vec<u8> {
    truststore::certificates(pem, None).expect("a certificate in PEM")[0].to_vec()
}
