//! An access token is refused for the fault that it has, and keys are fetched when, and only when, they must be.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::{
    support::{
        bank::Bank,
        config::Config,
        issuer::{Issuer, Mood},
        pki::Pki,
        sidecar::Sidecar,
        stream::Listener,
        tls::server_config,
        token::{AUDIENCE, ISSUER, SigningKey, Token, now},
    },
    verdict::{assert_passed, assert_refused},
};

#[test]
fn token_is_refused_for_the_fault_that_it_has() {
    let bank = Bank::start();
    let sidecar = Sidecar::in_front_of(&bank);
    let alice = &Pki::get().alice;
    let token = || Token::of(alice);
    let good = token().sign();
    let [header, claims, signature] = good.split('.').collect::<Vec<_>>()[..] else { panic!("three parts") };
    let other = SigningKey::new("published");

    for (token, code) in [
        (token().expired().sign(), "token_expired"),
        (token().claim("nbf", now() + 90).sign(), "token_not_yet_valid"),
        (token().claim("iat", now() + 90).sign(), "token_not_yet_valid"),
        (token().claim("iss", "https://evil.example").sign(), "token_issuer_unknown"),
        (token().claim("aud", "https://other.example").sign(), "token_audience_wrong"),
        (token().claim("aud", json!(["https://other.example"])).sign(), "token_audience_wrong"),
        (token().without("exp").sign(), "token_claim_missing"),
        (token().without("aud").sign(), "token_claim_missing"),
        (token().without("iss").sign(), "token_claim_missing"),
        (token().header("typ", "dpop+jwt").sign(), "token_type_wrong"),
        (token().without_header("typ").sign(), "token_type_wrong"),
        (token().header("alg", "none").sign(), "token_algorithm_refused"),
        (token().header("alg", "HS256").sign(), "token_algorithm_refused"),
        (token().header("alg", "RS256").sign(), "token_algorithm_refused"),
        (token().header("kid", "unheard-of").sign(), "token_key_unknown"),
        (token().sign_with(&other), "token_signature_invalid"),
        (token().header("crit", json!(["exp"])).sign(), "token_malformed"),
        (token().claim("cnf", "text").sign(), "token_malformed"),
        (token().claim("cnf", json!({"x5t#S256": "short"})).sign(), "token_malformed"),
        (token().claim("cnf", json!({"x5t#S256": format!("{}=", alice.thumbprint())})).sign(), "token_malformed"),
        (token().claim("exp", "tomorrow").sign(), "token_malformed"),
        (format!("{header}.{claims}."), "token_signature_invalid"),
        (format!("{header}.{claims}"), "token_malformed"),
        (format!("{header}.{claims}.{signature}.x"), "token_malformed"),
        (format!("{good},{good}"), "token_malformed"),
        (format!("{good}="), "token_malformed"),
        ("opaque".to_owned(), "token_malformed"),
        ("..".to_owned(), "token_malformed"),
    ] {
        let answer = sidecar.get("/a").showing(alice).bearing(&token).send();
        assert_refused(&answer, code, &bank);
    }
}

#[test]
fn token_that_needs_no_more_than_the_rules_passes() {
    let bank = Bank::start();
    let sidecar = Sidecar::in_front_of(&bank);
    let alice = &Pki::get().alice;
    let token = || Token::of(alice);

    for token in [
        token(),
        token().header("typ", "JWT"),
        token().header("typ", "application/AT+JWT"),
        token().claim("aud", json!(["https://other.example", AUDIENCE])),
        token().claim("exp", now() - 10),
        token().claim("nbf", now() + 10),
        token().without_header("kid"),
        token().without("iat"),
        // What the token says about keys is nobody's business.
        token()
            .header("jku", "https://evil.example/jwks")
            .header("x5u", "https://evil.example")
            .header("jwk", json!({})),
    ] {
        let seen = assert_passed(&sidecar.get("/a").showing(alice).bearing(token.sign()).send(), &bank);
        assert_eq!(seen.identity().len(), 1);
    }
}

