//! JSON in which every object names each member once (RFC 7515, section 4; RFC 7517, section 4; RFC 7519, section 4).

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor},
};
use serde_json::Value;

/// The members of an object, by name.
pub(crate) type Members = serde_json::Map<String, Value>;

/// A value as it was written, but for one thing: an object that names a member twice is `null`.
///
/// Readers disagree on which of the two counts, so such an object says nothing.
struct Strict(Value);

/// Reads one object and nothing after it; none when it is anything else, or names a member twice.
///
/// Depth is bounded by serde_json (128); bounding the length is the caller's part.
pub(crate) fn members(bytes: &[u8]) -> Option<Members> {
    match serde_json::from_slice(bytes) {
        Ok(Strict(Value::Object(members))) => Some(members),
        _ => None,
    }
}

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StrictVisitor).map(Self)
    }
}

struct StrictVisitor;

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Strict(element)) = elements.next_element()? {
            list.push(element);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut members = Members::new();
        let mut repeated = false;
        while let Some((name, Strict(value))) = entries.next_entry::<String, Strict>()? {
            repeated |= members.insert(name, value).is_some();
        }
        Ok(if repeated { Value::Null } else { Value::Object(members) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<Value>) {
        assert_eq!(members(text.as_bytes()).map(Value::Object), expected, "{text}");
    }

    #[test]
    fn object_that_names_each_member_once_is_read_as_written() {
        let text = r#" {"a":[1,-1,1.5,null,true,"x\u00e9"],"b":{"a":{}},"A":18446744073709551615} "#;
        check(text, serde_json::from_str(text).ok());
    }

    #[test]
    fn object_that_names_a_member_twice_says_nothing() {
        check(r#"{"a":1,"a":1}"#, None);
        check(r#"{"a":1,"\u0061":2}"#, None);
        check(r#"{"b":{"a":1,"a":1},"c":[{"a":1,"b":2,"a":3}]}"#, Some(serde_json::json!({"b": null, "c": [null]})));
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
        ] {
            check(text, None);
        }
        assert_eq!(members(b"{\"a\":\"\xff\"}"), None);
        check(&format!("{{\"a\":{}{}}}", "[".repeat(200), "]".repeat(200)), None);
    }
}
