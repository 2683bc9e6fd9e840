//! The path of a request, in the one spelling that is taken.

use percent_encoding::percent_decode;

use crate::{denial::Denial, encoding::octet};

/// A path that can be read in one way only: the exact bytes that are forwarded.
///
/// Only [`RequestPath::parse`] makes one.
#[derive(Clone, Copy, Debug)]
pub struct RequestPath<'a>(&'a str);

impl<'a> RequestPath<'a> {
    /// Reads the path of an origin-form target, the query already cut off.
    ///
    /// Nothing is normalised: a path that a backend could read otherwise than the route table is refused. A `/` at the
    /// end is a path of its own.
    ///
    /// # Errors
    /// `path_ambiguous`: `//`, `.` or `..` segments, `;`, `\`, encoded `/ \ . %`, encoded unreserved characters,
    /// encoded control characters, encoded bytes that are no UTF-8 (an overlong `/` among them), invalid
    /// percent-encoding. `request_malformed`: no leading `/`, raw space, control bytes, `#`, and every other byte that
    /// RFC 3986, section 3.3 has not in a path.
    pub fn parse(path: &'a [u8]) -> Result<Self, Denial> {
        let Some((b'/', mut rest)) = path.split_first() else {
            return Err(malformed("the path does not begin with /"));
        };
        // Most paths, seen many bytes at a time.
        if rest.iter().fold(true, |plain, byte| plain & (is_unreserved(*byte) | (*byte == b'/'))) {
            rest = &[];
        }
        let mut beyond_ascii = false;
        while let Some((byte, after)) = rest.split_first() {
            rest = match byte {
                b'%' => {
                    let (decoded, after) = octet(after).ok_or(ambiguous("invalid percent-encoding"))?;
                    beyond_ascii |= !decoded.is_ascii();
                    encoded(decoded)?;
                    after
                }
                _ => raw(*byte).map(|()| after)?,
            };
        }
        let text = std::str::from_utf8(path).map_err(|_| malformed("a byte that no path has"))?;
        segments(text)?;
        // In another charset than UTF-8, or by a lenient reader of it, these bytes could be anything.
        if beyond_ascii && percent_decode(path).decode_utf8().is_err() {
            return Err(ambiguous("percent-encoded bytes that are not UTF-8"));
        }
        Ok(Self(text))
    }

    /// The path.
    pub fn as_str(&self) -> &'a str {
        self.0
    }

    /// What is between the slashes; at least one segment, of which only the last may be empty.
    pub(super) fn segments(self) -> std::str::Split<'a, char> {
        self.0.strip_prefix('/').unwrap_or(self.0).split('/')
    }
}

/// Judges a byte that stands for itself (RFC 3986, section 3.3).
fn raw(byte: u8) -> Result<(), Denial> {
    match byte {
        b'/' => Ok(()),
        b';' => Err(ambiguous("a path parameter")),
        b'\\' => Err(ambiguous("a backslash")),
        _ if is_unreserved(byte) || b"!$&'()*+,=:@".contains(&byte) => Ok(()),
        _ => Err(malformed("a byte that no path has")),
    }
}

/// Judges a byte that came percent-encoded: what is taken can be nothing but text inside a segment.
fn encoded(byte: u8) -> Result<(), Denial> {
    match byte {
        b'/' | b'\\' => Err(ambiguous("an encoded slash or backslash")),
        b'%' => Err(ambiguous("encoded twice")),
        // Strings end at NUL and lines at LF for some backends.
        _ if byte.is_ascii_control() => Err(ambiguous("an encoded control character")),
        _ if is_unreserved(byte) => Err(ambiguous("an encoded unreserved character")),
        _ => Ok(()),
    }
}

fn segments(path: &str) -> Result<(), Denial> {
    let mut segments = RequestPath(path).segments().peekable();
    while let Some(segment) = segments.next() {
        match segment {
            "." | ".." => return Err(ambiguous("a dot segment")),
            "" if segments.peek().is_some() => return Err(ambiguous("an empty segment")),
            _ => {}
        }
    }
    Ok(())
}

/// RFC 3986, section 2.3.
fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() | matches!(byte, b'-' | b'.' | b'_' | b'~')
}

fn ambiguous(why: &'static str) -> Denial {
    Denial::PathAmbiguous { why }
}

