//! What people show to `inspect`, `detect`, and `explain` is described or refused, and never ends the program.
#![no_main]

use std::time::Duration;

use certbound::{
    UnixTime,
    certificate::{PathRules, Profile, inspect},
};
use certbound_fuzz::NOW;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let now = UnixTime::since_unix_epoch(Duration::from_secs(NOW));
    for profile in Profile::ALL {
        let _ = profile.decode(input.trim_ascii(), &[], 5);
    }
    let Ok(certificates) = inspect::read(input) else { return };
    let described = inspect::describe(&certificates, &PathRules::default(), now);
    assert_eq!(described.len(), certificates.len());
    for description in described.into_iter().flatten() {
        assert!(description.issued_by.is_none_or(|place| place < certificates.len()));
    }
});
