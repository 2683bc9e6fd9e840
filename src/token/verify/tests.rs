#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests state what they need")]

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use proptest::{prelude::proptest, sample::Index};
use serde_json::{Value, json};

use super::*;
use crate::token::{
    KeySet,
    mint::{AUDIENCE, ISSUER, Mint, NOW, at, bearing, claims, issuers},
};

const CACHE: u64 = 1 << 20;

/// The code, and whether the signature was remembered.
fn ask(issuers: &Issuers, keys: &KeyRing, token: &str, now: u64) -> (Option<Lookup>, &'static str) {
    let headers = bearing(token);
    let (lookup, verdict) = issuers.verify(BearerToken::read(&headers, false).unwrap(), keys, &|_| None, at(now));
    let code = match verdict {
        Ok(_) => "ok",
        Err(TokenStop::Deny(denial)) => denial.code(),
        Err(TokenStop::UnknownKey { .. }) => "unknown_key",
        Err(TokenStop::Ask(_)) => "asks",
    };
    (lookup, code)
}

/// One issuer with one key.
struct Bank {
    mint: Mint,
    issuers: Issuers,
}

impl Bank {
    fn new() -> Self {
        Self { mint: Mint::new(Algorithm::ES256, "1"), issuers: issuers() }
    }

    fn ring(&self, cache_bytes: u64) -> KeyRing {
        KeyRing::new(vec![Some(Arc::new(self.mint.key_set()))], cache_bytes)
    }

    /// The verdict, which is the same with a cache, without one, and once remembered.
    fn ask(&self, token: &str, now: u64) -> &'static str {
        let (without, with) = (self.ring(0), self.ring(CACHE));
        let (_, code) = ask(&self.issuers, &without, token, now);
        for keys in [&without, &with, &with] {
            assert_eq!(ask(&self.issuers, keys, token, now).1, code);
        }
        code
    }

    fn check(&self, changes: &Value, expected: &str) {
        assert_eq!(self.ask(&self.mint.token(&claims(changes)), NOW), expected, "{changes}");
    }

    fn check_header(&self, header: &Value, expected: &str) {
        let token = self.mint.sign(&header.to_string(), &claims(&json!({})).to_string());
        assert_eq!(self.ask(&token, NOW), expected, "{header}");
    }
}

/// As Keycloak, Cognito, and others write it: whoever signs ID and refresh tokens with the same key says so there alone.
#[test]
fn kind_that_the_payload_names_is_that_of_an_access_token() {
    let bank = Bank::new();
    for kind in ["ID", "Refresh", "Offline", "Logout", "N_A"] {
        bank.check(&json!({"typ": kind}), "token_type_wrong");
    }
    for kind in ["id", "refresh", "refresh_token"] {
        bank.check(&json!({"token_use": kind}), "token_type_wrong");
        bank.check(&json!({"typ": "Bearer", "token_type": kind}), "token_type_wrong");
    }
    for kind in [json!("Bearer"), json!("DPoP"), json!("access_token"), json!("at+jwt"), json!(null)] {
        bank.check(&json!({"typ": kind, "token_use": "access", "token_type": "Bearer"}), "ok");
    }
    bank.check(&json!({"token_use": ["access"]}), "token_malformed");
    bank.check(&json!({"typ": "ID", "aud": "https://other.example"}), "token_audience_wrong");
}

#[test]
fn token_that_is_said_to_be_of_a_key_comes_with_a_proof() {
    let bank = Bank::new();
    for (said, proven) in [(json!({}), false), (json!({"typ": "Bearer"}), false), (json!({"typ": "DPoP"}), true)] {
        let headers = bearing(&bank.mint.token(&claims(&said)));
        let bearer = BearerToken::read(&headers, false).unwrap();
        let (_, verdict) = bank.issuers.verify(bearer, &bank.ring(0), &|_| None, at(NOW));
        assert_eq!(verdict.unwrap().is_proven_by_key(), proven, "{said}");
    }
}

