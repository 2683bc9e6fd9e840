//! Percent-encoding (RFC 3986, section 2.1).

use std::borrow::Cow;

use memchr::memchr;

use super::malformed;
use crate::{denial::Denial, encoding::octet};

/// Decodes once. `+` is a plus: no load balancer writes it for a space, and several leave it raw in base64.
///
/// Hex digits of either case. A broken triplet, a raw space, and anything outside visible ASCII are refused.
pub(super) fn decode(text: &[u8]) -> Result<Cow<'_, [u8]>, Denial> {
    // Without stopping early, so that the compiler looks at many bytes at a time; certificates are long.
    if !text.iter().fold(true, |all, byte| all & byte.is_ascii_graphic()) {
        return Err(malformed("a raw space or control byte in a percent-encoded value"));
    }
    let Some(mut end) = memchr(b'%', text) else { return Ok(Cow::Borrowed(text)) };
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((plain, encoded)) = rest.split_at_checked(end) {
        decoded.extend_from_slice(plain);
        let Some((byte, after)) = encoded.strip_prefix(b"%").and_then(octet) else {
            return Err(malformed("a percent sign without two hex digits"));
        };
        decoded.push(byte);
        rest = after;
        let Some(next) = memchr(b'%', rest) else { break };
        end = next;
    }
    decoded.extend_from_slice(rest);
    Ok(Cow::Owned(decoded))
}

/// Whether anything in `text` is percent-encoded: neither PEM nor base64 has a raw percent sign.
pub(super) fn is_encoded(text: &[u8]) -> bool {
    text.contains(&b'%')
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests state what they need")]

    use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn triplets_are_decoded_once_and_a_plus_stays() {
        let check = |text: &str, expected: Option<&str>| {
            let decoded = decode(text.as_bytes()).ok();
            assert_eq!(decoded.as_deref(), expected.map(str::as_bytes), "{text}");
        };
        check("a+b/c=", Some("a+b/c="));
        check("%2B%2b%0A%20", Some("++\n "));
        check("%252B", Some("%2B"));
        check("%E2%82%AC", Some("€"));
        check("%", None);
        check("%4", None);
        check("a%4", None);
        check("%4G", None);
        check("%%41", None);
        check("a b", None);
        check("a\tb", None);
        check("€", None);
    }

    proptest! {
        #[test]
        fn what_is_encoded_decodes_to_itself(text in any::<String>()) {
            let encoded = utf8_percent_encode(&text, NON_ALPHANUMERIC).to_string();
            prop_assert_eq!(&*decode(encoded.as_bytes()).unwrap(), text.as_bytes());
        }

        #[test]
        fn arbitrary_bytes_decode_only_if_every_percent_sign_begins_a_triplet(text in "[%0-9A-Fa-g+ ]{0,12}") {
            let mut bytes = text.bytes();
            let mut whole = true;
            while let Some(byte) = bytes.next() {
                whole &= byte != b' ';
                if byte == b'%' {
                    whole &= (0..2).all(|_| bytes.next().is_some_and(|digit| digit.is_ascii_hexdigit()));
                }
            }
            prop_assert_eq!(decode(text.as_bytes()).is_ok(), whole);
        }
    }
}
