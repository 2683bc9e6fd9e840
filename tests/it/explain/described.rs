//! What the options of `explain` describe is what the proxy would see: the body, the time, the peer, the proof.

use serde_json::json;
use time::{Duration, OffsetDateTime};

use super::{Desk, assert_mistake, smallest, verdict};
use crate::{
    consent::service::Service,
    dpop,
    support::{
        bank::Bank,
        introspector::Introspector,
        pki::Pki,
        proof::{Holder, Proof},
        token::{Token, now},
    },
};

/// A route that asks for consent, and shows the service the body.
fn consenting(service: &Service) -> Desk {
    let config = smallest()
        .set("consent.endpoint", &format!("{:?}", service.endpoint()))
        .set("consent.body", "true")
        .route("path = \"/{*rest}\"\nconsent = true");
    Desk::new(&config)
}

#[test]
fn body_that_is_not_known_is_an_open_question_of_the_check_that_reads_it() {
    let service = Service::start();
    let desk = consenting(&service);
    let alice = &Pki::get().alice;
    let token = desk.file("token", Token::of(alice).claim("consent_id", "aac-7").sign());
    let (certificate, body) = (desk.file("alice.pem", alice.pem()), desk.file("body", r#"{"amount":1}"#));
    let large = desk.file("large", "a".repeat(64 * 1024 + 1));
    let shown = ["--certificate", &certificate, "--token", &token];
    let explain = |method, options: &[&str]| desk.by(method, &[&shown, options].concat());

    for method in ["GET", "HEAD", "DELETE"] {
        assert_eq!(explain(method, &[])["decision"], "permit", "{method}");
    }
    let open = explain("POST", &[]);
    assert_eq!((&open["code"], &open["decision"]), (&"request_malformed".into(), &"deny".into()));
    let consent = verdict(&open, "consent");
    assert_eq!(consent["verdict"], "unknown");
    assert!(consent["facts"]["open"].as_str().unwrap().contains("--body"), "{consent}");

    assert_eq!(explain("POST", &["--body", &body])["decision"], "permit");
    let large = explain("POST", &["--body", &large]);
    assert_eq!((&large["code"], &verdict(&large, "consent")["verdict"]), (&"body_too_large".into(), &"fail".into()));

    let twice = desk.run(&["--method", "POST", "--path", "/", "--token", "-", "--body", "-"]);
    assert_eq!(twice.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&twice.stderr).contains("standard input"));
}

#[test]
fn byte_order_mark_is_part_of_no_file() {
    let alice = &Pki::get().alice;
    let desk = Desk::new(&smallest());
    let [certificate, token] = [("alice.pem", alice.pem()), ("token", alice.token())]
        .map(|(name, content)| desk.file(name, format!("\u{feff}{content}")));

    assert_eq!(desk.json(&["--certificate", &certificate, "--token", &token])["decision"], "permit");
}

#[test]
fn consent_that_nobody_is_asked_for_is_open_whatever_the_body() {
    let service = Service::start();
    let desk = consenting(&service);
    let alice = &Pki::get().alice;

    let explained = desk.of(alice, &Token::of(alice).claim("consent_id", "aac-7").sign());

    assert_eq!(explained["code"], "consent_unavailable");
    assert_eq!(verdict(&explained, "consent")["verdict"], "unknown");
}

#[test]
fn revocation_is_asked_for_the_time_that_is_described() {
    let config = smallest()
        .set("revocation.methods", r#"["crl"]"#)
        .set("revocation.crl_files", r#"["bank.crl"]"#)
        .file("bank.crl", Pki::get().issuing.list(&[], 3600));
    let desk = Desk::new(&config);
    let alice = &Pki::get().alice;
    let certificate = desk.file("alice.pem", alice.pem());
    // The list is an hour old, and serves for another.
    for (minutes, code) in
        [(-90, Some("revocation_unknown")), (-30, None), (30, None), (90, Some("revocation_unknown"))]
    {
        let time = OffsetDateTime::now_utc() + Duration::minutes(minutes);
        let [year, month, day] = [time.year(), i32::from(u8::from(time.month())), i32::from(time.day())];
        let at = format!("{year}-{month:02}-{day:02}T{:02}:{:02}:00Z", time.hour(), time.minute());
        let issued = now().saturating_add_signed(minutes * 60) - 120;
        let token = Token::of(alice).claim("iat", issued).claim("exp", issued + 600).sign();
        let token = desk.file("token", token);

        let explained = desk.json(&["--certificate", &certificate, "--token", &token, "--at", &at]);

        assert_eq!(explained["code"], json!(code), "{minutes} minutes: {explained:#}");
    }
}

#[test]
fn token_that_no_check_of_the_route_reads_is_shown_to_nobody() {
    let introspector = Introspector::start();
    let alice = &Pki::get().alice;
    for (route, code, verdicts, asked) in [
        ("kind = \"token\"", None, ["pass", "skipped"], 0),
        ("require = []", None, ["skipped", "skipped"], 0),
        ("require = [\"certificate\"]", None, ["pass", "skipped"], 0),
        ("methods = [\"PUT\"]", Some("method_not_allowed"), ["skipped", "skipped"], 0),
        ("", Some("token_inactive"), ["pass", "fail"], 1),
    ] {
        let before = introspector.asked();
        let config = introspector.asked_by(smallest(), "");
        let desk = Desk::new(&config.route(&format!("path = \"/{{*rest}}\"\n{route}")));
        let (certificate, token) = (desk.file("alice.pem", alice.pem()), desk.file("token", "the-clients-own-secret"));

        let explained = desk.online(&["--certificate", &certificate, "--token", &token]);

        assert_eq!(explained["code"], json!(code), "{route}: {explained:#}");
        let told = ["certificate", "token"].map(|check| verdict(&explained, check)["verdict"].clone());
        assert_eq!(told, verdicts, "{route}: {explained:#}");
        assert_eq!(introspector.asked() - before, asked, "{route}");
    }
}

#[test]
fn policy_of_tokens_is_skipped_where_a_software_registers_without_one() {
    let config = smallest()
        .set("registration.directory_jwks", "\"keys.json\"")
        .route("path = \"/{*rest}\"\nkind = \"registration\"\nscopes = [\"openid\"]\ngrant = \"application\"");
    let desk = Desk::new(&config);
    let alice = &Pki::get().alice;
    let (certificate, token) = (desk.file("alice.pem", alice.pem()), desk.file("token", alice.token()));
    for (method, token_told, policy) in [("POST", "skipped", "skipped"), ("PUT", "pass", "fail")] {
        let explained = desk.by(method, &["--offline", "--certificate", &certificate, "--token", &token]);

        let told = ["token", "policy"].map(|check| verdict(&explained, check)["verdict"].clone());
        assert_eq!(told, [token_told, policy], "{method}: {explained:#}");
    }
}

#[test]
fn certificate_of_a_handshake_needs_no_trusted_peer() {
    let alice = &Pki::get().alice;
    let explain = |refuses: bool, peer: &str| {
        let config = smallest()
            .with_tls()
            .set("load_balancer.trusted_networks", r#"["192.0.2.0/24"]"#)
            .set("load_balancer.on_untrusted", if refuses { r#""refuse""# } else { r#""strip""# })
            .set("client_certificate.source", r#""connection""#);
        let desk = Desk::new(&config);
        let (certificate, token) = (desk.file("alice.pem", alice.pem()), desk.file("token", alice.token()));
        desk.json(&["--certificate", &certificate, "--token", &token, "--peer", peer])
    };

    assert_eq!(explain(false, "127.0.0.1")["decision"], "permit");
    assert_eq!(explain(true, "192.0.2.1")["decision"], "permit");
    let refused = explain(true, "127.0.0.1");
    assert_eq!((&refused["code"], &refused["mistakes"]), (&"peer_untrusted".into(), &json!([])));
}

#[test]
fn certificate_that_a_stranger_forwards_is_missing_for_what_the_stranger_lacks() {
    let alice = &Pki::get().alice;
    let desk = Desk::new(&smallest());
    let (certificate, token) = (desk.file("alice.pem", alice.pem()), desk.file("token", alice.token()));
    let explained = desk.json(&["--certificate", &certificate, "--token", &token, "--peer", "192.0.2.1"]);

    assert_eq!(explained["code"], "certificate_missing");
    assert_eq!(verdict(&explained, "certificate")["facts"]["why"], "the peer is in no trusted network");
    assert_mistake(&explained, "peer_untrusted");
}

#[test]
fn peer_of_a_unix_socket_has_no_address_to_be_explained() {
    let alice = &Pki::get().alice;
    let desk = Desk::new(&smallest().set("listen.address", r#""unix:in.sock""#));
    let (certificate, token) = (desk.file("alice.pem", alice.pem()), desk.file("token", alice.token()));
    let shown = ["--certificate", &certificate, "--token", &token];
    let told = desk.run(&[&["--method", "GET", "--path", "/a", "--peer", "192.0.2.1"], &shown[..]].concat());

    assert_eq!(told.status.code(), Some(1), "{told:?}");
    assert!(String::from_utf8_lossy(&told.stderr).contains("its permissions say who is believed"));
    assert_eq!(desk.json(&["--certificate", &certificate, "--token", &token])["decision"], "permit");
}

#[test]
fn nonce_that_only_the_serving_process_knows_is_an_open_question() {
    let (bank, holder) = (Bank::start(), Holder::new());
    let config = dpop::config(&bank).set("token.dpop", "{ nonce = true }");
    let shared = dpop::config(&bank)
        .set("token.dpop", r#"{ nonce = true, nonce_secret_file = "secret" }"#)
        .file("secret", "s".repeat(32));
    let token = holder.token().sign();
    let explain = |desk: &Desk, change: &dyn Fn(Proof<'_>) -> Proof<'_>| {
        let proof = change(holder.proof("https://api.bank.example/accounts/1", &token)).sign();
        let (token, proof) = (desk.file("token", &token), desk.file("proof", proof));
        desk.json(&["--token", &token, "--proof", &proof, "--host", "api.bank.example"])
    };
    let alone = Desk::new(&config);

    let open = explain(&alone, &|proof| proof.claim("nonce", "a".repeat(43)));
    let proof = verdict(&open, "proof");
    assert_eq!((&open["code"], &proof["verdict"]), (&"proof_invalid".into(), &"unknown".into()));
    assert!(proof["facts"]["open"].as_str().unwrap().contains("nonce_secret_file"), "{proof}");
    let wrong = explain(&alone, &|proof| proof.claim("nonce", "a").claim("htm", "POST"));
    assert_eq!(verdict(&wrong, "proof")["verdict"], "fail");

    let told = explain(&Desk::new(&shared), &|proof| proof.claim("nonce", "a".repeat(43)));
    assert_eq!(verdict(&told, "proof")["verdict"], "fail");
}