/// Another issuer than the mint's.
fn stranger(audiences: &[&str]) -> Issuer {
    let audiences = audiences.iter().map(|audience| (*audience).to_owned()).collect();
    Issuer { issuer: "https://other.example".into(), audiences, verify: Verify::Jwt, introspects: false }
}

#[test]
fn token_of_each_kind_of_key_is_believed_with_its_claims() {
    for algorithm in [Algorithm::ES256, Algorithm::ES384, Algorithm::EdDSA] {
        let bank = Bank { mint: Mint::new(algorithm, "1"), issuers: issuers() };
        let headers = bearing(&bank.mint.token(&claims(&json!({"scope": "accounts"}))));
        let (lookup, verdict) =
            bank.issuers.verify(BearerToken::read(&headers, false).unwrap(), &bank.ring(0), &|_| None, at(NOW));
        assert_eq!(lookup, Some(Lookup::Miss));
        let token = verdict.unwrap();
        assert_eq!((token.claims().scope(), token.claims().subject()), (Some("accounts"), Some("alice")));
    }
}

#[test]
fn each_claim_that_is_wrong_has_its_answer() {
    let bank = Bank::new();
    for (changes, expected) in [
        (json!({}), "ok"),
        (json!({"iss": null}), "token_claim_missing"),
        (json!({"iss": "https://as.example/"}), "token_issuer_unknown"),
        (json!({"iss": "https://AS.example"}), "token_issuer_unknown"),
        (json!({"iss": ""}), "token_issuer_unknown"),
        (json!({"iss": [ISSUER]}), "token_malformed"),
        (json!({"aud": null}), "token_claim_missing"),
        (json!({"aud": "https://other.example"}), "token_audience_wrong"),
        (json!({"aud": format!("{AUDIENCE} b")}), "token_audience_wrong"),
        (json!({"aud": []}), "token_audience_wrong"),
        (json!({"aud": ["https://other.example", AUDIENCE]}), "ok"),
        (json!({"aud": {"a": AUDIENCE}}), "token_malformed"),
        (json!({"exp": null}), "token_claim_missing"),
        (json!({"exp": (NOW + 300).to_string()}), "token_malformed"),
        (json!({"exp": (NOW + 300) * 1000}), "token_malformed"),
        (json!({"exp": -1}), "token_malformed"),
        (json!({"cnf": "a"}), "token_malformed"),
        (json!({"cnf": {"x5t#S256": "a"}}), "token_malformed"),
        (json!({"scope": 1}), "token_malformed"),
    ] {
        bank.check(&changes, expected);
    }
}

#[test]
fn claim_that_is_not_required_may_be_absent_but_for_issuer_and_audience() {
    let mut bank = Bank::new();
    bank.issuers.rules.required_claims.clear();
    bank.check(&json!({"iss": null}), "token_issuer_unknown");
    bank.check(&json!({"aud": null}), "token_audience_wrong");
    bank.check(&json!({"exp": null}), "ok");
    bank.issuers.rules.required_claims = vec!["consent_id".into()];
    bank.check(&json!({}), "token_claim_missing");
    bank.check(&json!({"consent_id": "1"}), "ok");
}

#[test]
fn times_hold_to_the_second_within_the_skew() {
    let bank = Bank::new();
    for (changes, expected) in [
        (json!({"exp": NOW - 29}), "ok"),
        (json!({"exp": NOW - 30}), "token_expired"),
        (json!({"exp": (NOW - 30) as f64 + 0.9}), "token_expired"),
        (json!({"exp": 0}), "token_expired"),
        (json!({"nbf": NOW + 30}), "ok"),
        (json!({"nbf": NOW + 31}), "token_not_yet_valid"),
        (json!({"iat": NOW + 30}), "ok"),
        (json!({"iat": NOW + 31}), "token_not_yet_valid"),
        (json!({"iat": null}), "ok"),
    ] {
        bank.check(&changes, expected);
    }
}

