//! Every key of a set is read or left out with its reason, which holds nothing of the key; a token that none of them
//! signed is refused.
#![no_main]

use std::{sync::Arc, time::Duration};

use certbound::{
    UnixTime,
    token::{Algorithm, BearerToken, Issuer, Issuers, KeyRing, KeySet, TokenRules, Verify},
};
use certbound_fuzz::key::Key;
use http::{HeaderMap, HeaderValue, header::AUTHORIZATION};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|json: &[u8]| {
    let Ok(set) = KeySet::parse(json) else { return };
    let document: Value = serde_json::from_slice(json).expect("JSON");
    let listed = document["keys"].as_array().expect("a list");
    assert_eq!(set.len() + set.left_out().len(), listed.len());
    assert!(listed.len() <= KeySet::MAX_KEYS && set.left_out().iter().all(|why| why.len() < 200));
    let keys = KeyRing::new(vec![Some(Arc::new(set))], 0);
    let issuer =
        Issuer { issuer: "i".into(), audiences: vec!["a".to_owned()], verify: Verify::Jwt, introspects: false };
    let rules = TokenRules {
        algorithms: Algorithm::ALL.to_vec(),
        clock_skew: 30,
        types: vec![String::new()],
        required_claims: vec![],
        consent_claim: None,
    };
    let issuers = Issuers { issuers: vec![issuer], rules };
    for algorithm in Algorithm::ALL {
        // By a key that is in no set but its own.
        let header = format!(r#"{{"alg":"{}"}}"#, algorithm.name());
        let token = format!("Bearer {}", Key::of(99).jws(header.as_bytes(), br#"{"iss":"i","aud":"a"}"#));
        let headers = HeaderMap::from_iter([(AUTHORIZATION, HeaderValue::try_from(token).expect("a JWS"))]);
        let bearer = BearerToken::read(&headers, false).expect("a token");
        let now = UnixTime::since_unix_epoch(Duration::from_secs(1));
        assert!(issuers.verify(bearer, &keys, &|_| None, now).1.is_err(), "a token that nobody here signed");
    }
});