fn malformed(why: &'static str) -> Denial {
    Denial::RequestMalformed { why }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, proptest};

    use super::*;

    fn check(path: &str, expected: Result<(), &'static str>) {
        let parsed = RequestPath::parse(path.as_bytes());
        assert_eq!(
            parsed.map(|path| path.as_str()).map_err(|denial| denial.code()),
            expected.map(|()| path),
            "{path:?}"
        );
    }

    #[test]
    fn path_that_can_be_read_in_one_way_is_taken_as_it_is() {
        for path in [
            "/",
            "/a",
            "/a/",
            "/a/b",
            "/...",
            "/a..b/.c",
            "/-._~",
            "/!$&'()*+,=:@",
            "/a%20b",
            "/%C3%A9",
            "/%c3%a9",
            "/a%2Bb",
            "/%3F",
            "/%23",
            "/%3b",
            "/%22",
            "/A/a",
        ] {
            check(path, Ok(()));
        }
    }

    #[test]
    fn path_that_can_be_read_in_two_ways_is_ambiguous() {
        for path in [
            "//", "/a//b", "//a", "/a//", "/.", "/..", "/a/.", "/a/./b", "/a/../b", "/../a", "/a;b", "/a;", "/;",
            "/a\\b", "/%2f", "/%2F", "/%5c", "/%2e", "/%2E%2e/", "/a%00", "/%25", "/%252e", "/%61", "/%7E", "/%2d",
            "/%5F", "/%", "/%2", "/%zz", "/%+1", "/% 1", "/a%2", "/%c0%af", "/%ff", "/%e9", "/%c3", "/%0a", "/%0D%0A",
            "/%7f",
        ] {
            check(path, Err("path_ambiguous"));
        }
    }

    #[test]
    fn byte_that_no_path_has_is_malformed() {
        for path in [
            "",
            "a",
            "*",
            "a/b",
            "http://h/a",
            "/a b",
            "/a#b",
            "/#",
            "/a?b",
            "/a\tb",
            "/a\r\n",
            "/\0",
            "/\u{7f}",
            "/é",
            "/{a}",
            "/a|b",
            "/a\"b",
            "/<a>",
            "/[a]",
            "/a^b",
            "/a`b",
        ] {
            check(path, Err("request_malformed"));
        }
        assert_eq!(RequestPath::parse(b"/\xff").map_err(|denial| denial.code()).err(), Some("request_malformed"));
    }

    /// What a backend may make of a path: decoded once, parameters cut, slashes turned, dots resolved.
    fn normalised(path: &str) -> Vec<u8> {
        let decoded: Vec<u8> = percent_decode(path.as_bytes()).collect();
        let turned: Vec<u8> = decoded.iter().map(|byte| if *byte == b'\\' { b'/' } else { *byte }).collect();
        let mut kept: Vec<&[u8]> = Vec::new();
        for segment in turned.split(|byte| *byte == b'/').skip(1) {
            match segment {
                b"" | b"." => {}
                b".." => drop(kept.pop()),
                _ => kept.push(segment),
            }
        }
        kept.join(&b'/')
    }

    proptest! {
        #[test]
        fn accepted_path_has_as_many_segments_after_decoding_and_resolving_as_before(
            path in r"/([a-c./;%\\25efEF0Cé~_ +-]|%2[0-9a-fA-F]|%[c-eC-E][0-9a-f]%[89abAB][0-9a-f]|\.\.|//){0,12}"
        ) {
            if let Ok(accepted) = RequestPath::parse(path.as_bytes()) {
                let raw: Vec<&str> = accepted.segments().filter(|segment| !segment.is_empty()).collect();
                let decoded: Vec<Vec<u8>> = raw.iter().map(|s| percent_decode(s.as_bytes()).collect()).collect();
                assert_eq!(normalised(&path), decoded.join(&b'/'));
                // Decoding again changes nothing, and encoding what was decoded gives the same bytes back.
                for (raw, decoded) in raw.iter().zip(&decoded) {
                    assert_eq!(&percent_decode(decoded).collect::<Vec<u8>>(), decoded);
                    assert!(std::str::from_utf8(decoded).is_ok());
                    assert_eq!(raw.matches('%').count() * 2, raw.len() - decoded.len());
                }
            }
        }

        #[test]
        fn any_bytes_are_judged_without_panic(path: Vec<u8>) {
            let _ = RequestPath::parse(&path);
        }

        #[test]
        fn accepted_path_holds_nothing_but_bytes_of_a_path(tail in proptest::collection::vec(any::<u8>(), 0..6)) {
            let path = [b"/".as_slice(), &tail].concat();
            if RequestPath::parse(&path).is_ok() {
                assert!(path.iter().all(|byte| byte.is_ascii_graphic() && !b"\"#;<>?[\\]^`{|}".contains(byte)));
            }
        }
    }
}
