//! Whatever an issuer signs is believed only where it is this issuer's, for this audience, and current.
#![no_main]

use std::{
    sync::{Arc, LazyLock},
    time::Duration,
};

use certbound::{
    UnixTime,
    token::{Algorithm, BearerToken, Issuer, Issuers, KeyRing, KeySet, TokenRules, Verify, claims::KeyConfirmation},
};
use certbound_fuzz::{NOW, key::Key};
use http::{HeaderMap, HeaderValue, header::AUTHORIZATION};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

static KEY: LazyLock<Key> = LazyLock::new(|| Key::of(20));

static ISSUERS: LazyLock<(Issuers, KeyRing)> = LazyLock::new(|| {
    let issuer =
        Issuer { issuer: "i".into(), audiences: vec!["a".to_owned()], verify: Verify::Jwt, introspects: false };
    let rules = TokenRules {
        algorithms: Algorithm::ALL.to_vec(),
        clock_skew: 30,
        types: vec!["at+jwt".to_owned()],
        required_claims: vec!["iss".into(), "aud".into(), "exp".into()],
        consent_claim: Some("consent_id".into()),
    };
    let keys = KeySet::parse(KEY.jwks().as_bytes()).expect("a key set");
    (Issuers { issuers: vec![issuer], rules }, KeyRing::new(vec![Some(Arc::new(keys))], 0))
});

fuzz_target!(|payload: &[u8]| {
    let token = format!("Bearer {}", KEY.jws(br#"{"alg":"EdDSA","typ":"at+jwt"}"#, payload));
    let headers = HeaderMap::from_iter([(AUTHORIZATION, HeaderValue::try_from(token).expect("a JWS"))]);
    let Ok(bearer) = BearerToken::read(&headers, false) else { return };
    let now = UnixTime::since_unix_epoch(Duration::from_secs(NOW));
    let (issuers, keys) = &*ISSUERS;
    let Ok(token) = issuers.verify(bearer, keys, &|_| None, now).1 else { return };
    let told: Value = serde_json::from_slice(payload).expect("JSON");
    let is_ours = |audience: &Value| audience == "a";
    assert_eq!(told["iss"], "i");
    assert!(told["aud"].as_array().map_or(is_ours(&told["aud"]), |list| list.iter().any(is_ours)));
    assert!(told["exp"].as_f64().is_some_and(|end| (NOW as f64) < end + 30.0));
    for name in ["nbf", "iat"].iter().filter_map(|name| told.get(name)) {
        assert!(name.as_f64().is_some_and(|begin| begin.floor() <= NOW as f64 + 30.0));
    }
    let confirmed: Vec<_> = token.confirmations().map(ToString::to_string).collect();
    assert_eq!(told["cnf"].get("x5t#S256").and_then(Value::as_str), confirmed.first().map(String::as_str));
    let named = told["cnf"].get("jkt");
    match token.key_confirmation() {
        KeyConfirmation::Absent => assert!(named.is_none()),
        KeyConfirmation::Malformed => assert!(named.is_some()),
        KeyConfirmation::Key(key) => assert_eq!(named.and_then(Value::as_str), Some(key.to_string().as_str())),
    }
    let consent = told["consent_id"].as_str().filter(|id| !id.is_empty());
    assert_eq!(token.claims().consent_id().map(AsRef::as_ref), consent);
});
