//! A path that is taken can be read in one way only.
#![no_main]

use certbound::route::RequestPath;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|path: &[u8]| {
    let Ok(taken) = RequestPath::parse(path) else { return };
    let taken = taken.as_str();
    assert_eq!(taken.as_bytes(), path, "forwarded as it came");
    assert!(taken.starts_with('/') && !taken.contains("//"));
    assert!(taken.bytes().all(|byte| byte.is_ascii_graphic() && !b"\\;#?".contains(&byte)));
    assert!(taken.split('/').all(|segment| segment != "." && segment != ".."));
    let lower = taken.to_ascii_lowercase();
    assert!(["%2f", "%5c", "%2e", "%25", "%00"].iter().all(|hidden| !lower.contains(hidden)));
});
