//! A proof that nobody signed is refused, whatever is in it.
#![no_main]

use std::time::Duration;

use certbound::{
    UnixTime,
    token::{Algorithm, BearerToken, Nonces, ProofRules, proof::Called},
};
use http::{HeaderMap, HeaderValue, Method, header::AUTHORIZATION};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|proof: &[u8]| {
    let Ok(value) = HeaderValue::from_bytes(proof) else { return };
    let mut headers = HeaderMap::from_iter([(AUTHORIZATION, HeaderValue::from_static("DPoP token"))]);
    headers.insert("dpop", value);
    let bearer = BearerToken::read(&headers, true).expect("a token");
    let called = Called { method: &Method::GET, origin: "https://api.bank.example", path: "/accounts" };
    let now = UnixTime::since_unix_epoch(Duration::from_secs(1_562_262_618));
    for nonces in [None, Some(Nonces::new(b"secret"))] {
        let rules = ProofRules { algorithms: Algorithm::ALL.to_vec(), max_age: 60, clock_skew: 30, nonces };
        assert!(rules.verify(&headers, called, bearer, now).is_err(), "a proof that nobody signed");
    }
});
