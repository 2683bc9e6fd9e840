//! A header value of each profile, Envoy's quoted one above all, decodes or is refused; what decodes, reads back.
#![no_main]

use certbound::certificate::Profile;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some((first, value)) = input.split_first() else { return };
    let all = Profile::ALL;
    let profile = if *first < 128 { Profile::Envoy } else { all[usize::from(*first) % all.len()] };
    let Ok(presented) = profile.decode(value, &[], 5) else { return };
    let written = profile.encode(&presented.leaf, &[]);
    let again = profile.decode(written.leaf.as_bytes(), &[], 5).expect("what we write ourselves");
    assert_eq!(again.leaf, presented.leaf);
});
