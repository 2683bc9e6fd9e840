//! A token that cannot be read is what its issuer says of it, for as long as that holds, and for nobody else.

use serde_json::{Value, json};

use crate::{
    support::{
        bank::Bank,
        config::Config,
        introspector::{Introspector, active, but},
        ocsp::Reply,
        pki::Pki,
        token::{AUDIENCE, ISSUER, SigningKey, Token, now},
    },
    verdict::{assert_passed, assert_refused},
};

const SECOND: &str = "https://second.example";

/// Every token of the issuer in its file of keys, opaque ones by asking `introspector`.
fn config(bank: &Bank, introspector: &Introspector) -> Config {
    introspector.asked_by(Config::in_front_of(bank), "jwks = \"keys.json\"")
}

#[test]
fn opaque_token_passes_with_the_claims_that_its_issuer_gives() {
    let (bank, introspector) = (Bank::start(), Introspector::start());
    let headers = r#"{ "X-Client" = "{token.client_id}", "X-Issuer" = "{token.issuer}", "X-Scope" = "{token.scope}" }"#;
    let required = r#"["aud", "exp"]"#;
    let sidecar =
        config(&bank, &introspector).set("backend.headers", headers).set("token.required_claims", required).start();
    let alice = &Pki::get().alice;
    introspector.knows("opaque/1+2==", but(active(alice), "iss", Value::Null));

    let answer = sidecar.get("/a").showing(alice).bearing("opaque/1+2==").send();

    let seen = assert_passed(&answer, &bank);
    assert_eq!(seen.header("x-client"), Some("tpp-1"));
    assert_eq!(seen.header("x-issuer"), Some(ISSUER));
    assert_eq!(seen.header("x-scope"), Some("accounts payments"));
    assert_eq!(seen.identity().len(), 4);
    let line = sidecar.audit(1).remove(0);
    for (member, value) in [("kind", "opaque"), ("issuer", ISSUER), ("client_id", "tpp-1")] {
        assert_eq!(line["token"][member], value, "{member}");
    }
    assert_eq!(line["token"]["bound"], true);
    assert!(sidecar.stdout().iter().all(|line| !line.contains("opaque/1") && !line.contains("hunter2")));
}

#[test]
fn readiness_waits_for_no_keys_that_nobody_said_are_there() {
    let (bank, introspector, alice) = (Bank::start(), Introspector::start(), &Pki::get().alice);
    let issuer = format!("http://{}", Bank::closed());
    introspector.knows("opaque", but(active(alice), "iss", json!(issuer)));
    for (keys, status) in [("", 200), ("jwks = \"discovery\"", 503), ("verify = \"jwt\"", 503)] {
        let lines = format!("issuer = {issuer:?}\naudiences = [{AUDIENCE:?}]\n{}\n{keys}", introspector.line(""));
        let config = Config::in_front_of(&bank).without_issuers().issuer(&lines).file("rs-secret", "hunter2\n");
        let sidecar = config.start();

        assert_eq!(sidecar.admin("/readyz").status, status, "{keys}");
        assert_passed(&sidecar.get("/a").showing(alice).bearing("opaque").send(), &bank);
    }
}

#[test]
fn stolen_opaque_token_is_refused_with_another_certificate() {
    let (bank, introspector) = (Bank::start(), Introspector::start());
    let sidecar = config(&bank, &introspector).start();
    let Pki { alice, mallory, .. } = Pki::get();
    introspector.knows("hers", active(alice));

    for _ in 0..2 {
        assert_passed(&sidecar.get("/a").showing(alice).bearing("hers").send(), &bank);
        assert_refused(&sidecar.get("/a").showing(mallory).bearing("hers").send(), "binding_mismatch", &bank);
        assert_refused(&sidecar.get("/a").bearing("hers").send(), "certificate_missing", &bank);
    }
    assert_eq!(introspector.asked(), 1, "the answer is kept, and the certificate is compared each time");
}

