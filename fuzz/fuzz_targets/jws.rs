//! A token that nobody signed is refused, whatever is in it.
#![no_main]

use std::{
    sync::{Arc, LazyLock},
    time::Duration,
};

use certbound::{
    UnixTime,
    token::{Algorithm, BearerToken, Issuer, Issuers, KeyRing, KeySet, TokenRules, Verify},
};
use http::{HeaderMap, HeaderValue, header::AUTHORIZATION};
use libfuzzer_sys::fuzz_target;

static ISSUERS: LazyLock<Issuers> = LazyLock::new(|| Issuers {
    issuers: vec![Issuer {
        issuer: "i".into(),
        audiences: vec!["a".to_owned()],
        verify: Verify::Jwt,
        introspects: false,
    }],
    rules: TokenRules {
        algorithms: Algorithm::ALL.to_vec(),
        clock_skew: 30,
        types: vec![String::new(), "jwt".to_owned(), "at+jwt".to_owned()],
        required_claims: Vec::new(),
        consent_claim: None,
    },
});

/// The key of RFC 7515, appendix A.3, and no memory of signatures.
static KEYS: LazyLock<KeyRing> = LazyLock::new(|| {
    let set = br#"{"keys":[{"kty":"EC","crv":"P-256",
        "x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]}"#;
    let set = KeySet::parse(set).expect("a key set");
    assert_eq!(set.len(), 1);
    KeyRing::new(vec![Some(Arc::new(set))], 0)
});

fuzz_target!(|token: &[u8]| {
    let Ok(value) = HeaderValue::from_bytes(&[b"Bearer ", token].concat()) else { return };
    let headers = HeaderMap::from_iter([(AUTHORIZATION, value)]);
    let Ok(bearer) = BearerToken::read(&headers, false) else { return };
    let now = UnixTime::since_unix_epoch(Duration::from_secs(1_300_000_000));
    assert!(ISSUERS.verify(bearer, &KEYS, &|_| None, now).1.is_err(), "a token that nobody signed");
});
