//! The token must name the certificate that the client shows (RFC 8705, section 3).

use crate::support::{bank::Bank, pki::Pki, sidecar::Sidecar};

#[test]
fn token_of_another_certificate_is_denied() {
    let bank = Bank::start();
    let sidecar = Sidecar::in_front_of(&bank);
    let Pki { alice, mallory, .. } = Pki::get();

    let answer = sidecar.get("/accounts").showing(mallory).bearing(alice.token()).send();

    assert_eq!(answer.code(), "binding_mismatch");
    assert_eq!(bank.requests(), 0);
}