#[test]
fn answer_without_a_confirmation_is_refused_and_the_record_says_who_omitted_it() {
    let (bank, introspector) = (Bank::start(), Introspector::start());
    let sidecar = config(&bank, &introspector).start();
    let alice = &Pki::get().alice;
    introspector.knows("unbound", but(active(alice), "cnf", Value::Null));

    let answer = sidecar.get("/a").showing(alice).bearing("unbound").send();

    assert_refused(&answer, "binding_missing", &bank);
    let line = sidecar.audit(1).remove(0);
    assert_eq!(line["detail"], "introspection omitted cnf");
    assert_eq!(line["token"]["bound"], false);
}

#[test]
fn token_that_is_not_active_is_refused_until_it_is() {
    let (bank, introspector) = (Bank::start(), Introspector::start());
    let sidecar = config(&bank, &introspector).start();
    let alice = &Pki::get().alice;
    let shown = sidecar.get("/a").showing(alice).bearing("t");

    assert_refused(&shown.send(), "token_inactive", &bank);
    for active in [json!("true"), json!(1), json!(false)] {
        introspector.knows("t", but(self::active(alice), "active", active));
        assert_refused(&shown.send(), "token_inactive", &bank);
    }
    introspector.knows("t", active(alice));
    assert_passed(&shown.send(), &bank);
}