#[test]
fn credentials_that_are_not_exactly_one_bearer_token_are_refused() {
    let bank = Bank::start();
    let sidecar = Sidecar::in_front_of(&bank);
    let alice = &Pki::get().alice;
    let good = alice.token();
    let shown = || sidecar.get("/a").showing(alice);

    assert_refused(&shown().send(), "token_missing", &bank);
    assert_refused(&shown().header("Authorization", "Basic YTpi").send(), "token_missing", &bank);
    assert_refused(&shown().bearing(&good).bearing(&good).send(), "token_repeated", &bank);
    assert_refused(&shown().bearing(&good).header("authorization", "Basic YTpi").send(), "token_repeated", &bank);
    let joined = format!("Bearer {good}, Bearer {good}");
    assert_refused(&shown().header("Authorization", &joined).send(), "token_malformed", &bank);
    // Nowhere but in this header is a token looked for.
    let query = sidecar.get(&format!("/a?access_token={good}")).showing(alice);
    assert_refused(&query.send(), "token_missing", &bank);
    assert_passed(&shown().header("Authorization", &format!("bEARER  {good}")).send(), &bank);
}

/// Keys from this address, for the issuer of every token.
fn keys_from(bank: &Bank, issuer: &Issuer) -> Config {
    Config::in_front_of(bank)
        .without_issuers()
        .issuer(&format!("issuer = {ISSUER:?}\naudiences = [{AUDIENCE:?}]\njwks = {:?}", issuer.jwks()))
}

#[test]
fn keys_come_from_an_address() {
    let (bank, issuer) = (Bank::start(), Issuer::start());
    let sidecar = keys_from(&bank, &issuer).start();
    sidecar.await_admin("/readyz", 200);

    assert_passed(&sidecar.get("/a").by(&Pki::get().alice).send(), &bank);

    assert_eq!(issuer.key_requests(), 1);
}

#[test]
fn keys_come_by_discovery() {
    let (bank, issuer) = (Bank::start(), Issuer::start());
    let config = Config::in_front_of(&bank).without_issuers();
    let sidecar = config.issuer(&format!("issuer = {:?}\naudiences = [{AUDIENCE:?}]", issuer.url)).start();
    sidecar.await_admin("/readyz", 200);
    let alice = &Pki::get().alice;

    let token = Token::of(alice).claim("iss", issuer.url.as_str()).sign();
    assert_passed(&sidecar.get("/a").showing(alice).bearing(token).send(), &bank);
    assert_refused(&sidecar.get("/a").by(alice).send(), "token_issuer_unknown", &bank);
}

#[test]
fn keys_come_over_https_from_the_authority_that_is_named() {
    let bank = Bank::start();
    let pki = Pki::get();
    let issuer = Issuer::over_tls(server_config(&pki.infrastructure.server(&["localhost"]), None));
    let lines = |ca: &str| {
        format!("issuer = {ISSUER:?}\naudiences = [{AUDIENCE:?}]\njwks = {:?}\nca_file = {ca:?}", issuer.jwks())
    };
    let config = Config::in_front_of(&bank).without_issuers();
    let config = config
        .file("bank-ca.pem", crate::support::pki::pem(&pki.infrastructure.der))
        .file("other-ca.pem", crate::support::pki::pem(&pki.foreign.der));

    let sidecar = config.clone().issuer(&lines("bank-ca.pem")).start();
    sidecar.await_admin("/readyz", 200);
    assert_passed(&sidecar.get("/a").by(&pki.alice).send(), &bank);

    let sidecar = config.issuer(&lines("other-ca.pem")).start();
    assert_refused(&sidecar.get("/a").by(&pki.alice).send(), "keys_unavailable", &bank);
    assert_eq!(sidecar.admin("/readyz").status, 503);
}

