#![expect(clippy::unwrap_used, reason = "tests state what they need")]

use serde_json::{Value, json};

use super::*;
use crate::token::json::members;

fn read(payload: &str) -> Result<Claims, &'static str> {
    Claims::read(&members(payload.as_bytes()).ok_or("not an object")?, None)
}

fn claims(payload: &Value) -> Claims {
    read(&payload.to_string()).unwrap()
}

fn refuse(payload: &str) {
    assert!(read(payload).is_err(), "{payload}");
}

#[test]
fn claim_of_the_wrong_type_is_refused() {
    for name in ["iss", "sub", "jti", "client_id", "azp", "aut"] {
        for value in ["1", "null", "true", "[\"a\"]", "{}"] {
            refuse(&format!("{{\"{name}\":{value}}}"));
        }
    }
    for value in ["1", "null", "{}", "[1]", "[\"a\",null]", "[[\"a\"]]"] {
        refuse(&format!("{{\"aud\":{value}}}"));
    }
}

#[test]
fn claim_named_twice_is_refused_also_inside_cnf() {
    refuse(r#"{"sub":"a","sub":"a"}"#);
    refuse(r#"{"sub":"a","s\u0075b":"b"}"#);
    refuse(r#"{"unknown":1,"unknown":1}"#);
    refuse(r#"{"cnf":{"jkt":"a","jkt":"a"}}"#);
    assert!(read(r#"{"unknown":{"a":1,"a":2}}"#).is_ok());
}

#[test]
fn time_is_a_number_of_seconds_between_1970_and_9999() {
    for (written, seconds) in
        [("0", 0), ("1800000000", 1_800_000_000), ("1.8e9", 1_800_000_000), ("12.99", 12), ("253402300799", LATEST)]
    {
        for name in ["exp", "nbf", "iat"] {
            let claims = read(&format!("{{\"{name}\":{written}}}")).unwrap();
            let times = [claims.expires(), claims.not_before(), claims.issued_at()];
            assert_eq!(times.into_iter().flatten().map(|time| time.as_secs()).collect::<Vec<_>>(), [seconds], "{name}");
        }
    }
    let milliseconds = "1800000000000";
    for wrong in [
        "-1",
        "-0.5",
        "\"1800000000\"",
        "null",
        "true",
        "[]",
        milliseconds,
        "253402300800",
        "1e300",
        "1e999",
        "NaN",
        "18446744073709551616",
    ] {
        for name in ["exp", "nbf", "iat"] {
            refuse(&format!("{{\"{name}\":{wrong}}}"));
        }
    }
}

#[test]
fn audience_is_one_string_or_a_list() {
    assert!(claims(&json!({})).audiences().is_empty());
    assert_eq!(claims(&json!({"aud": "a b"})).audiences(), ["a b".into()]);
    assert_eq!(claims(&json!({"aud": ["a", "b"]})).audiences(), ["a".into(), "b".into()]);
}

#[test]
fn scope_is_a_string_or_a_list_and_scp_stands_in() {
    for (payload, expected) in [
        (json!({}), None),
        (json!({"scope": ""}), Some("")),
        (json!({"scope": "a"}), Some("a")),
        (json!({"scope": " a   b "}), Some("a b")),
        (json!({"scope": ["a", "b"]}), Some("a b")),
        (json!({"scp": "a b"}), Some("a b")),
        (json!({"scp": ["a", "b"]}), Some("a b")),
        (json!({"scope": "a", "scp": "b"}), Some("a")),
    ] {
        assert_eq!(claims(&payload).scope(), expected, "{payload}");
    }
    for wrong in ["1", "null", "{}", "[1]", "[\"a b\"]", "[\"\"]"] {
        refuse(&format!("{{\"scope\":{wrong}}}"));
        refuse(&format!("{{\"scp\":{wrong}}}"));
    }
}

#[test]
fn grant_is_what_aut_says_or_else_whether_the_subject_is_the_client() {
    for (payload, expected) in [
        (json!({}), None),
        (json!({"sub": "a"}), None),
        (json!({"client_id": "a"}), None),
        (json!({"sub": "a", "client_id": "a"}), Some(Grant::Application)),
        (json!({"sub": "a", "azp": "a"}), Some(Grant::Application)),
        (json!({"sub": "a", "client_id": "b"}), Some(Grant::User)),
        (json!({"sub": "a", "client_id": "b", "azp": "a"}), Some(Grant::User)),
        (json!({"aut": "APPLICATION"}), Some(Grant::Application)),
        (json!({"aut": "APPLICATION_USER"}), Some(Grant::User)),
        (json!({"aut": "APPLICATION_USER", "sub": "a", "client_id": "a"}), Some(Grant::User)),
        (json!({"aut": "application", "sub": "a", "client_id": "a"}), None),
    ] {
        assert_eq!(claims(&payload).grant(), expected, "{payload}");
    }
}

#[test]
fn confirmation_is_a_thumbprint_or_the_token_is_refused() {
    let thumbprint = Thumbprint::of(b"certificate");
    let text = thumbprint.to_string();
    assert_eq!(claims(&json!({"cnf": {"x5t#S256": text}})).confirmation(), Some(&thumbprint));
    assert_eq!(claims(&json!({"cnf": {"x5t#S256": text, "jkt": 1}})).confirmation(), Some(&thumbprint));
    assert_eq!(claims(&json!({"cnf": {"jkt": "a"}})).confirmation(), None);
    assert_eq!(claims(&json!({"x5t#S256": text})).confirmation(), None);
    let hex = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    for wrong in ["", hex, &format!("{text}="), &text[1..], &format!("{text}A"), &text.replace(&text[..1], "+")] {
        refuse(&json!({"cnf": {"x5t#S256": wrong}}).to_string());
    }
    for wrong in [
        json!(null),
        json!("a"),
        json!([]),
        json!([{"x5t#S256": text}]),
        json!(1),
        json!({"x5t#S256": null}),
        json!({"x5t#S256": [text]}),
    ] {
        refuse(&json!({ "cnf": wrong }).to_string());
    }
}

#[test]
fn claim_is_there_unless_it_is_null() {
    let claims = claims(&json!({"consent_id": "1", "openbanking_intent_id": null, "empty": ""}));
    assert!(claims.has("consent_id") && claims.has("empty"));
    assert!(!claims.has("openbanking_intent_id") && !claims.has("iss"));
}

#[test]
fn identifier_of_the_token_is_kept_as_its_digest() {
    let claims = claims(&json!({"jti": ""}));
    assert_eq!(claims.jti_sha256().unwrap().to_string(), "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU");
}

#[test]
fn claims_print_no_person() {
    let printed = format!("{:?}", claims(&json!({"iss": "i", "sub": "alice", "client_id": "tpp", "jti": "secret"})));
    assert!(
        printed.contains("\"i\"") && !["alice", "tpp", "secret"].iter().any(|word| printed.contains(word)),
        "{printed}"
    );
}
