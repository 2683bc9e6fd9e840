//! Every way in which a token can be wrong, as a JWT and as an issuer's answer, through one process.

use serde_json::{Value, json};

use crate::{
    support::{
        bank::Bank,
        config::Config,
        introspector::{Introspector, active, but},
        pki::{Client, Pki},
        token::{AUDIENCE, SigningKey, Token, now},
    },
    verdict::{assert_passed, assert_refused},
};

/// What is changed in a good token's claims, alike for a JWT and for an answer; `null` takes a claim away.
#[rustfmt::skip]
fn claims() -> Vec<(&'static str, Value, &'static str)> {
    let now = now();
    vec![
        ("iss", json!("https://evil.example"), "token_issuer_unknown"),
        ("iss", json!(""), "token_issuer_unknown"),
        ("iss", json!("https://as.bank.example/"), "token_issuer_unknown"),
        ("iss", json!("HTTPS://as.bank.example"), "token_issuer_unknown"),
        ("iss", json!(["https://as.bank.example"]), "token_malformed"),
        ("iss", Value::Null, "token_claim_missing"),
        ("aud", json!("https://other.example"), "token_audience_wrong"),
        ("aud", json!(""), "token_audience_wrong"),
        ("aud", json!([]), "token_audience_wrong"),
        ("aud", json!(["https://other.example"]), "token_audience_wrong"),
        ("aud", json!(["https://other.example", AUDIENCE]), ""),
        ("aud", json!(format!("{AUDIENCE}/")), "token_audience_wrong"),
        ("aud", json!({"a": AUDIENCE}), "token_malformed"),
        ("aud", json!([AUDIENCE, 7]), "token_malformed"),
        ("aud", Value::Null, "token_claim_missing"),
        ("exp", json!(now - 90), "token_expired"),
        ("exp", json!(0), "token_expired"),
        ("exp", json!(now - 10), ""),
        ("exp", json!(now + 300), ""),
        ("exp", json!((now + 300) as f64 + 0.5), ""),
        ("exp", json!("tomorrow"), "token_malformed"),
        ("exp", json!((now + 300).to_string()), "token_malformed"),
        ("exp", json!((now + 300) * 1000), "token_malformed"),
        ("exp", json!(-1), "token_malformed"),
        ("exp", json!(true), "token_malformed"),
        ("exp", Value::Null, "token_claim_missing"),
        ("nbf", json!(now + 90), "token_not_yet_valid"),
        ("nbf", json!(now + 10), ""),
        ("nbf", json!("now"), "token_malformed"),
        ("iat", json!(now + 90), "token_not_yet_valid"),
        ("iat", json!([]), "token_malformed"),
        ("iat", Value::Null, ""),
        ("typ", json!("ID"), "token_type_wrong"),
        ("typ", json!("Bearer"), ""),
        ("token_use", json!("refresh_token"), "token_type_wrong"),
        ("token_type", json!(7), "token_malformed"),
        ("sub", json!(7), "token_malformed"),
        ("client_id", json!({}), "token_malformed"),
        ("scope", json!(7), "token_malformed"),
        ("scope", json!(["accounts", "payments"]), ""),
        ("scope", json!(["accounts payments"]), "token_malformed"),
        ("cnf", Value::Null, "binding_missing"),
        ("cnf", json!({}), "binding_missing"),
        ("cnf", json!({"jkt": "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"}), "binding_missing"),
        ("cnf", json!("text"), "token_malformed"),
        ("cnf", json!([]), "token_malformed"),
        ("cnf", json!({"x5t#S256": "short"}), "token_malformed"),
        ("cnf", json!({"x5t#S256": 7}), "token_malformed"),
        ("cnf", json!({"x5t#S256": "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"}), "binding_mismatch"),
    ]
}

