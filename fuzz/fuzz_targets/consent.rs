//! An answer of the consent service is a yes only where it says so plainly, and what it says goes safely into a header and a
//! log line.
#![no_main]

use certbound::consent::ConsentAnswer;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|body: &[u8]| {
    let Ok(answer) = ConsentAnswer::parse(body) else { return };
    // A number that is none of serde_json's is still one in JSON.
    let Ok(told) = serde_json::from_slice::<Value>(body) else { return };
    match answer {
        ConsentAnswer::Given { information } => {
            assert_eq!(told["isValid"], true);
            assert!(told["modifiedPayload"].is_null());
            let Some(value) = information else { return };
            let text = value.to_str().expect("ASCII");
            assert!(text.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
            match &told["consentInformation"] {
                Value::String(words) => assert_eq!(words, text),
                object => assert_eq!(serde_json::from_str::<Value>(text).expect("JSON"), *object),
            }
        }
        ConsentAnswer::Refused { code, message } => {
            assert_eq!(told["isValid"], false);
            for words in [code, message].into_iter().flatten() {
                assert!(!words.is_empty() && words.chars().count() <= 200 && !words.chars().any(char::is_control));
            }
        }
        ConsentAnswer::Unavailable => panic!("only the shell says so"),
    }
});