#[test]
fn algorithm_that_is_not_listed_or_not_known_is_refused() {
    let mut bank = Bank::new();
    for name in ["none", "NONE", "", "HS256", "HS512", "es256", "ES256K", "ES512", "RSA-OAEP"] {
        bank.check_header(&json!({"alg": name, "kid": "1", "typ": "JWT"}), "token_algorithm_refused");
    }
    let unsigned = bank.mint.sign(r#"{"alg":"none"}"#, &claims(&json!({})).to_string());
    let (unsigned, _) = unsigned.rsplit_once('.').unwrap();
    assert_eq!(bank.ask(&format!("{unsigned}."), NOW), "token_algorithm_refused");
    bank.issuers.rules.algorithms = vec![Algorithm::PS256];
    bank.check(&json!({}), "token_algorithm_refused");
}

#[test]
fn public_key_is_never_taken_for_a_secret() {
    let bank = Bank::new();
    let message = format!(
        "{}.{}",
        BASE64_URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","kid":"1","typ":"JWT"}"#),
        BASE64_URL_SAFE_NO_PAD.encode(claims(&json!({})).to_string()),
    );
    let x = BASE64_URL_SAFE_NO_PAD.decode(bank.mint.jwk()["x"].as_str().unwrap()).unwrap();
    let tag = ring::hmac::sign(&ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &x), message.as_bytes());
    let token = format!("{message}.{}", BASE64_URL_SAFE_NO_PAD.encode(tag));
    assert_eq!(bank.ask(&token, NOW), "token_algorithm_refused");
}

#[test]
fn type_is_one_of_those_accepted_and_absent_only_where_that_is_said() {
    let mut bank = Bank::new();
    for (typ, expected) in [
        (json!("at+jwt"), "ok"),
        (json!("JWT"), "ok"),
        (json!("application/AT+jwt"), "ok"),
        (json!("dpop+jwt"), "token_type_wrong"),
        (json!("text/jwt"), "token_type_wrong"),
        (json!(""), "token_type_wrong"),
        (json!(null), "token_malformed"),
    ] {
        bank.check_header(&json!({"alg": "ES256", "kid": "1", "typ": typ}), expected);
    }
    bank.check_header(&json!({"alg": "ES256", "kid": "1"}), "token_type_wrong");
    bank.issuers.rules.types = vec![String::new()];
    bank.check_header(&json!({"alg": "ES256", "kid": "1"}), "ok");
    bank.check(&json!({}), "token_type_wrong");
}

