//! A header value of each profile, and a chain behind it, decodes or is refused; what decodes, reads back.
#![no_main]

use certbound::certificate::Profile;
use libfuzzer_sys::fuzz_target;

// The profile's number, then the values of certificate and chain with a NUL between them, which no header value holds.
fuzz_target!(|input: &[u8]| {
    let Some((first, values)) = input.split_first() else { return };
    let profile = Profile::ALL[usize::from(*first) % Profile::ALL.len()];
    let mut values = values.split(|byte| *byte == 0);
    let (leaf, chain) = (values.next().unwrap_or_default(), values.collect::<Vec<_>>());
    let Ok(presented) = profile.decode(leaf, &chain, MOST) else { return };
    assert!(presented.intermediates.len() <= MOST && is_der(presented.leaf.der()));
    assert!(presented.intermediates.iter().all(|sent| is_der(sent.der())));
    let written = profile.encode(presented.leaf.der(), &[]);
    let again = profile.decode(written.leaf.as_bytes(), &[], MOST).expect("what we write ourselves");
    assert_eq!(again.leaf, presented.leaf);
});

/// A SEQUENCE that ends with the bytes, its length written in the one way of DER.
fn is_der(bytes: &[u8]) -> bool {
    let length = |octets: &[u8]| octets.iter().fold(0, |sum, octet| sum << 8 | usize::from(*octet));
    match bytes {
        [0x30, short @ 0..=0x7f, content @ ..] => content.len() == usize::from(*short),
        [0x30, 0x81, octet @ 0x80..=0xff, content @ ..] => content.len() == usize::from(*octet),
        [0x30, 0x82, high @ 1..=0xff, low, content @ ..] => content.len() == length(&[*high, *low]),
        _ => false,
    }
}

const MOST: usize = 5;
