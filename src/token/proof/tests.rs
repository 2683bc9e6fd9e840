#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests state what they need")]

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use http::{HeaderValue, Method};
use proptest::prelude::{ProptestConfig, any, prop_assert, proptest};
use serde_json::{Value, json};

use super::*;
use crate::token::mint::{Mint, NOW, at};

const RFC_9449: &str = include_str!("../../../tests/vectors/rfc/rfc9449.json");

const TOKEN: &str = "access-token";
const ORIGIN: &str = "https://api.bank.example";

/// Every algorithm, a minute, and a skew of 30 s; no nonce.
fn rules() -> ProofRules {
    ProofRules { algorithms: Algorithm::ALL.to_vec(), max_age: 60, clock_skew: 30, nonces: None }
}

/// Claims that hold at [`NOW`] for a GET of `/accounts`, with `changes` on top; `null` takes a claim away.
fn claims(changes: &Value) -> Value {
    merged(
        json!({
            "jti": "1", "htm": "GET", "htu": format!("{ORIGIN}/accounts"), "iat": NOW,
            "ath": Thumbprint::of(TOKEN.as_bytes()).to_string(),
        }),
        changes,
    )
}

fn merged(mut object: Value, changes: &Value) -> Value {
    let members = object.as_object_mut().unwrap();
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => members.remove(name),
            value => members.insert(name.clone(), value.clone()),
        };
    }
    object
}

/// A proof of this key with changes to header and claims.
fn signed(mint: &Mint, algorithm: &str, header: &Value, payload: &Value) -> String {
    let jwk = mint.jwk();
    let header = merged(json!({"typ": "dpop+jwt", "alg": algorithm, "jwk": jwk}), header);
    mint.sign(&header.to_string(), &claims(payload).to_string())
}

fn headers(values: &[&str]) -> HeaderMap {
    values.iter().map(|value| (HEADER, HeaderValue::from_str(value).unwrap())).collect()
}

fn verify(rules: &ProofRules, values: &[&str], now: u64) -> Result<Proof, Denial> {
    verify_for(rules, values, TOKEN, &Method::GET, ORIGIN, "/accounts", now)
}

fn verify_for(
    rules: &ProofRules,
    values: &[&str],
    token: &str,
    method: &Method,
    origin: &str,
    path: &str,
    now: u64,
) -> Result<Proof, Denial> {
    let authorization = HeaderMap::from_iter([(http::header::AUTHORIZATION, format!("DPoP {token}").parse().unwrap())]);
    let bearer = BearerToken::read(&authorization, true).unwrap();
    rules.verify(&headers(values), Called { method, origin, path }, bearer, at(now))
}

#[track_caller]
fn check(header: &Value, payload: &Value, expected: Result<(), &str>) {
    let mint = Mint::new(Algorithm::ES256, "1");
    let proof = signed(&mint, "ES256", header, payload);
    let why = verify(&rules(), &[&proof], NOW).map(|_| ()).map_err(|denial| denial.detail().unwrap().into_owned());
    assert_eq!(why.as_ref().copied().map_err(String::as_str), expected, "{header} {payload}");
}

#[test]
fn proof_of_rfc_9449_holds_for_its_token_and_key() {
    let vector: Value = serde_json::from_str(RFC_9449).unwrap();
    let (token, sent) = (vector["access_token"].as_str().unwrap(), vector["proof"].as_str().unwrap());
    let now = vector["iat"].as_u64().unwrap();
    let verify = |token| {
        let origin = "https://resource.example.org";
        verify_for(&rules(), &[sent], token, &Method::GET, origin, "/protectedresource", now)
    };
    assert_eq!(verify(token).unwrap().key().to_string(), vector["jkt"].as_str().unwrap());
    assert!(verify("Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxV").is_err());
}

#[test]
fn proof_of_each_type_of_key_holds_and_names_its_thumbprint() {
    for algorithm in [Algorithm::ES256, Algorithm::ES384, Algorithm::EdDSA] {
        let mint = Mint::new(algorithm, "1");
        let sent = signed(&mint, algorithm.name(), &json!({}), &json!({}));
        let proof = verify(&rules(), &[&sent], NOW).unwrap();
        assert_eq!(proof.key().to_string(), mint.thumbprint());
        assert_eq!(proof.next_nonce(), None);
    }
}

