//! Whatever an issuer answers is read or refused; what is believed names this issuer, this audience, and no end in the past.
#![no_main]

use std::{sync::LazyLock, time::Duration};

use certbound::{
    UnixTime,
    token::{Algorithm, BearerToken, Introspection, Issuer, Issuers, KeyRing, TokenRules, Verify},
};
use http::{HeaderMap, HeaderValue, header::AUTHORIZATION};
use libfuzzer_sys::fuzz_target;

static ISSUERS: LazyLock<Issuers> = LazyLock::new(|| Issuers {
    issuers: vec![Issuer {
        issuer: "i".into(),
        audiences: vec!["a".to_owned()],
        verify: Verify::Jwt,
        introspects: true,
    }],
    rules: TokenRules {
        algorithms: Algorithm::ALL.to_vec(),
        clock_skew: 30,
        types: vec!["at+jwt".to_owned()],
        required_claims: vec!["iss".into(), "aud".into(), "exp".into()],
        consent_claim: Some("consent_id".into()),
    },
});

fuzz_target!(|answer: &[u8]| {
    let Ok(told) = Introspection::parse(answer, Some("consent_id")) else { return };
    let headers = HeaderMap::from_iter([(AUTHORIZATION, HeaderValue::from_static("Bearer opaque"))]);
    let bearer = BearerToken::read(&headers, false).expect("a token");
    let now = UnixTime::since_unix_epoch(Duration::from_secs(1_300_000_000));
    let keys = KeyRing::new(vec![None], 0);
    let Ok(token) = ISSUERS.verify(bearer, &keys, &|_| Some(told.clone()), now).1 else { return };
    let claims = token.claims();
    assert_eq!((claims.issuer(), token.issuer(), token.kind()), (Some("i"), Some("i"), "opaque"));
    assert!(claims.expires().is_some_and(|end| now.as_secs() < end.as_secs() + 30));
    // The rest must be readable without a panic.
    let _ = (token.confirmations().count(), token.key_confirmation(), token.unbound(), claims.consent_id());
});
