//! base64 and base64url (RFC 4648, sections 4 and 5) of what is long, certificates and tokens, and octets as two digits.

use std::sync::LazyLock;

use base64::engine::{Simd, general_purpose};

/// base64: padded, unused bits zero, and nothing else in it, so that bytes are written in one way only.
///
/// Many characters are decoded at a time where the processor can; which texts are taken does not depend on that.
pub(crate) static BASE64: LazyLock<Simd> = LazyLock::new(|| Simd::standard(general_purpose::PAD));

/// base64url without padding (RFC 7515, section 2), as strict.
pub(crate) static BASE64URL: LazyLock<Simd> = LazyLock::new(|| Simd::url_safe(general_purpose::NO_PAD));

/// The octet of the two hexadecimal digits in front, of either case, and what follows them.
pub(crate) fn octet(text: &[u8]) -> Option<(u8, &[u8])> {
    let ([high, low], after) = text.split_first_chunk()?;
    let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    Some((digit(high)? << 4 | digit(low)?, after))
}

#[cfg(test)]
mod tests {
    use base64::{
        Engine,
        prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
    };
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Long enough for what is done at a time, and a few characters that do not belong.
        #[test]
        fn every_text_is_read_as_by_the_engine_that_looks_at_one_character_after_the_other(
            octets in proptest::collection::vec(any::<u8>(), 0..200),
            strange in proptest::option::of((any::<proptest::sample::Index>(), any::<u8>())),
        ) {
            let check = |fast: &Simd, plain: &dyn Fn(&[u8]) -> Option<Vec<u8>>, text: String| {
                let mut text = text.into_bytes();
                if let Some((place, byte)) = &strange && !text.is_empty() {
                    let place = place.index(text.len());
                    text.splice(place..=place, [*byte]);
                }
                prop_assert_eq!(fast.decode(&text).ok(), plain(&text));
                Ok(())
            };
            prop_assert_eq!(BASE64.encode(&octets), BASE64_STANDARD.encode(&octets));
            prop_assert_eq!(BASE64URL.encode(&octets), BASE64_URL_SAFE_NO_PAD.encode(&octets));
            check(&BASE64, &|text| BASE64_STANDARD.decode(text).ok(), BASE64.encode(&octets))?;
            check(&BASE64URL, &|text| BASE64_URL_SAFE_NO_PAD.decode(text).ok(), BASE64URL.encode(&octets))?;
        }
    }

    #[test]
    fn octets_are_written_in_one_way_only() {
        let long = "A".repeat(96);
        for (end, is_canonical) in [("AA==", true), ("AB==", false), ("AA", false), ("AA=", false), ("AA==\n", false)] {
            assert_eq!(BASE64.decode(format!("{long}{end}")).is_ok(), is_canonical, "{end}");
        }
        for (end, is_canonical) in
            [("AA", true), ("AB", false), ("AA==", false), ("A", false), ("+A", false), (" A", false)]
        {
            assert_eq!(BASE64URL.decode(format!("{long}{end}")).is_ok(), is_canonical, "{end}");
        }
    }
}
