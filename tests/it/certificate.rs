//! A forwarded certificate is worth what its own signature, dates, and purpose are worth.

use crate::{
    support::{
        bank::Bank,
        config::Config,
        connection::CERTIFICATE_HEADER,
        forms::{base64_der, percent_encode, percent_pem},
        pki::{Client, Pki, pem},
        sidecar::Sidecar,
        token::Token,
    },
    verdict::{assert_passed, assert_refused},
};

#[test]
fn certificate_is_refused_for_the_fault_that_it_has() {
    let bank = Bank::start();
    let sidecar = Sidecar::in_front_of(&bank);
    let pki = Pki::get();
    let authority = Client { name: "issuing".into(), der: pki.issuing.der.clone(), key: Vec::new(), chain: Vec::new() };

    for (client, code) in [
        (&pki.expired, "certificate_expired"),
        (&pki.not_yet_valid, "certificate_not_yet_valid"),
        (&pki.stranger, "certificate_untrusted"),
        (&pki.carol, "certificate_untrusted"),
        (&pki.server_only, "certificate_wrong_purpose"),
        (&pki.purposeless, "certificate_wrong_purpose"),
        (&authority, "certificate_wrong_purpose"),
        (&pki.weak, "certificate_weak"),
    ] {
        // A token bound to this very certificate does not help.
        assert_refused(&sidecar.get("/a").by(client).send(), code, &bank);
    }
    assert_refused(&sidecar.get("/a").bearing(pki.alice.token()).send(), "certificate_missing", &bank);
    assert_passed(&sidecar.get("/a").by(&pki.alice).send(), &bank);
}

#[test]
fn value_that_is_not_exactly_one_certificate_is_malformed() {
    let bank = Bank::start();
    let sidecar = Sidecar::in_front_of(&bank);
    let Pki { alice, mallory, .. } = Pki::get();
    let good = percent_pem(&alice.der);
    let longer = [&alice.der[..], &[0]].concat();
    let label = alice.pem().replace("CERTIFICATE", "TRUSTED CERTIFICATE");

    for value in [
        "garbage",
        "%",
        "MIIB",
        &format!("{good}{good}"),
        &format!("{good}{}", percent_pem(&mallory.der)),
        &format!("{good}x"),
        &format!("x{good}"),
        &good.replace('%', "%25"),
        &good[..good.len() - 40],
        &good.replace("%2B", "+").replace("%3D", "=").replace("%0A", "+"),
        &percent_pem(&longer),
        &base64_der(&longer),
        &percent_pem(&alice.der[..alice.der.len() - 1]),
        &percent_encode(&label, ""),
        &percent_encode(&alice.key_pem(), ""),
        &format!("{}*", base64_der(&alice.der)),
    ] {
        let answer = sidecar.get("/a").header(CERTIFICATE_HEADER, value).bearing(alice.token()).send();
        assert_refused(&answer, "certificate_malformed", &bank);
    }
}

#[test]
fn absent_purpose_passes_only_where_the_operator_does_not_demand_one() {
    let bank = Bank::start();
    let sidecar = Config::in_front_of(&bank).set("truststore.require_client_auth", "false").start();
    let pki = Pki::get();

    assert_passed(&sidecar.get("/a").by(&pki.purposeless).send(), &bank);
    assert_refused(&sidecar.get("/a").by(&pki.server_only).send(), "certificate_wrong_purpose", &bank);
}

#[test]
fn authority_that_is_no_longer_in_the_truststore_trusts_nobody() {
    let bank = Bank::start();
    let pki = Pki::get();
    let sidecar = Config::in_front_of(&bank)
        .without_file("trust/root.der")
        .without_file("trust/issuing.pem")
        .file("trust/other.pem", pem(&pki.foreign.der))
        .start();

    assert_refused(&sidecar.get("/a").by(&pki.alice).send(), "certificate_untrusted", &bank);
    assert_passed(&sidecar.get("/a").by(&pki.stranger).send(), &bank);
}

#[test]
fn certificate_is_judged_before_the_token() {
    let bank = Bank::start();
    let sidecar = Sidecar::in_front_of(&bank);
    let pki = Pki::get();

    let both = sidecar.get("/a").showing(&pki.expired).bearing(Token::of(&pki.expired).expired().sign());
    assert_refused(&both.send(), "certificate_expired", &bank);
    let neither = sidecar.get("/a");
    assert_refused(&neither.send(), "certificate_missing", &bank);
}