#[test]
fn unknown_key_makes_one_fetch_and_no_more_for_a_while() {
    let (bank, issuer) = (Bank::start(), Issuer::start());
    let sidecar = keys_from(&bank, &issuer).start();
    sidecar.await_admin("/readyz", 200);
    let alice = &Pki::get().alice;
    let rolled = SigningKey::new("rolled");
    let token = Token::of(alice).header("kid", "rolled").sign_with(&rolled);
    issuer.change_mood(Mood::Keys(SigningKey::set(&[SigningKey::published(), &rolled])));
    let (at_start, begun) = (issuer.key_requests(), Instant::now());

    assert_passed(&sidecar.get("/a").showing(alice).bearing(token).send(), &bank);
    assert_eq!(issuer.key_requests(), at_start + 1);

    for number in 0..5 {
        let unheard_of = Token::of(alice).header("kid", format!("unheard-of-{number}")).sign();
        let answer = sidecar.get("/a").showing(alice).bearing(unheard_of).send();
        assert_refused(&answer, "token_key_unknown", &bank);
    }
    assert!(issuer.key_requests() == at_start + 1 || begun.elapsed() > Duration::from_secs(10));
}

#[test]
fn key_set_of_a_file_without_a_key_is_waited_for() {
    let (bank, alice) = (Bank::start(), &Pki::get().alice);
    let line = format!("issuer = {ISSUER:?}\naudiences = [{AUDIENCE:?}]\njwks = \"own.json\"");
    let config = Config::in_front_of(&bank).without_issuers().issuer(&line);
    let sidecar = config.file("own.json", r#"{"keys":[]}"#).start();

    assert_eq!(sidecar.admin("/readyz").status, 503);
    assert_refused(&sidecar.get("/a").by(alice).send(), "keys_unavailable", &bank);

    std::fs::write(sidecar.folder().join("own.json"), SigningKey::set(&[SigningKey::published()])).unwrap();
    sidecar.await_admin("/readyz", 200);
    assert_passed(&sidecar.get("/a").by(alice).send(), &bank);
}

#[test]
fn issuer_without_keys_is_a_refusal_until_it_has_some() {
    let alice = &Pki::get().alice;
    for mood in
        [Mood::Failing, Mood::Silent, Mood::Redirecting, Mood::Keys(r#"{"keys":[]}"#.into()), Mood::Keys("{".into())]
    {
        let (bank, issuer) = (Bank::start(), Issuer::feeling(mood));
        let sidecar = keys_from(&bank, &issuer).set("token.fetch_timeout", r#""200ms""#).start();

        assert_refused(&sidecar.get("/a").by(alice).send(), "keys_unavailable", &bank);
        assert_eq!(sidecar.admin("/readyz").status, 503);

        issuer.change_mood(Mood::Keys(SigningKey::set(&[SigningKey::published()])));
        sidecar.await_admin("/readyz", 200);
        assert_passed(&sidecar.get("/a").by(alice).send(), &bank);
    }
}

#[test]
fn last_good_keys_stay_in_use_when_a_refresh_fails() {
    let (bank, issuer) = (Bank::start(), Issuer::start());
    let lines =
        format!("issuer = {ISSUER:?}\naudiences = [{AUDIENCE:?}]\njwks = {:?}\njwks_refresh = \"1s\"", issuer.jwks());
    let sidecar = Config::in_front_of(&bank).without_issuers().issuer(&lines).start();
    sidecar.await_admin("/readyz", 200);

    issuer.change_mood(Mood::Failing);
    issuer.await_key_requests(3);

    assert_passed(&sidecar.get("/a").by(&Pki::get().alice).send(), &bank);
    assert_eq!(sidecar.admin("/readyz").status, 200);
}

#[test]
fn key_set_at_an_address_where_nobody_listens_is_unavailable() {
    let bank = Bank::start();
    let nowhere = Listener::tcp().address().unwrap();
    let lines = format!("issuer = {ISSUER:?}\naudiences = [{AUDIENCE:?}]\njwks = \"http://{nowhere}/jwks\"");
    let sidecar = Config::in_front_of(&bank).without_issuers().issuer(&lines).start();

    assert_refused(&sidecar.get("/a").by(&Pki::get().alice).send(), "keys_unavailable", &bank);
    assert_eq!(sidecar.admin("/readyz").status, 503);
    assert_eq!(sidecar.admin("/livez").status, 200);
}
