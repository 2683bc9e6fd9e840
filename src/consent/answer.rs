//! The service's answer, read strictly: what is not plainly a yes is none.

use std::{fmt::Write as _, sync::Arc};

use http::HeaderValue;
use serde::{Deserialize, de::IgnoredAny};
use serde_json::{Value, value::RawValue};

use crate::{consent::ConsentAnswer, token::json};

/// The members that are read. An answer with a member that stands twice, at any depth, is none: readers disagree on which of
/// the two counts.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer<'a> {
    is_valid: bool,
    modified_payload: Option<IgnoredAny>,
    error_code: Option<Value>,
    error_message: Option<Value>,
    #[serde(borrow)]
    consent_information: Option<&'a RawValue>,
}

impl ConsentAnswer {
    /// What is read of an answer, in bytes.
    pub const MAX_BYTES: usize = 64 << 10;

    /// Reads the body of an answer, whose length the caller bounds.
    ///
    /// # Errors
    /// Why it is no usable answer. Holds nothing of it.
    pub fn parse(body: &[u8]) -> Result<Self, &'static str> {
        let no_answer = "the answer is not one JSON object in which isValid is true or false, and each member is once";
        // Read whole, because what is passed over or forwarded unread may be something that no other reader takes.
        let members = json::members(body).ok_or(no_answer)?;
        if !members.iter().all(|(_, value)| value.is_plain(usize::MAX)) {
            return Err(no_answer);
        }
        let answer: Answer<'_> = serde_json::from_slice(body).map_err(|_| no_answer)?;
        if !answer.is_valid {
            return Ok(Self::Refused {
                code: answer.error_code.and_then(|code| cleaned(&code, LONGEST_CODE)),
                message: answer.error_message.and_then(|message| cleaned(&message, LONGEST_MESSAGE)),
            });
        }
        if answer.modified_payload.is_some() {
            // Forwarding what the client sent would pass over the service's wish.
            return Err("the answer holds a modifiedPayload, and requests are forwarded unchanged");
        }
        Ok(Self::Given { information: answer.consent_information.map(information).transpose()?.flatten() })
    }
}

/// What the service says of a refusal, for people and for other programs: no line can be ended with it, and no log filled.
fn cleaned(value: &Value, longest: usize) -> Option<Arc<str>> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    let printable: String = text.chars().filter(|letter| !letter.is_control()).take(longest).collect();
    let trimmed = printable.trim();
    (!trimmed.is_empty()).then(|| trimmed.into())
}

/// `consentInformation` as a header value: a string as it is (WSO2 sends a signed JWT), all else as compact JSON.
///
/// Numbers and the order of members stay as the service wrote them.
fn information(raw: &RawValue) -> Result<Option<HeaderValue>, &'static str> {
    let json = raw.get();
    let written = match json.bytes().next() {
        Some(b'"') => serde_json::from_str(json).map_err(|_| "consentInformation is no text")?,
        Some(b'{' | b'[') => compact(json),
        _ => return Err("consentInformation is neither a string nor an object"),
    };
    if written.is_empty() {
        return Ok(None);
    }
    if written.len() > LONGEST_INFORMATION {
        return Err("consentInformation is larger than 8 KiB");
    }
    // A recipient trims spaces at either end, and reads bytes outside ASCII in one of several ways.
    let plain = written.trim() == written && written.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    let value = HeaderValue::try_from(written).ok().filter(|_| plain);
    value.map(Some).ok_or("consentInformation cannot be written into a header")
}

/// Valid JSON without white space between its tokens and without anything outside printable ASCII.
fn compact(json: &str) -> String {
    let mut compact = String::with_capacity(json.len());
    let (mut inside, mut escaped) = (false, false);
    for letter in json.chars() {
        match letter {
            ' ' | '\t' | '\r' | '\n' if !inside => continue,
            '"' if !escaped => inside = !inside,
            _ => {}
        }
        escaped = letter == '\\' && !escaped;
        match letter {
            ' '..='~' => compact.push(letter),
            _ => letter.encode_utf16(&mut [0; 2]).iter().for_each(|unit| {
                // Writing into a string does not fail.
                let _ = write!(compact, "\\u{unit:04x}");
            }),
        }
    }
    compact
}