#[test]
fn critical_extension_and_repeated_member_are_malformed() {
    let bank = Bank::new();
    bank.check_header(&json!({"alg": "ES256", "kid": "1", "typ": "JWT", "crit": ["exp"]}), "token_malformed");
    let (header, payload) = (r#"{"alg":"ES256","kid":"1","typ":"JWT"}"#, claims(&json!({})).to_string());
    let header_twice = header.replacen('{', r#"{"alg":"ES256","#, 1);
    assert_eq!(bank.ask(&bank.mint.sign(&header_twice, &payload), NOW), "token_malformed");
    let payload_twice = payload.replacen('{', r#"{"aud":"https://other.example","#, 1);
    assert_eq!(bank.ask(&bank.mint.sign(header, &payload_twice), NOW), "token_malformed");
    for payload in ["", "[]", "null", "Example of Ed25519 signing"] {
        assert_eq!(bank.ask(&bank.mint.sign(header, payload), NOW), "token_malformed");
    }
    assert_eq!(bank.ask("2YotnFZFEjr1zCsicMWpAA", NOW), "token_malformed");
}

#[test]
fn key_inside_the_token_is_not_used() {
    let bank = Bank::new();
    let forger = Mint::new(Algorithm::ES256, "1");
    let mut header = json!({"alg": "ES256", "kid": "1", "typ": "JWT", "jku": "https://a.example", "x5c": ["AA"]});
    header["jwk"] = forger.jwk();
    let token = forger.sign(&header.to_string(), &claims(&json!({})).to_string());
    assert_eq!(bank.ask(&token, NOW), "token_signature_invalid");
    bank.check_header(&header, "ok");
}

#[test]
fn unknown_kid_asks_for_newer_keys_of_the_very_issuer() {
    let mut bank = Bank::new();
    bank.issuers.issuers.insert(0, stranger(&[]));
    let keys = KeyRing::new(vec![None, Some(Arc::new(bank.mint.key_set()))], CACHE);
    let headers = bearing(&Mint::new(Algorithm::ES256, "2").token(&claims(&json!({}))));
    let (_, verdict) = bank.issuers.verify(BearerToken::read(&headers, false).unwrap(), &keys, &|_| None, at(NOW));
    assert!(matches!(verdict, Err(TokenStop::UnknownKey { issuer: 1, .. })), "{verdict:?}");
}

#[test]
fn issuer_without_keys_is_unavailable_and_never_waves_through() {
    let bank = Bank::new();
    let token = bank.mint.token(&claims(&json!({})));
    let empty = Arc::new(KeySet::parse(br#"{"keys":[]}"#).unwrap());
    for sets in [vec![], vec![None], vec![Some(empty)]] {
        let keys = KeyRing::new(sets, CACHE);
        assert_eq!(ask(&bank.issuers, &keys, &token, NOW), (None, "keys_unavailable"));
    }
}

#[test]
fn token_is_held_against_the_keys_and_audiences_of_its_own_issuer_only() {
    let bank = Bank::new();
    let other = Mint::new(Algorithm::ES256, "1");
    let issuers = Issuers {
        issuers: vec![bank.issuers.issuers[0].clone(), stranger(&["https://their.example"])],
        rules: bank.issuers.rules.clone(),
    };
    let keys = KeyRing::new([&bank.mint, &other].map(|mint| Some(Arc::new(mint.key_set()))).into(), CACHE);
    let theirs = json!({"iss": "https://other.example"});
    for (token, expected) in [
        (bank.mint.token(&claims(&json!({}))), "ok"),
        (other.token(&claims(&json!({}))), "token_signature_invalid"),
        (bank.mint.token(&claims(&theirs)), "token_signature_invalid"),
        (other.token(&claims(&theirs)), "token_audience_wrong"),
        (other.token(&claims(&json!({"iss": "https://other.example", "aud": "https://their.example"}))), "ok"),
    ] {
        for _ in 0..2 {
            assert_eq!(ask(&issuers, &keys, &token, NOW).1, expected);
        }
    }
}

/// Each fault is fatal alone; the first in this order answers, whatever else is wrong.
#[test]
fn first_check_that_fails_answers() {
    let mut bank = Bank::new();
    bank.issuers.rules.required_claims.push("consent_id".into());
    let faults = [
        (json!({}), json!({"iss": "x"}), "token_issuer_unknown"),
        (json!({"alg": "HS256"}), json!({}), "token_algorithm_refused"),
        (json!({"kid": "2"}), json!({}), "unknown_key"),
        (json!({}), json!({"aud": "x"}), "token_audience_wrong"),
        (json!({}), json!({"exp": 0}), "token_expired"),
        (json!({}), json!({"nbf": NOW + 300}), "token_not_yet_valid"),
        (json!({"typ": "x"}), json!({}), "token_type_wrong"),
        (json!({}), json!({"consent_id": null}), "token_claim_missing"),
    ];
    for first in 0..faults.len() {
        let mut header = json!({"alg": "ES256", "kid": "1", "typ": "JWT"});
        let mut changes = json!({"consent_id": "1"});
        for (in_header, in_claims, _) in &faults[first..] {
            header.as_object_mut().unwrap().extend(in_header.as_object().unwrap().clone());
            changes.as_object_mut().unwrap().extend(in_claims.as_object().unwrap().clone());
        }
        let token = bank.mint.sign(&header.to_string(), &claims(&changes).to_string());
        assert_eq!(bank.ask(&token, NOW), faults[first].2, "{header} {changes}");
    }
    // A signature that does not hold answers before anything in the claims, after the key.
    let forger = Mint::new(Algorithm::ES256, "1");
    let expired = forger.token(&claims(&json!({"exp": 0, "aud": "x", "cnf": "x"})));
    assert_eq!(bank.ask(&expired, NOW), "token_signature_invalid");
}

#[test]
fn remembered_token_expires_all_the_same() {
    let bank = Bank::new();
    let keys = bank.ring(CACHE);
    let token = bank.mint.token(&claims(&json!({"exp": NOW + 10, "nbf": NOW})));
    assert_eq!(ask(&bank.issuers, &keys, &token, NOW), (Some(Lookup::Miss), "ok"));
    assert_eq!(ask(&bank.issuers, &keys, &token, NOW + 39), (Some(Lookup::Hit), "ok"));
    assert_eq!(ask(&bank.issuers, &keys, &token, NOW + 40), (Some(Lookup::Hit), "token_expired"));
    assert_eq!(ask(&bank.issuers, &keys, &token, NOW - 31), (Some(Lookup::Hit), "token_not_yet_valid"));
}

#[test]
fn remembered_token_is_held_to_the_rules_of_the_moment() {
    let bank = Bank::new();
    let token = bank.mint.token(&claims(&json!({})));
    let check = |change: &dyn Fn(&mut Issuers), expected: &str| {
        let keys = bank.ring(CACHE);
        assert_eq!(ask(&bank.issuers, &keys, &token, NOW), (Some(Lookup::Miss), "ok"));
        let mut issuers = issuers();
        change(&mut issuers);
        assert_eq!(ask(&issuers, &keys, &token, NOW).1, expected);
    };
    check(&|_| {}, "ok");
    check(&|issuers| issuers.issuers.clear(), "token_issuer_unknown");
    check(&|issuers| issuers.issuers[0].issuer = "https://other.example".into(), "token_issuer_unknown");
    let stranger = || stranger(&[AUDIENCE]);
    check(&|issuers| issuers.issuers.insert(0, stranger()), "keys_unavailable");
    check(&|issuers| issuers.rules.algorithms = vec![Algorithm::PS256], "token_algorithm_refused");
    check(&|issuers| issuers.issuers[0].audiences.clear(), "token_audience_wrong");
    check(&|issuers| issuers.rules.types.clear(), "token_type_wrong");
    check(&|issuers| issuers.rules.required_claims.push("consent_id".into()), "token_claim_missing");
}

#[test]
fn new_keys_forget_what_the_old_ones_signed() {
    let bank = Bank::new();
    let token = bank.mint.token(&claims(&json!({})));
    assert_eq!(ask(&bank.issuers, &bank.ring(CACHE), &token, NOW).1, "ok");
    let renewed = KeyRing::new(vec![Some(Arc::new(Mint::new(Algorithm::ES256, "1").key_set()))], CACHE);
    assert_eq!(ask(&bank.issuers, &renewed, &token, NOW), (Some(Lookup::Miss), "token_signature_invalid"));
}

#[test]
fn refusal_is_not_remembered() {
    let bank = Bank::new();
    let keys = bank.ring(CACHE);
    let token = bank.mint.token(&claims(&json!({"nbf": NOW + 100})));
    assert_eq!(ask(&bank.issuers, &keys, &token, NOW), (Some(Lookup::Miss), "token_not_yet_valid"));
    assert_eq!(ask(&bank.issuers, &keys, &token, NOW + 100), (Some(Lookup::Miss), "ok"));
    assert_eq!(ask(&bank.issuers, &keys, &token, NOW + 100), (Some(Lookup::Hit), "ok"));
}

proptest! {
    #[test]
    fn token_with_one_byte_changed_is_refused_though_the_true_one_is_remembered(place: Index, byte in 0x21_u8..0x7f) {
        let bank = Bank::new();
        let keys = bank.ring(CACHE);
        let token = bank.mint.token(&claims(&json!({})));
        assert_eq!(ask(&bank.issuers, &keys, &token, NOW).1, "ok");
        let mut forged = token.clone().into_bytes();
        forged[place.index(token.len())] = byte;
        let forged = String::from_utf8(forged).unwrap();
        let headers = bearing(&forged);
        if forged != token && let Ok(bearer) = BearerToken::read(&headers, false) {
            assert!(bank.issuers.verify(bearer, &keys, &|_| None, at(NOW)).1.is_err(), "{forged}");
        }
    }
}
