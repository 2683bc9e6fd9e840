//! A `traceparent` is continued only where it is well-formed (W3C Trace Context, section 3.2), and is written as it was read.
#![no_main]

use certbound::observe::trace::TraceParent;
use http::{HeaderMap, HeaderValue, header::HeaderName};
use libfuzzer_sys::fuzz_target;

// Values of `traceparent` with a NUL between them.
fuzz_target!(|input: &[u8]| {
    let mut headers = HeaderMap::new();
    for value in input.split(|byte| *byte == 0) {
        let Ok(value) = HeaderValue::from_bytes(value) else { return };
        headers.append(TRACEPARENT, value);
    }
    let Some(parent) = TraceParent::of(&headers) else { return };
    // What a later version says behind is not ours to read.
    let (known, later) = input.split_at(55);
    let known = std::str::from_utf8(known).expect("ASCII");
    let hexadecimal = |place: usize, byte: u8| match place {
        2 | 35 | 52 => byte == b'-',
        _ => byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte),
    };
    assert!(known.bytes().enumerate().all(|(place, byte)| hexadecimal(place, byte)), "{known}");
    assert!(!known.starts_with("ff") && (later.is_empty() || later.starts_with(b"-") && !known.starts_with("00")));
    assert!(known[3..35] != *"0".repeat(32) && known[36..52] != *"0".repeat(16), "{known}");
    assert_eq!(parent.value().to_str().ok(), Some(format!("00{}", &known[2..]).as_str()));
    let again = HeaderMap::from_iter([(TRACEPARENT, parent.value())]);
    assert_eq!(TraceParent::of(&again), Some(parent));
});

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