/// What only a JWT can have wrong.
#[rustfmt::skip]
fn jwts(alice: &Client) -> Vec<(String, &'static str)> {
    let token = || Token::of(alice);
    let good = token().sign();
    let [header, payload, signature] = good.split('.').collect::<Vec<_>>()[..] else { panic!("three parts") };
    vec![
        (good.clone(), ""),
        (token().header("typ", "JWT").sign(), ""),
        (token().header("typ", "application/AT+JWT").sign(), ""),
        (token().without_header("kid").sign(), ""),
        (token().header("jku", "https://evil.example").sign(), ""),
        (token().header("typ", "dpop+jwt").sign(), "token_type_wrong"),
        (token().header("typ", "").sign(), "token_type_wrong"),
        (token().without_header("typ").sign(), "token_type_wrong"),
        (token().header("typ", 7).sign(), "token_malformed"),
        (token().header("alg", "none").sign(), "token_algorithm_refused"),
        (token().header("alg", "HS256").sign(), "token_algorithm_refused"),
        (token().header("alg", "RS256").sign(), "token_algorithm_refused"),
        (token().header("alg", "es256").sign(), "token_algorithm_refused"),
        (token().without_header("alg").sign(), "token_malformed"),
        (token().header("kid", "unheard-of").sign(), "token_key_unknown"),
        (token().header("kid", 7).sign(), "token_malformed"),
        (token().header("crit", json!(["exp"])).sign(), "token_malformed"),
        (token().header("b64", false).sign(), "token_malformed"),
        (token().sign_with(&SigningKey::new("published")), "token_signature_invalid"),
        (format!("{header}.{payload}."), "token_signature_invalid"),
        (format!("{header}.{payload}.{signature}A"), "token_signature_invalid"),
        (format!("{header}.{payload}.{signature}="), "token_malformed"),
        (format!("{header}..{signature}"), "token_malformed"),
        (format!("{header}.{header}.{signature}"), "token_claim_missing"),
    ]
}

/// What only an answer can have wrong, and tokens that are no JWT.
#[rustfmt::skip]
fn answers(alice: &Client) -> Vec<(&'static str, Option<Value>, &'static str)> {
    let with = |name: &str, value: Value| Some(but(active(alice), name, value));
    vec![
        ("o-good", Some(active(alice)), ""),
        ("o~+/.-_==", Some(active(alice)), ""),
        ("o.two.parts.more", Some(active(alice)), ""),
        ("eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0.of.a.jwe.token", Some(active(alice)), ""),
        ("o-unknown", None, "token_inactive"),
        ("..", None, "token_inactive"),
        ("o-inactive", Some(json!({"active": false})), "token_inactive"),
        ("o-text", with("active", json!("true")), "token_inactive"),
        ("o-number", with("active", json!(1)), "token_inactive"),
        ("o-absent", with("active", Value::Null), "token_inactive"),
        ("o-list", Some(json!([{"active": true}])), "introspection_unavailable"),
        ("o-word", Some(json!(true)), "introspection_unavailable"),
        ("o-bearer", with("token_type", json!("bearer")), ""),
        ("o-dpop", with("token_type", json!("DPoP")), ""),
        ("o-none", with("token_type", Value::Null), ""),
        ("o-refresh", with("token_type", json!("refresh_token")), "token_type_wrong"),
        ("o-id", with("token_type", json!("id_token")), "token_type_wrong"),
        ("o-type", with("token_type", json!(7)), "token_malformed"),
    ]
}

#[test]
fn token_is_refused_for_the_fault_that_it_has_however_it_is_verified() {
    let (bank, introspector) = (Bank::start(), Introspector::start());
    let sidecar = introspector.asked_by(Config::in_front_of(&bank), "jwks = \"keys.json\"").start();
    let alice = &Pki::get().alice;
    let mut rows: Vec<(String, &str)> = jwts(alice);
    for (place, (claim, value, code)) in claims().into_iter().enumerate() {
        let token = match &value {
            Value::Null => Token::of(alice).without(claim),
            value => Token::of(alice).claim(claim, value.clone()),
        };
        rows.push((token.sign(), code));
        let opaque = format!("claim-{place}");
        introspector.knows(&opaque, but(active(alice), claim, value));
        rows.push((opaque, code));
    }
    for (token, answer, code) in answers(alice) {
        answer.into_iter().for_each(|answer| introspector.knows(token, answer));
        rows.push((token.to_owned(), code));
    }

    assert!(rows.len() > 120, "{}", rows.len());
    let mut connection = sidecar.connect();
    for (token, code) in &rows {
        let answer = sidecar.get("/a").showing(alice).bearing(token).send_on(&mut connection);
        match *code {
            "" => drop(assert_passed(&answer, &bank)),
            code => assert_refused(&answer, code, &bank),
        }
    }
}