#[test]
fn thumbprints_are_those_of_the_rfcs() {
    for vector in [
        include_str!("../../../tests/vectors/rfc/rfc7638.json"),
        include_str!("../../../tests/vectors/rfc/rfc8037.json"),
    ] {
        let vector: Value = serde_json::from_str(vector).unwrap();
        let key = Key::read(&serde_json::from_str(&vector["jwk"].to_string()).unwrap()).unwrap();
        assert_eq!(key.thumbprint().to_string(), vector["thumbprint_sha256"].as_str().unwrap());
    }
}

#[test]
fn proof_is_one_header_of_bounded_length() {
    let mint = Mint::new(Algorithm::ES256, "1");
    let sent = signed(&mint, "ES256", &json!({}), &json!({}));
    let code = |values: &[&str]| verify(&rules(), values, NOW).map(|_| ()).map_err(|denial| denial.code());
    assert_eq!(code(&[&sent]), Ok(()));
    assert_eq!(code(&[]), Err("proof_missing"));
    assert_eq!(code(&[&sent, &sent]), Err("proof_invalid"));
    assert_eq!(code(&[&format!("{sent}, {sent}")]), Err("proof_invalid"));
    assert_eq!(code(&[""]), Err("proof_invalid"));
    let long = |length: usize| signed(&mint, "ES256", &json!({}), &json!({"x": "a".repeat(length)}));
    let longest = long((LONGEST_PROOF - long(0).len()) * 3 / 4);
    assert!(longest.len() <= LONGEST_PROOF && longest.len() > LONGEST_PROOF - 4, "{}", longest.len());
    assert_eq!(code(&[&longest]), Ok(()));
    assert_eq!(code(&[&long(LONGEST_PROOF * 3 / 4)]), Err("proof_invalid"));
}

#[test]
fn header_of_a_proof_says_that_it_is_one_and_by_which_public_key() {
    let ok = |header| check(&header, &json!({}), Ok(()));
    ok(json!({"typ": "DPoP+JWT"}));
    ok(json!({"typ": "application/dpop+jwt"}));
    // Other keys than the one in `jwk` are nobody's business.
    ok(json!({"jku": "https://evil.example", "x5c": [], "kid": "x"}));
    let typ = "`typ` is not `dpop+jwt`";
    for header in [json!({"typ": null}), json!({"typ": "JWT"}), json!({"typ": "at+jwt"})] {
        check(&header, &json!({}), Err(typ));
    }
    for alg in ["none", "HS256", "es256", "ES512", ""] {
        check(&json!({"alg": alg}), &json!({}), Err("`alg` is not accepted"));
    }
    check(&json!({"alg": "ES384"}), &json!({}), Err("the signature is not of the key in it"));
    check(&json!({"crit": ["x"]}), &json!({}), Err("the header has a critical extension"));
    check(&json!({"jwk": null}), &json!({}), Err("the header has no `jwk`"));
    let other = Mint::new(Algorithm::ES256, "1").jwk();
    check(&json!({"jwk": other}), &json!({}), Err("the signature is not of the key in it"));
    let key = "`jwk` is not one public key that is known here";
    check(&json!({"jwk": merged(other.clone(), &json!({"d": "AA"}))}), &json!({}), Err(key));
    check(&json!({"jwk": {"kty": "oct", "k": "AAAA"}}), &json!({}), Err(key));
    check(&json!({"jwk": {"keys": [other]}}), &json!({}), Err(key));
    check(&json!({"jwk": "text"}), &json!({}), Err(key));
}

#[test]
fn algorithm_that_the_rules_do_not_name_is_refused() {
    let mint = Mint::new(Algorithm::ES384, "1");
    let sent = signed(&mint, "ES384", &json!({}), &json!({}));
    let rules = ProofRules { algorithms: vec![Algorithm::ES256], ..rules() };
    let denial = verify(&rules, &[&sent], NOW).unwrap_err();
    assert_eq!(denial.detail().as_deref(), Some("`alg` is not accepted"));
}

