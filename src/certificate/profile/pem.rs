//! PEM (RFC 7468), on lines or on one line.

use memchr::memchr;

use super::{Der, der, malformed};
use crate::denial::Denial;

/// Reads one or more certificates, each on lines that end in LF or in CRLF.
///
/// No other label, nothing between the certificates, and lines of one length but the last: where a `+` has become
/// a space or a line is cut, the text is broken, not shorter.
pub(super) fn read(text: &[u8]) -> Result<Vec<Der>, Denial> {
    let first = text.strip_prefix(BEGIN).unwrap_or_default();
    blocks(text, if first.starts_with(b"\r\n") { b"\r\n" } else { b"\n" })
}

/// Reads one or more certificates on one line: line ends are spaces, or gone.
pub(super) fn read_one_line(text: &[u8]) -> Result<Vec<Der>, Denial> {
    let first = text.strip_prefix(BEGIN).unwrap_or_default();
    blocks(text, if first.starts_with(b" ") { b" " } else { b"" })
}

/// Whether `text` sets out to be PEM.
pub(super) fn is_begun(text: &[u8]) -> bool {
    text.starts_with(b"-")
}

fn blocks(text: &[u8], line_end: &[u8]) -> Result<Vec<Der>, Denial> {
    let mut found = Vec::new();
    let mut rest = text;
    loop {
        let (certificate, after) = block(rest, line_end)?;
        found.push(certificate);
        if after.is_empty() || after == line_end {
            return Ok(found);
        }
        rest = after.strip_prefix(line_end).ok_or(malformed("something behind a PEM block"))?;
    }
}

/// The certificate at the head of `text`, and what follows its last marker.
fn block<'a>(text: &'a [u8], line_end: &[u8]) -> Result<(Der, &'a [u8]), Denial> {
    let broken = || malformed("not PEM with the label CERTIFICATE");
    let text = text.strip_prefix(BEGIN).and_then(|rest| rest.strip_prefix(line_end)).ok_or_else(broken)?;
    let (body, rest) = text.split_at(memchr(b'-', text).ok_or_else(broken)?);
    let rest = rest.strip_prefix(END).ok_or_else(broken)?;
    Ok((der::from_base64(&joined(body, line_end)?)?, rest))
}

/// The base64 of `body` without its line ends.
fn joined(body: &[u8], line_end: &[u8]) -> Result<Vec<u8>, Denial> {
    let broken = || malformed("PEM with broken lines");
    let width = body.iter().position(|byte| line_end.contains(byte)).unwrap_or(body.len());
    let mut base64 = Vec::with_capacity(body.len());
    for line in body.chunks((width + line_end.len()).max(1)) {
        let line = line.strip_suffix(line_end).filter(|line| !line.is_empty()).ok_or_else(broken)?;
        base64.extend_from_slice(line);
    }
    Ok(base64)
}

const BEGIN: &[u8] = b"-----BEGIN CERTIFICATE-----";
const END: &[u8] = b"-----END CERTIFICATE-----";

#[cfg(test)]
mod tests {
    use super::*;

    fn check(body: &str, on_lines: Option<&[u8]>, on_one_line: Option<&[u8]>) {
        let text = format!("-----BEGIN CERTIFICATE-----{body}-----END CERTIFICATE-----");
        let one = |bytes: &[u8]| vec![bytes.to_vec()];
        assert_eq!(read(text.as_bytes()).ok(), on_lines.map(one), "{body:?}");
        assert_eq!(read_one_line(text.as_bytes()).ok(), on_one_line.map(one), "{body:?}");
    }

    #[test]
    fn lines_have_one_length_and_one_end() {
        check("\nAAAA\n", Some(&[0; 3]), None);
        check("\r\nAAAA\r\nAAAA\r\n", Some(&[0; 6]), None);
        check("\nAAAAAA\nAA\n", Some(&[0; 6]), None);
        check(" AAAA AAAA ", None, Some(&[0; 6]));
        check("AAAAAAAA", None, Some(&[0; 6]));
        for broken in [
            "\nAAAA\n\n",
            "\n\nAAAA\n",
            "\nAAAA\nAAAA",
            "AAAA\n",
            "\nAA\nAAAAAA\n",
            "\nAAAA\nAA\nAA\n",
            "\nAAAA\r\n",
            "\r\nAAAA\nAAAA\r\n",
            "\nAAAA AAAA\n",
            " AAAA\nAAAA ",
            " AAAA  AAAA ",
            " AAAA",
            "AAAA ",
            "AAAA AAAA",
            "\nAAA\n",
            "\nA:AA\n",
            "\tAAAA\tAAAA\t",
        ] {
            check(broken, None, None);
        }
    }

    #[test]
    fn nothing_stands_before_between_or_behind() {
        let block = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----";
        let check = |text: &str, expected: Option<usize>| {
            assert_eq!(read(text.as_bytes()).ok().map(|found| found.len()), expected, "{text:?}");
        };
        check(&format!("{block}\n{block}\n{block}"), Some(3));
        check(&format!("{block}{block}"), None);
        check(&format!("{block}\n\n{block}"), None);
        check(&format!("{block}\n\n"), None);
        check(&format!(" {block}"), None);
        check(&format!("{block} "), None);
        check("", None);
    }
}
