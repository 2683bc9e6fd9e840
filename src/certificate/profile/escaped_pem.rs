//! Percent-encoded PEM: nginx, ingress-nginx, Apache, and AWS, whose header holds the whole chain.

use base64::Engine;
use memchr::memchr3;

use super::{Der, pem, percent};
use crate::{denial::Denial, encoding::BASE64};

/// nginx encodes everything but unreserved characters; AWS leaves `+`, `=`, and `/` raw.
pub(super) fn read(value: &[u8]) -> Result<Vec<Der>, Denial> {
    pem::read(&percent::decode(value)?)
}

/// Apache's `escape` writes lower-case hex; `%{SSL_CLIENT_CERT}s` writes spaces for line ends and encodes nothing.
pub(super) fn read_apache(value: &[u8]) -> Result<Vec<Der>, Denial> {
    if percent::is_encoded(value) { read(value) } else { pem::read_one_line(value) }
}

/// Writes it as nginx does: lines of 64 columns that end in LF, and everything encoded but unreserved characters.
pub(super) fn write(certificates: &[&[u8]]) -> String {
    let mut text = String::new();
    for der in certificates {
        let base64 = BASE64.encode(der);
        // One character of 32 is escaped, and of a line its end.
        text.reserve(base64.len() + base64.len() / 8 + 96);
        text.push_str("-----BEGIN%20CERTIFICATE-----%0A");
        let mut rest = base64.as_str();
        while !rest.is_empty() {
            let (line, after) = rest.split_at_checked(64).unwrap_or((rest, ""));
            write_line(line, &mut text);
            rest = after;
        }
        text.push_str("-----END%20CERTIFICATE-----%0A");
    }
    text
}

/// A line of base64, which has three characters that are reserved (RFC 3986, section 2.2), and its end.
fn write_line(line: &str, text: &mut String) {
    let mut rest = line;
    while let Some((plain, reserved)) =
        memchr3(b'+', b'/', b'=', rest.as_bytes()).and_then(|place| rest.split_at_checked(place))
    {
        text.push_str(plain);
        text.push_str(match reserved.as_bytes() {
            [b'+', ..] => "%2B",
            [b'/', ..] => "%2F",
            _ => "%3D",
        });
        rest = reserved.get(1..).unwrap_or_default();
    }
    text.push_str(rest);
    text.push_str("%0A");
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests state what they need")]

    use der::pem::{LineEnding, encode_string};
    use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
    use proptest::prelude::*;

    use super::*;

    const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

    proptest! {
        #[test]
        fn certificate_is_written_as_libraries_write_it_and_reads_back(
            one in proptest::collection::vec(any::<u8>(), 1..300),
            two in proptest::collection::vec(any::<u8>(), 1..300),
        ) {
            let pem = |der: &[u8]| encode_string("CERTIFICATE", LineEnding::LF, der).unwrap();
            let expected = utf8_percent_encode(&[pem(&one), pem(&two)].concat(), RESERVED).to_string();
            let written = write(&[&one, &two]);
            prop_assert_eq!(&written, &expected);
            prop_assert_eq!(read(written.as_bytes()).unwrap(), [one, two]);
        }
    }
}
