//! `mode = "report"` judges and forwards all the same; what is not about verdicts holds as ever.

use crate::{
    support::{bank::Bank, config::Config, forms::percent_pem, pki::Pki, token::Token},
    verdict::{assert_passed, assert_refused},
};

#[test]
fn verdict_is_recorded_and_the_request_goes_on() {
    let bank = Bank::start();
    let sidecar = Config::in_front_of(&bank).set("mode", r#""report""#).start();
    let pki = Pki::get();
    let alice = &pki.alice;
    // One connection, so that the lines come in this order.
    let mut connection = sidecar.connect();
    let written = ("ssl.client.auth.cert.x509".to_owned(), percent_pem(&alice.der));

    for (request, reason, identity) in [
        (sidecar.get("/a").by(alice), None, vec![written.clone()]),
        (
            sidecar.get("/a").showing(alice).bearing(Token::of(alice).expired().sign()),
            Some("token_expired"),
            vec![written.clone()],
        ),
        (sidecar.get("/a").showing(alice).bearing(pki.mallory.token()), Some("binding_mismatch"), vec![written]),
        (sidecar.get("/a").bearing(alice.token()), Some("certificate_missing"), vec![]),
        (sidecar.get("/a").by(&pki.expired), Some("certificate_expired"), vec![]),
        (sidecar.get("/a").by(&pki.stranger), Some("certificate_untrusted"), vec![]),
        (sidecar.get("/a").showing(alice).showing(alice), Some("certificate_repeated"), vec![]),
        (sidecar.get("/a").header("client_cert", "forged"), Some("certificate_missing"), vec![]),
    ] {
        let seen = assert_passed(&request.send_on(&mut connection), &bank);
        assert_eq!(seen.identity(), identity, "{reason:?}");
    }
    let audit = sidecar.audit(8);
    let verdicts: Vec<_> =
        audit.iter().map(|line| (line["decision"].as_str().unwrap(), line["reason"].as_str())).collect();
    assert_eq!(
        verdicts,
        [
            ("allow", None),
            ("would_deny", Some("token_expired")),
            ("would_deny", Some("binding_mismatch")),
            ("would_deny", Some("certificate_missing")),
            ("would_deny", Some("certificate_expired")),
            ("would_deny", Some("certificate_untrusted")),
            ("would_deny", Some("certificate_repeated")),
            ("would_deny", Some("certificate_missing")),
        ]
    );
    assert!(audit.iter().all(|line| line["mode"] == "report"));
}

#[test]
fn what_is_no_verdict_holds_in_report_mode_too() {
    let bank = Bank::start();
    let sidecar = Config::in_front_of(&bank)
        .set("mode", r#""report""#)
        .set("listen.max_header_bytes", r#""16KiB""#)
        .set("client_certificate.max_bytes", r#""4KiB""#)
        .route("path = \"/accounts\"\nmethods = [\"GET\"]")
        .start();
    let alice = &Pki::get().alice;

    assert_refused(&sidecar.get("/accounts/../x").by(alice).send(), "path_ambiguous", &bank);
    assert_refused(&sidecar.request("TRACE", "/accounts").by(alice).send(), "method_not_allowed", &bank);
    let connection = sidecar.get("/accounts").by(alice).header("Connection", "Authorization");
    assert_refused(&connection.send(), "request_malformed", &bank);
    let large = sidecar.get("/accounts").by(alice).header("X-A", &"a".repeat(17 << 10));
    assert_refused(&large.send(), "header_too_large", &bank);
}

#[test]
fn request_that_no_route_fits_goes_on_without_a_certificate() {
    let bank = Bank::start();
    let sidecar = Config::in_front_of(&bank)
        .set("mode", r#""report""#)
        .route("path = \"/accounts\"\nmethods = [\"GET\"]")
        .start();
    let alice = &Pki::get().alice;
    let mut connection = sidecar.connect();

    for request in [sidecar.get("/nowhere").by(alice), sidecar.post("/accounts", "x").by(alice)] {
        assert!(assert_passed(&request.send_on(&mut connection), &bank).identity().is_empty());
    }

    let audit = sidecar.audit(2);
    assert!(audit.iter().all(|line| line["decision"] == "would_deny"));
    assert_eq!((&audit[0]["reason"], &audit[1]["reason"]), (&"route_unknown".into(), &"method_not_allowed".into()));
}

#[test]
fn untrusted_peer_is_refused_in_report_mode_too() {
    let bank = Bank::start();
    let sidecar = Config::in_front_of(&bank)
        .set("mode", r#""report""#)
        .set("load_balancer.trusted_networks", "[]")
        .set("load_balancer.on_untrusted", r#""refuse""#)
        .start();

    assert_refused(&sidecar.get("/a").by(&Pki::get().alice).send(), "peer_untrusted", &bank);
}
