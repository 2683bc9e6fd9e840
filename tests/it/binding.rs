//! The token must name the certificate that the client shows (RFC 8705, section 3).

use serde_json::json;

use crate::{
    support::{
        bank::Bank,
        config::Config,
        pki::{Pki, hash},
        sidecar::Sidecar,
        token::Token,
    },
    verdict::{assert_passed, assert_refused},
};

#[test]
fn token_of_another_certificate_is_denied() {
    let bank = Bank::start();
    let sidecar = Sidecar::in_front_of(&bank);
    let Pki { alice, mallory, .. } = Pki::get();

    let answer = sidecar.get("/accounts").showing(mallory).bearing(alice.token()).send();
    assert_refused(&answer, "binding_mismatch", &bank);
    let answer = sidecar.get("/accounts").showing(alice).bearing(mallory.token()).send();
    assert_refused(&answer, "binding_mismatch", &bank);
    assert_passed(&sidecar.get("/accounts").by(alice).send(), &bank);
}

#[test]
fn token_that_is_bound_to_nothing_is_denied() {
    let bank = Bank::start();
    let sidecar = Sidecar::in_front_of(&bank);
    let alice = &Pki::get().alice;

    for cnf in [json!({}), json!({"jkt": "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"}), json!({"x5t": "abc"})] {
        let token = Token::unbound().claim("cnf", cnf).sign();
        assert_refused(&sidecar.get("/a").showing(alice).bearing(token).send(), "binding_missing", &bank);
    }
    let answer = sidecar.get("/a").showing(alice).bearing(Token::unbound().sign()).send();
    assert_refused(&answer, "binding_missing", &bank);
}

#[test]
fn hash_of_anything_but_the_der_is_another_certificate() {
    use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
    let bank = Bank::start();
    let sidecar = Sidecar::in_front_of(&bank);
    let pki = Pki::get();
    let alice = &pki.alice;

    for wrong in
        [hash(alice.pem().as_bytes()), hash(&pki.issuing.der), hash(alice.thumbprint().as_bytes()), vec![0; 32]]
    {
        let token = Token::unbound().claim("cnf", json!({"x5t#S256": BASE64_URL_SAFE_NO_PAD.encode(wrong)})).sign();
        assert_refused(&sidecar.get("/a").showing(alice).bearing(token).send(), "binding_mismatch", &bank);
    }
}

#[test]
fn bound_token_is_held_to_its_certificate_whatever_the_route_demands() {
    let bank = Bank::start();
    let sidecar = Config::in_front_of(&bank)
        .route("path = \"/token\"\nrequire = [\"token\"]")
        .route("path = \"/both\"\nrequire = [\"token\", \"certificate\"]")
        .start();
    let pki = Pki::get();
    let (alice, mallory) = (&pki.alice, &pki.mallory);

    for path in ["/token", "/both"] {
        assert_refused(&sidecar.get(path).bearing(alice.token()).send(), "certificate_missing", &bank);
        let stolen = sidecar.get(path).showing(mallory).bearing(alice.token());
        assert_refused(&stolen.send(), "binding_mismatch", &bank);
        let expired = sidecar.get(path).showing(&pki.expired).bearing(Token::of(&pki.expired).sign());
        assert_refused(&expired.send(), "certificate_expired", &bank);
        assert_eq!(assert_passed(&sidecar.get(path).by(alice).send(), &bank).identity().len(), 1);
    }
    let unbound = Token::unbound().sign();
    assert_passed(&sidecar.get("/token").bearing(&unbound).send(), &bank);
    assert_refused(&sidecar.get("/both").bearing(&unbound).send(), "certificate_missing", &bank);
    assert_passed(&sidecar.get("/both").showing(alice).bearing(&unbound).send(), &bank);
}

#[test]
fn clients_do_not_share_what_was_remembered_about_each_other() {
    let bank = Bank::start();
    let sidecar = Sidecar::in_front_of(&bank);
    let Pki { alice, mallory, .. } = Pki::get();
    let (hers, his) = (alice.token(), mallory.token());

    for _ in 0..3 {
        for (client, token, code) in [
            (alice, &hers, None),
            (mallory, &his, None),
            (mallory, &hers, Some("binding_mismatch")),
            (alice, &his, Some("binding_mismatch")),
        ] {
            let answer = sidecar.get("/a").showing(client).bearing(token).send();
            match code {
                Some(code) => assert_refused(&answer, code, &bank),
                None => drop(assert_passed(&answer, &bank)),
            }
        }
    }
}