#[test]
fn claims_of_a_proof_are_there_and_of_their_type() {
    for claim in ["jti", "htm", "htu", "iat", "ath"] {
        check(&json!({}), &json!({claim: null}), Err("a claim is missing"));
    }
    for claim in ["jti", "htm", "htu", "ath"] {
        check(&json!({}), &json!({claim: 1}), Err("a claim is not a string"));
    }
    check(&json!({}), &json!({"iat": "now"}), Err("`iat` is not a time"));
}

#[test]
fn proof_is_for_one_method_one_address_and_one_token() {
    for htm in ["POST", "get", "", "GET "] {
        check(&json!({}), &json!({"htm": htm}), Err("`htm` is another method"));
    }
    for htu in ["https://api.bank.example/payments", "http://api.bank.example/accounts", "/accounts", ""] {
        let why = "`htu` is another address than the one that was called";
        check(&json!({}), &json!({"htu": htu}), Err(why));
    }
    let other = Thumbprint::of(b"other").to_string();
    check(&json!({}), &json!({"ath": other}), Err("`ath` is the digest of another token"));
    let padded = format!("{}=", Thumbprint::of(TOKEN.as_bytes()));
    check(&json!({}), &json!({"ath": padded}), Err("`ath` is no digest"));
}

#[test]
fn proof_is_taken_from_a_skew_ahead_to_its_greatest_age_and_remembered_longer() {
    let mint = Mint::new(Algorithm::ES256, "1");
    let check = |iat: u64, expected: Result<u64, &str>| {
        let sent = signed(&mint, "ES256", &json!({}), &json!({"iat": iat}));
        let found = verify(&rules(), &[&sent], NOW).map(|proof| proof.single_use().until.as_secs());
        assert_eq!(found.map_err(|denial| denial.detail().unwrap().into_owned()), expected.map_err(str::to_owned));
    };
    check(NOW + 31, Err("`iat` is in the future"));
    check(NOW + 30, Ok(NOW + 30 + 60 + 30 + 1));
    check(NOW, Ok(NOW + 91));
    check(NOW - 60, Ok(NOW + 31));
    check(NOW - 61, Err("`iat` is too long ago"));
    check(0, Err("`iat` is too long ago"));
}

#[test]
fn proof_that_says_when_it_ends_or_begins_is_held_to_that() {
    let check = |claims: Value, expected| check(&json!({}), &claims, expected);
    check(json!({"exp": NOW - 29, "nbf": NOW + 30}), Ok(()));
    check(json!({"exp": NOW - 30}), Err("`exp` is past"));
    check(json!({"nbf": NOW + 31}), Err("`nbf` is in the future"));
    check(json!({"exp": "x"}), Err("`exp` is not a time"));
    check(json!({"nbf": []}), Err("`nbf` is not a time"));
}

#[test]
fn identifier_is_bounded_and_kept_apart_by_key() {
    let jti = |jti: &str, expected| check(&json!({}), &json!({"jti": jti}), expected);
    jti("", Err("`jti` is not of 1 to 256 bytes"));
    jti(&"a".repeat(256), Ok(()));
    jti(&"a".repeat(257), Err("`jti` is not of 1 to 256 bytes"));
    let use_of = |mint: &Mint, jti: &str| {
        let sent = signed(mint, "ES256", &json!({}), &json!({"jti": jti}));
        *verify(&rules(), &[&sent], NOW).unwrap().single_use()
    };
    let (alice, mallory) = (Mint::new(Algorithm::ES256, "1"), Mint::new(Algorithm::ES256, "1"));
    assert_eq!(use_of(&alice, "1"), use_of(&alice, "1"));
    assert_ne!(use_of(&alice, "1"), use_of(&alice, "2"));
    assert_ne!(use_of(&alice, "1"), use_of(&mallory, "1"));
}

