use serde_json::json;

use super::*;

/// The same in serde_json's words.
fn plain(value: &Value<'_>) -> serde_json::Value {
    match value {
        Value::Null | Value::Ambiguous => serde_json::Value::Null,
        Value::Bool(value) => (*value).into(),
        Value::Number(number) => number.clone().into(),
        Value::Text(text) => (&**text).into(),
        Value::List(list) => list.iter().map(plain).collect(),
        Value::Object(members) => members.iter().map(|(name, value)| (name.to_owned(), plain(value))).collect(),
    }
}

fn check(text: &str, expected: Option<serde_json::Value>) {
    assert_eq!(members(text.as_bytes()).map(|members| plain(&Value::Object(members))), expected, "{text}");
}

#[test]
fn object_that_names_each_member_once_is_read_as_written() {
    let text = r#" {"a":[1,-1,1.5,null,true,"x\u00e9"],"b":{"a":{}},"A":18446744073709551615,"\u0061b":"c"} "#;
    check(text, serde_json::from_str(text).ok());
}

#[test]
fn object_that_names_a_member_twice_says_nothing() {
    check(r#"{"a":1,"a":1}"#, None);
    check(r#"{"a":1,"\u0061":2}"#, None);
    check(r#"{"\u0061":1,"a":2}"#, None);
    check(r#"{"\u0061":1,"\u0061":2}"#, None);
    check(r#"{"b":{"a":1,"a":1},"c":[{"a":1,"b":2,"a":3}]}"#, Some(json!({"b": null, "c": [null]})));
    check(r#"{"b":{"":1,"\u0061b":{},"ab":[]}}"#, Some(json!({"b": null})));
}

#[test]
fn name_is_looked_for_among_all_members_also_when_there_are_many() {
    let name = |number: usize| "m".repeat(number % 7) + &number.to_string();
    let names: Vec<_> = (0..5000).map(|number| name(number * 1709 % 5000)).collect();
    let written: Vec<_> = names.iter().map(|name| format!("\"{name}\":\"{name}\"")).collect();
    let text = format!("{{{}}}", written.join(","));

    let object = members(text.as_bytes()).unwrap_or_default();
    assert!(names.iter().all(|name| object.get(name).and_then(Value::as_str) == Some(name)));
    assert!(!object.has("m") && !object.has("") && !object.has("m5001"));
    for name in names.iter().step_by(1000) {
        check(&text.replacen('}', &format!(",\"{name}\":0}}"), 1), None);
    }
}

#[test]
fn member_that_is_taken_away_is_there_no_more() {
    let mut object = members(br#"{"c":null,"b":2,"aa":null,"a":"x"}"#).unwrap_or_default();

    assert_eq!(object.remove("b").and_then(|value| value.as_u64()), Some(2));
    assert_eq!(object.remove("b"), None);
    object.retain(|name, value| name == "c" || !value.is_null());
    assert_eq!(plain(&Value::Object(object)), json!({"a": "x", "c": null}));
}

#[test]
fn only_texts_in_which_something_is_escaped_are_copied() {
    let object = members(r#"{"a":"ü","b":"\u00fc","c":["\\"]}"#.as_bytes()).unwrap_or_default();

    assert!(matches!(object.get("a"), Some(Value::Text(Cow::Borrowed("ü")))));
    assert!(matches!(object.get("b"), Some(Value::Text(Cow::Owned(text))) if text == "ü"));
    assert!(object.0.iter().all(|(name, _)| matches!(name, Cow::Borrowed(_))));
}

#[test]
fn anything_but_one_object_is_refused() {
    for text in [
        "",
        "{",
        "[]",
        "null",
        "1",
        "\"{}\"",
        "{}{}",
        "{} x",
        "\u{feff}{}",
        "{'a':1}",
        "{\"a\":1,}",
        "{\"a\":1e999}",
        r#"{"a":"\ud800"}"#,
        r#"{"\udc00":1}"#,
        "{\"a\":\"\n\"}",
        "{a:1}",
        "{1:1}",
    ] {
        check(text, None);
    }
    for text in [
        b"{\"a\":\"\xff\"}".as_slice(),
        b"{\"\xff\":1}",
        b"{\"a\":\"\xc3\"}",
        b"{\"a\":\"\xc3\\u00a9\"}",
        b"{\"a\":\"\xed\xa0\x80\"}",
        b"{}\xff",
    ] {
        assert_eq!(members(text), None, "{}", text.escape_ascii());
    }
    check(&format!("{{\"a\":{}{}}}", "[".repeat(200), "]".repeat(200)), None);
}
