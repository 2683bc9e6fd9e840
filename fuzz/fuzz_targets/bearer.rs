//! What is taken for a token is one b64token after the scheme and spaces (RFC 6750, section 2.1), and nothing else.
#![no_main]

use certbound::token::{BearerToken, bearer::Scheme};
use http::{HeaderMap, HeaderValue, header::AUTHORIZATION};
use libfuzzer_sys::fuzz_target;

// Values of `Authorization` with a NUL between them.
fuzz_target!(|input: &[u8]| {
    let mut headers = HeaderMap::new();
    for value in input.split(|byte| *byte == 0) {
        let Ok(value) = HeaderValue::from_bytes(value) else { return };
        headers.append(AUTHORIZATION, value);
    }
    for proofs in [false, true] {
        let Ok(bearer) = BearerToken::read(&headers, proofs) else { continue };
        let text = std::str::from_utf8(input).expect("ASCII");
        let (scheme, rest) = text.split_once(' ').expect("a space");
        assert!(scheme.eq_ignore_ascii_case(if bearer.scheme() == Scheme::DPoP { "dpop" } else { "bearer" }));
        assert!(proofs || bearer.scheme() == Scheme::Bearer);
        let token = rest.trim_start_matches(' ').trim_end_matches('=');
        assert!(!token.is_empty() && token.len() <= BearerToken::MAX_BYTES);
        assert!(token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte)));
    }
});
