//! A token endpoint's answer never passes for one with a bound token unless that token names the certificate.
#![no_main]

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use certbound::{thumbprint::Thumbprint, token::IssuedToken};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|answer: &[u8]| {
    let presented = Thumbprint::of(b"alice");
    for keys_count in [false, true] {
        if IssuedToken::find(answer, &presented, keys_count) != Some(IssuedToken::Bound) {
            continue;
        }
        let answer: Value = serde_json::from_slice(answer).expect("JSON");
        let parts: Vec<_> = answer["access_token"].as_str().expect("a text").split('.').collect();
        assert_eq!(parts.len(), 3);
        let payload = BASE64.decode(parts[1]).expect("base64url");
        let confirmed = serde_json::from_slice::<Value>(&payload).expect("JSON")["cnf"].take();
        match confirmed.get("x5t#S256") {
            Some(named) => assert_eq!(*named, presented.to_string()),
            None => assert!(keys_count && confirmed["jkt"].as_str().is_some_and(|key| key.len() == 43)),
        }
    }
});
