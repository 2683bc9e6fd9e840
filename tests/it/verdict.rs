//! What a permit and a refusal look like from outside, held in every test that gets one.

use crate::support::{
    bank::{Bank, Seen},
    connection::Answer,
};

/// The refusal is this one, in the promised shape, and the bank saw nothing of the request.
#[track_caller]
pub(crate) fn assert_refused(answer: &Answer, code: &str, bank: &Bank) {
    assert_refusal(answer, code);
    let seen = bank.take();
    assert!(seen.is_empty(), "refused with {code}, and yet the bank saw {seen:?}");
}

/// The refusal is this one, in the promised shape.
#[track_caller]
pub(crate) fn assert_refusal(answer: &Answer, code: &str) {
    let problem = answer.json();
    assert_eq!(answer.code(), code, "{} {}", answer.status, String::from_utf8_lossy(&answer.body));
    let (status, challenge) = row(code);
    assert_eq!(answer.status, status, "status of {code}");
    assert_eq!(problem["status"], status);
    assert_eq!(problem["type"], format!("urn:certbound:denial:{code}"));
    assert!(problem["title"].as_str().is_some_and(|title| !title.is_empty()));
    let id = answer.header("x-fapi-interaction-id").expect("every answer has an interaction id");
    assert_eq!(problem["instance"], format!("urn:uuid:{id}"));
    assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    assert_challenge(answer, code, challenge);
    let retry = matches!(status, 503) && code != "audit_unavailable";
    assert_eq!(answer.header("retry-after").is_some(), retry, "Retry-After of {code}");
}

#[track_caller]
fn assert_challenge(answer: &Answer, code: &str, challenge: Option<&str>) {
    let shown = answer.header("www-authenticate");
    match challenge {
        None => assert_eq!(shown, None, "challenge of {code}"),
        Some("") => {
            let shown = shown.expect("a challenge");
            assert!(shown.starts_with("Bearer") && !shown.contains("error="), "challenge of {code}: {shown}");
        }
        Some("invalid_dpop_proof") => {
            let shown = shown.expect("a challenge");
            assert_eq!(shown, format!(r#"DPoP error="invalid_dpop_proof", {ALGORITHMS}"#), "challenge of {code}");
        }
        Some(error) => {
            let shown = shown.expect("a challenge");
            let of_proofs = shown.starts_with("DPoP ") && shown.ends_with(ALGORITHMS);
            assert!(shown.starts_with("Bearer ") || of_proofs, "challenge of {code}: {shown}");
            assert!(shown.contains(&format!("error=\"{error}\"")), "challenge of {code}: {shown}");
        }
    }
}

/// Those of proofs, where a test changes nothing.
const ALGORITHMS: &str = r#"algs="ES256 PS256 EdDSA""#;

/// The request passed, and reached the bank once.
#[track_caller]
pub(crate) fn assert_passed(answer: &Answer, bank: &Bank) -> Seen {
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    let seen = bank.only();
    let id = answer.header("x-fapi-interaction-id").expect("every answer has an interaction id");
    assert_eq!(seen.header("x-fapi-interaction-id"), Some(id));
    seen
}

/// Status, and what the challenge's `error` is: none without a challenge, empty for `Bearer` alone.
fn row(code: &str) -> (u16, Option<&'static str>) {
    match code {
        "request_malformed" | "path_ambiguous" | "certificate_repeated" => (400, None),
        "header_too_large" => (431, None),
        "route_unknown" => (404, None),
        "method_not_allowed" => (405, None),
        "peer_untrusted" | "grant_wrong" | "authority_not_allowed" | "role_missing" => (403, None),
        "token_missing" => (401, Some("")),
        "token_repeated" => (400, Some("invalid_request")),
        "scope_insufficient" => (403, Some("insufficient_scope")),
        "consent_missing" | "consent_refused" => (403, None),
        "consent_unavailable" | "introspection_unavailable" => (503, None),
        "keys_unavailable" | "revocation_unknown" | "overloaded" | "audit_unavailable" => (503, None),
        "body_too_large" => (413, None),
        "backend_unreachable" => (502, None),
        "backend_timeout" => (504, None),
        code if code.starts_with("proof_") => (401, Some("invalid_dpop_proof")),
        code if code.starts_with("certificate_") => (401, Some("")),
        code if code.starts_with("token_") || code.starts_with("binding_") => (401, Some("invalid_token")),
        code => panic!("{code} is no code of this version"),
    }
}