#[test]
fn issuer_that_gives_no_answer_is_a_refusal_that_a_retry_may_heal() {
    let (bank, introspector) = (Bank::start(), Introspector::start());
    let sidecar = config(&bank, &introspector).set("token.fetch_timeout", r#""300ms""#).start();
    let alice = &Pki::get().alice;
    let shown = sidecar.get("/a").showing(alice).bearing("t");
    let good = active(alice).to_string().into_bytes();

    let misbehaviours: [fn() -> Reply; 6] = [
        || Reply::Failure,
        || Reply::Redirect("/elsewhere"),
        || Reply::Raw(b"nonsense\r\n\r\n".to_vec()),
        || Reply::Body(b"[]".to_vec()),
        || Reply::Silence,
        || Reply::Drip,
    ];
    for misbehaviour in misbehaviours {
        introspector.says(misbehaviour);
        assert_refused(&shown.send(), "introspection_unavailable", &bank);
    }
    introspector.says(move || Reply::Body(good.clone()));
    assert_passed(&shown.send(), &bank);
    assert!(sidecar.event("token_not_introspected")["error"].as_str().is_some_and(|error| error.contains("500")));
}

#[test]
fn issuer_that_is_not_there_is_a_refusal() {
    let bank = Bank::start();
    let lines = format!(
        "issuer = {ISSUER:?}\naudiences = [{AUDIENCE:?}]\nverify = \"introspection\"\n\
        introspection = {{ endpoint = \"http://{}/\", client_id = \"rs\", client_secret_file = \"rs-secret\" }}",
        Bank::closed()
    );
    let config = Config::in_front_of(&bank).without_issuers().issuer(&lines).file("rs-secret", "hunter2");
    let sidecar = config.start();

    // No keys are needed, so nothing is waited for.
    assert_eq!(sidecar.admin("/readyz").status, 200);
    for token in ["opaque".to_owned(), Pki::get().alice.token()] {
        let answer = sidecar.get("/a").showing(&Pki::get().alice).bearing(token).send();
        assert_refused(&answer, "introspection_unavailable", &bank);
    }
}

#[test]
fn many_who_show_one_token_at_once_make_one_question() {
    let (bank, introspector) = (Bank::start(), Introspector::start());
    let sidecar = config(&bank, &introspector).start();
    let alice = &Pki::get().alice;
    introspector.knows("t", active(alice));
    introspector.hold();

    std::thread::scope(|scope| {
        let ask = || sidecar.get("/a").showing(alice).bearing("t").send().status;
        let askers: Vec<_> = (0..20).map(|_| scope.spawn(ask)).collect();
        sidecar.await_metrics(|page| page.contains("http_server_active_requests 20"));
        introspector.go_on();
        assert!(askers.into_iter().all(|asker| asker.join().unwrap() == 200));
    });

    assert_eq!((introspector.asked(), bank.requests()), (1, 20));
    let page = sidecar.await_metrics(|page| page.contains("certbound_introspections_total"));
    let line = format!("certbound_introspections_total{{issuer={ISSUER:?},result=\"active\"}} 1");
    assert!(page.contains(&line), "{page}");
}

#[test]
fn answer_ends_with_the_token() {
    let (bank, introspector) = (Bank::start(), Introspector::start());
    let sidecar = config(&bank, &introspector).set("token.clock_skew", r#""0s""#).start();
    let alice = &Pki::get().alice;
    introspector.knows("short", but(active(alice), "exp", now() + 2));
    let shown = sidecar.get("/a").showing(alice).bearing("short");
    assert_passed(&shown.send(), &bank);

    while now() < active(alice)["iat"].as_u64().unwrap() + 3 {
        let answer = shown.send();
        if answer.status != 200 {
            return assert_refused(&answer, "token_expired", &bank);
        }
        bank.take();
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    panic!("it never ends");
}

#[test]
fn jwt_and_opaque_tokens_of_several_issuers_stand_side_by_side() {
    let (bank, first, second) = (Bank::start(), Introspector::start(), Introspector::start());
    let other = "https://other.example";
    let lines = format!("issuer = {other:?}\naudiences = [{AUDIENCE:?}]\njwks = \"other.json\"\n{}", second.line(""));
    let key = SigningKey::new("other");
    let sidecar = config(&bank, &first).issuer(&lines).file("other.json", SigningKey::set(&[&key])).start();
    let alice = &Pki::get().alice;
    first.knows("a", active(alice));
    second.knows("b", but(active(alice), "iss", other));
    second.knows("c", active(alice));
    let ask = |token: &str| sidecar.get("/a").showing(alice).bearing(token).send();

    let jwt = Token::of(alice).claim("iss", other).header("kid", "other");
    for token in [alice.token(), jwt.clone().sign_with(&key)] {
        assert_passed(&ask(&token), &bank);
    }
    assert_eq!((first.asked(), second.asked()), (0, 0), "a JWT makes no question");
    for token in ["a", "b"] {
        assert_passed(&ask(token), &bank);
    }
    assert_eq!((first.asked(), second.asked()), (2, 1), "in the order of the file, until one knows it");
    assert_refused(&ask(&jwt.sign()), "token_signature_invalid", &bank);
    assert_refused(&ask("c"), "token_issuer_unknown", &bank);
    assert_refused(&ask("d"), "token_inactive", &bank);
    first.says(|| Reply::Failure);
    assert_refused(&ask("d"), "introspection_unavailable", &bank);
    second.knows("e", but(active(alice), "iss", other));
    assert_passed(&ask("e"), &bank);
}

#[test]
fn jwt_that_is_verified_by_both_needs_its_signature_and_its_issuers_word() {
    let (bank, introspector) = (Bank::start(), Introspector::start());
    let config = Config::in_front_of(&bank);
    let sidecar = introspector.asked_by(config, "jwks = \"keys.json\"\nverify = \"both\"").start();
    let Pki { alice, mallory, .. } = Pki::get();
    let ask = |token: &str| sidecar.get("/a").showing(alice).bearing(token).send();
    let (known, revoked, moved) =
        (alice.token(), Token::of(alice).claim("jti", "2").sign(), Token::of(alice).claim("jti", "3").sign());
    introspector.knows(&known, json!({"active": true}));
    introspector.knows(&moved, active(mallory));
    let forged = Token::of(alice).sign_with(&SigningKey::new("published"));
    introspector.knows(&forged, active(alice));

    for _ in 0..2 {
        assert_passed(&ask(&known), &bank);
        assert_refused(&ask(&revoked), "token_inactive", &bank);
        assert_refused(&ask(&moved), "binding_mismatch", &bank);
    }
    let asked = introspector.asked();
    assert_refused(&ask(&forged), "token_signature_invalid", &bank);
    assert_eq!(introspector.asked(), asked);
    assert_eq!(sidecar.audit(1)[0]["token"]["kind"], "jwt");
}

#[test]
fn jwt_that_its_issuer_is_asked_about_is_held_to_what_it_says_of_itself() {
    let (bank, introspector) = (Bank::start(), Introspector::start());
    let config = Config::in_front_of(&bank).route("path = \"/token\"\nrequire = [\"token\"]").route("path = \"/a\"");
    let sidecar = introspector.asked_by(config, "verify = \"introspection\"").start();
    let Pki { alice, mallory, .. } = Pki::get();
    let token = alice.token();
    introspector.knows(&token, but(active(alice), "cnf", Value::Null));
    let ask = |path: &str| sidecar.get(path).bearing(token.clone());

    assert_refused(&ask("/token").send(), "certificate_missing", &bank);
    assert_refused(&ask("/token").showing(mallory).send(), "binding_mismatch", &bank);
    assert_refused(&ask("/a").showing(mallory).send(), "binding_mismatch", &bank);
    assert_passed(&ask("/token").showing(alice).send(), &bank);
    assert_refused(&ask("/a").showing(alice).send(), "binding_missing", &bank);
}

/// A server that splits a token at its dots may not see those behind the signature.
#[test]
fn jwt_is_not_made_opaque_by_what_stands_behind_it() {
    let Pki { alice, mallory, .. } = Pki::get();
    for lines in ["jwks = \"keys.json\"", "verify = \"introspection\"", "jwks = \"keys.json\"\nverify = \"both\""] {
        let (bank, introspector) = (Bank::start(), Introspector::start());
        let config = Config::in_front_of(&bank).route("path = \"/token\"\nrequire = [\"token\"]");
        let sidecar = introspector.asked_by(config, lines).start();
        for more in [".", "..", ".x", ".x.y"] {
            let token = format!("{}{more}", alice.token());
            introspector.knows(&token, but(active(alice), "cnf", Value::Null));

            assert_refused(&sidecar.get("/token").showing(mallory).bearing(&token).send(), "token_malformed", &bank);
        }
        assert_eq!(introspector.asked(), 0, "{lines}");
    }
}

#[test]
fn answers_outlive_a_change_of_other_things_and_end_with_the_secret() {
    let (bank, introspector) = (Bank::start(), Introspector::start());
    let config = config(&bank, &introspector);
    let sidecar = config.start();
    let alice = &Pki::get().alice;
    introspector.knows("t", active(alice));
    let shown = sidecar.get("/a").showing(alice).bearing("t");
    assert_passed(&shown.send(), &bank);

    config.set("truststore.max_intermediates", "4").write(sidecar.folder());
    sidecar.events("config_reloaded", 1);
    assert_passed(&shown.send(), &bank);
    assert_eq!(introspector.asked(), 1);

    std::fs::write(sidecar.folder().join("rs-secret"), "hunter3\n").unwrap();
    sidecar.events("config_reloaded", 2);
    assert_passed(&shown.send(), &bank);
    assert_eq!(introspector.asked(), 2);
}

#[test]
fn issuer_before_the_tokens_own_is_not_asked_again_while_the_answer_serves() {
    let (bank, first, own) = (Bank::start(), Introspector::start(), Introspector::start());
    let second = format!("issuer = {SECOND:?}\naudiences = [{AUDIENCE:?}]\njwks = \"keys.json\"\n{}", own.line(""));
    let sidecar = config(&bank, &first).issuer(&second).start();
    let alice = &Pki::get().alice;
    own.knows("of-the-second", but(active(alice), "iss", SECOND));
    let shown = sidecar.get("/a").showing(alice).bearing("of-the-second");

    for _ in 0..5 {
        assert_passed(&shown.send(), &bank);
    }

    assert_eq!((first.asked(), own.asked()), (1, 1));
}