#[test]
fn nonce_is_demanded_where_the_rules_have_one_and_renewed_in_time() {
    let nonces = Nonces::new(b"secret");
    let demanding = ProofRules { nonces: Some(nonces.clone()), ..rules() };
    let mint = Mint::new(Algorithm::ES256, "1");
    let sent = |nonce: Value| signed(&mint, "ES256", &json!({}), &json!({"nonce": nonce}));
    for nonce in [json!(null), json!(1), json!("old"), json!(&*nonces.current(at(NOW - 600)))] {
        let denial = verify(&demanding, &[&sent(nonce)], NOW).unwrap_err();
        assert!(matches!(denial, Denial::ProofInvalid { nonce: Some(next), .. } if next == nonces.current(at(NOW))));
    }
    let current = verify(&demanding, &[&sent(json!(&*nonces.current(at(NOW))))], NOW).unwrap();
    assert_eq!(current.next_nonce(), None);
    let previous = verify(&demanding, &[&sent(json!(&*nonces.current(at(NOW - 300))))], NOW).unwrap();
    assert_eq!(previous.next_nonce(), Some(&nonces.current(at(NOW))));
    assert!(verify(&rules(), &[&sent(json!("whatever"))], NOW).is_ok());
}

/// Each row has everything wrong that the rows after it have wrong, and one thing more.
#[test]
fn first_fault_of_a_proof_answers() {
    let mut payload = json!({});
    let mut header = json!({});
    let rows: [(&mut Value, Value, &str); 9] = [
        (&mut json!({}), json!({"jti": ""}), "`jti` is not of 1 to 256 bytes"),
        (&mut json!({}), json!({"ath": ""}), "`ath` is no digest"),
        (&mut json!({}), json!({"iat": 1}), "`iat` is too long ago"),
        (&mut json!({}), json!({"htu": ""}), "`htu` is another address than the one that was called"),
        (&mut json!({}), json!({"htm": ""}), "`htm` is another method"),
        (
            &mut json!({"jwk": Mint::new(Algorithm::ES256, "1").jwk()}),
            json!({}),
            "the signature is not of the key in it",
        ),
        (&mut json!({"jwk": 1}), json!({}), "`jwk` is not one public key that is known here"),
        (&mut json!({"alg": "none"}), json!({}), "`alg` is not accepted"),
        (&mut json!({"typ": "JWT"}), json!({}), "`typ` is not `dpop+jwt`"),
    ];
    for (more_header, more_payload, why) in rows {
        header = merged(header, more_header);
        payload = merged(payload, &more_payload);
        check(&header, &payload, Err(why));
    }
}

#[test]
fn member_named_twice_is_refused_in_header_and_payload() {
    let mint = Mint::new(Algorithm::ES256, "1");
    let header = json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": mint.jwk()}).to_string();
    let payload = claims(&json!({})).to_string();
    let twice = |text: &str, member: &str| text.replacen('{', &format!("{{{member},"), 1);
    for (header, payload) in [
        (twice(&header, r#""typ":"dpop+jwt""#), payload.clone()),
        (header.clone(), twice(&payload, r#""htm":"GET""#)),
        (header.replace(r#""kty":"EC""#, r#""kty":"EC","kty":"EC""#), payload.clone()),
    ] {
        assert!(verify(&rules(), &[&mint.sign(&header, &payload)], NOW).is_err());
    }
    assert!(verify(&rules(), &[&mint.sign(&header, &payload)], NOW).is_ok());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_nobody_signed_is_refused(header in any::<Vec<u8>>(), payload in any::<Vec<u8>>(), signature in any::<Vec<u8>>()) {
        let part = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
        let sent = format!("{}.{}.{}", part(&header), part(&payload), part(&signature));
        prop_assert!(verify(&rules(), &[&sent], NOW).is_err());
    }

    #[test]
    fn proof_with_one_character_changed_is_refused(place in 0_usize..100_000, letter in "[A-Za-z0-9_.-]") {
        let mint = Mint::new(Algorithm::EdDSA, "1");
        let sent = signed(&mint, "EdDSA", &json!({}), &json!({}));
        let place = place % sent.len();
        let changed = format!("{}{letter}{}", &sent[..place], &sent[place + 1..]);
        prop_assert!(changed == sent || verify(&rules(), &[&changed], NOW).is_err());
    }
}