/// In characters.
const LONGEST_CODE: usize = 64;
/// In characters.
const LONGEST_MESSAGE: usize = 200;
/// In bytes.
const LONGEST_INFORMATION: usize = 8 << 10;

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests state what they need")]

    use serde_json::json;

    use super::*;

    /// What becomes of an answer, in words.
    fn read(answer: &str) -> String {
        match ConsentAnswer::parse(answer.as_bytes()) {
            Ok(ConsentAnswer::Given { information: None }) => "given".to_owned(),
            Ok(ConsentAnswer::Given { information: Some(value) }) => format!("given {}", value.to_str().unwrap()),
            Ok(ConsentAnswer::Refused { code, message }) => {
                format!("refused {} {}", code.as_deref().unwrap_or("-"), message.as_deref().unwrap_or("-"))
            }
            Ok(ConsentAnswer::Unavailable) | Err(_) => "none".to_owned(),
        }
    }

    #[track_caller]
    fn check(answer: &str, expected: &str) {
        assert_eq!(read(answer), expected, "{answer}");
    }

    #[test]
    fn yes_and_no_are_the_booleans() {
        check(r#"{"isValid":true}"#, "given");
        check(
            r#" {"isValid" : true, "other": [1, {}], "modifiedPayload": null, "consentInformation": null} "#,
            "given",
        );
        check(r#"{"isValid":false}"#, "refused - -");
    }

    #[test]
    fn what_is_no_plain_yes_or_no_is_no_answer() {
        for answer in [
            "",
            "{}",
            "true",
            "[]",
            "null",
            "<html>",
            r#"{"isValid":"true"}"#,
            r#"{"isValid":1}"#,
            r#"{"isValid":null}"#,
            r#"{"isvalid":true}"#,
            r#"{"isValid":true}{}"#,
            r#"{"isValid":true"#,
            r#"{"isValid":false,"isValid":true}"#,
            r#"{"isValid":true,"isV\u0061lid":true}"#,
            r#"[true,null,null,null,null]"#,
            r#"{"isValid":true,"other":1e444}"#,
            r#"{"isValid":true,"other":[{"a":1,"b":{},"a":2}]}"#,
            r#"{"isValid":true,"consentInformation":{"a":{"b":1,"\u0062":2}}}"#,
            r#"{"isValid":true,"consentInformation":{"a":"\ud800"}}"#,
        ] {
            check(answer, "none");
        }
        assert!(ConsentAnswer::parse(b"{\"isValid\":true,\"other\":\"\xff\"}").is_err());
    }

    #[test]
    fn refusal_tells_code_and_message_cleaned_and_cut() {
        check(r#"{"isValid":false,"errorCode":"00013","errorMessage":"Revoked"}"#, "refused 00013 Revoked");
        check(r#"{"isValid":false,"errorCode":401,"errorMessage":["a"]}"#, "refused 401 -");
        check(r#"{"isValid":false,"errorCode":"a\r\nb\u0000c","errorMessage":" \n "}"#, "refused abc -");
        check(r#"{"isValid":false,"errorMessage":"Zustimmung erlöschen\u009b"}"#, "refused - Zustimmung erlöschen");
        let long = json!({"isValid": false, "errorCode": "c".repeat(99), "errorMessage": "ü".repeat(999)}).to_string();
        check(&long, &format!("refused {} {}", "c".repeat(64), "ü".repeat(200)));
    }

    #[test]
    fn refusal_stands_whatever_else_is_in_the_answer() {
        check(r#"{"isValid":false,"modifiedPayload":{},"consentInformation":5}"#, "refused - -");
    }

    #[test]
    fn modified_payload_is_no_answer() {
        for payload in ["{}", "\"\"", "false", "{\"amount\":1}"] {
            check(&format!(r#"{{"isValid":true,"modifiedPayload":{payload},"consentInformation":"a.b.c"}}"#), "none");
        }
    }

    #[test]
    fn text_for_the_backend_is_passed_on_as_it_is() {
        let told = |text: &str| json!({"isValid": true, "consentInformation": text}).to_string();
        check(&told("eyJ.eyJ.sig"), "given eyJ.eyJ.sig");
        check(&told("a b\"c\\"), "given a b\"c\\");
        check(&told(""), "given");
        for text in [" a", "a ", "a\r\nX-Admin: 1", "a\tb", "a\0", "ä", "\u{7f}"] {
            check(&told(text), "none");
        }
    }

    #[test]
    fn object_for_the_backend_is_compact_ascii() {
        let told = |json: &str| format!(r#"{{"isValid":true,"consentInformation":{json}}}"#);
        check(
            &told("{ \"b\" : [ 1.10 ,\n12345678901234567890123 ],\t\"a\": \"x y\\\" \\\\\" , \"c\":{} }"),
            "given {\"b\":[1.10,12345678901234567890123],\"a\":\"x y\\\" \\\\\",\"c\":{}}",
        );
        check(&told("[\"ä€😀\u{7f}\"]"), "given [\"\\u00e4\\u20ac\\ud83d\\ude00\\u007f\"]");
        for json in ["5", "true", "1e3"] {
            check(&told(json), "none");
        }
    }

    #[test]
    fn information_may_be_as_large_as_allowed_and_not_a_byte_larger() {
        let told = |length: usize| json!({"isValid": true, "consentInformation": "a".repeat(length)}).to_string();
        check(&told(8 << 10), &format!("given {}", "a".repeat(8 << 10)));
        check(&told((8 << 10) + 1), "none");
    }
}
