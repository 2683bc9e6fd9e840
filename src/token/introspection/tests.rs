#![expect(clippy::panic, reason = "tests state what they need")]

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

/// In a word, or why it is malformed or no answer at all.
fn read(answer: &str) -> &'static str {
    match Introspection::parse(answer.as_bytes(), None) {
        Ok(Introspection::Active(_)) => "active",
        Ok(Introspection::Inactive) => "inactive",
        Ok(Introspection::Malformed(why)) | Err(why) => why,
        Ok(Introspection::Unavailable) => panic!("{answer}"),
    }
}

fn check(answer: &Value, expected: &str) {
    assert_eq!(read(&answer.to_string()), expected, "{answer}");
}

#[test]
fn active_is_the_boolean_and_nothing_like_it() {
    check(&json!({"active": true}), "active");
    for active in [json!(false), json!("true"), json!(1), json!(null), json!([true]), json!({"active": true})] {
        check(&json!({"active": active, "exp": 1}), "inactive");
    }
    check(&json!({}), "inactive");
    check(&json!({"Active": true}), "inactive");
    check(&json!({"data": {"active": true}}), "inactive");
}

#[test]
fn anything_but_one_object_is_no_answer() {
    for answer in ["", "true", "null", "[]", "{", "{}{}", "active=true", r#"{"active":true,"active":true}"#] {
        assert_eq!(read(answer), "not one JSON object with each member once", "{answer}");
    }
}

#[test]
fn member_that_is_null_is_not_there_but_for_the_confirmation() {
    check(&json!({"active": true, "iss": null, "exp": null, "scope": null, "token_type": null, "sub": null}), "active");
    check(&json!({"active": true, "cnf": null}), "`cnf` is not an object with each member once");
    let twice = r#"{"active":true,"cnf":{"x5t#S256":"a","x5t#S256":"b"}}"#;
    assert_eq!(read(twice), "`cnf` is not an object with each member once");
    for name in ["nbf", "scope", "aud", "iss", "token_type"] {
        let twice = format!(r#"{{"active":true,"{name}":{{"a":1,"a":2}}}}"#);
        assert!(!["active", "inactive"].contains(&read(&twice)), "{twice}");
    }
}

#[test]
fn claim_of_the_wrong_type_makes_an_active_token_malformed() {
    check(&json!({"active": true, "exp": "tomorrow"}), "`exp` is not a time");
    check(&json!({"active": true, "aud": 7}), "`aud` is not a string or a list of strings");
    check(&json!({"active": true, "cnf": {"x5t#S256": "short"}}), "`x5t#S256` is not 43 characters of base64url");
    check(&json!({"active": true, "token_type": ["Bearer"]}), "`token_type` is not a string");
    // Nobody reads the claims of a token that is not active.
    check(&json!({"active": false, "exp": "tomorrow"}), "inactive");
}

proptest! {
    #[test]
    fn bytes_that_nobody_wrote_are_never_active(answer in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(!matches!(Introspection::parse(&answer, Some("consent_id")), Ok(Introspection::Active(_))));
    }

    #[test]
    fn answer_without_the_true_boolean_is_never_active(
        name in "[a-z_]{1,12}", value in "[ -~]{0,20}", active in prop_oneof![Just(json!(false)), Just(json!("true"))],
    ) {
        let answer = json!({name: value, "active": active}).to_string();
        let told = Introspection::parse(answer.as_bytes(), None);
        prop_assert!(matches!(told, Ok(Introspection::Inactive)), "{answer}");
    }
}
