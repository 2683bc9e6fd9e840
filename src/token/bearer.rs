//! The one access token of a request (RFC 6750, section 2.1; RFC 9449, section 7.1). Nowhere but in `Authorization` is one
//! looked for.

use http::{HeaderMap, header::AUTHORIZATION};

use crate::denial::Denial;

/// The characters after the scheme: not decoded, not verified, not believed. There is no way to print them.
#[derive(Clone, Copy)]
pub struct BearerToken<'a> {
    token: &'a str,
    scheme: Scheme,
}

/// How the token is presented.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Scheme {
    /// By whoever bears it.
    Bearer,
    /// With a proof of possession.
    DPoP,
}

impl<'a> BearerToken<'a> {
    /// Reads the one `Authorization` header. `DPoP` is a scheme only where `proofs` says so.
    ///
    /// # Errors
    /// `token_missing` (none, or another scheme), `token_repeated` (two headers), `token_malformed`
    /// (not `b64token`: several credentials joined by commas among them, wherever the token stands; over
    /// [`Self::MAX_BYTES`]).
    pub fn read(headers: &'a HeaderMap, proofs: bool) -> Result<Self, Denial> {
        let mut values = headers.get_all(AUTHORIZATION).iter();
        let value = values.next().ok_or(Denial::TokenMissing { why: "no Authorization header" })?.as_bytes();
        if values.next().is_some() {
            return Err(Denial::TokenRepeated);
        }
        let (scheme, credentials) = parted(value);
        let scheme = match Scheme::named(scheme, proofs) {
            None if is_joined(credentials, proofs) => {
                return Err(Denial::TokenMalformed { why: "several credentials joined by commas" });
            }
            None => return Err(Denial::TokenMissing { why: "another Authorization scheme than is taken here" }),
            Some(scheme) => scheme,
        };
        let token = credentials.trim_ascii_start();
        if credentials.len() > Self::MAX_BYTES {
            return Err(Denial::TokenMalformed { why: "longer than any token that is read" });
        }
        // Only spaces part scheme and token: `Bearer,x` and a tab are no separators (RFC 6750, section 2.1).
        let separator = credentials.get(..credentials.len() - token.len()).unwrap_or_default();
        if separator.is_empty() || separator.iter().any(|byte| *byte != b' ') || !is_b64token(token) {
            return Err(Denial::TokenMalformed { why: "not one b64token after the scheme" });
        }
        let token = std::str::from_utf8(token).map_err(|_| Denial::TokenMalformed { why: "not ASCII" })?;
        Ok(Self { token, scheme })
    }

    /// How it is presented.
    pub fn scheme(self) -> Scheme {
        self.scheme
    }

    /// The characters.
    pub(super) fn as_str(self) -> &'a str {
        self.token
    }

    /// A token longer than this is not read. Spaces after the scheme count.
    pub const MAX_BYTES: usize = 16 * 1024;
}

impl Scheme {
    /// That of the first `Authorization` header, whatever follows it, for the challenge of a refusal. `DPoP` is one only
    /// where `proofs` says so.
    pub fn presented(headers: &HeaderMap, proofs: bool) -> Option<Self> {
        let (name, _) = parted(headers.get(AUTHORIZATION)?.as_bytes());
        Self::named(name, proofs)
    }

    fn named(name: &[u8], proofs: bool) -> Option<Self> {
        match name {
            _ if name.eq_ignore_ascii_case(b"bearer") => Some(Self::Bearer),
            _ if proofs && name.eq_ignore_ascii_case(b"dpop") => Some(Self::DPoP),
            _ => None,
        }
    }
}

/// Whether a token comes behind credentials of another scheme.
fn is_joined(credentials: &[u8], proofs: bool) -> bool {
    let others = credentials.split(|byte| *byte == b',').skip(1).map(<[u8]>::trim_ascii_start);
    let mut schemes = others.filter_map(|other| other.split(|byte| *byte == b' ').next().filter(|name| *name != other));
    schemes.any(|name| Scheme::named(name, proofs).is_some())
}

/// The name of the scheme, and the rest.
fn parted(value: &[u8]) -> (&[u8], &[u8]) {
    value.split_at(value.iter().position(|byte| !is_scheme(*byte)).unwrap_or(value.len()))
}

/// A character of an authentication scheme (RFC 9110, sections 5.6.2 and 11.1).
fn is_scheme(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// `b64token` of RFC 6750, section 2.1: padding at the end only, and not alone.
fn is_b64token(token: &[u8]) -> bool {
    let unpadded = token.iter().rposition(|byte| *byte != b'=').map_or(0, |last| last + 1);
    let characters = token.get(..unpadded).unwrap_or_default();
    // Over every token, so all at once and without stopping early: the compiler then looks at many bytes at a time.
    !characters.is_empty() && characters.iter().fold(true, |all, byte| all & is_b64token_character(*byte))
}

fn is_b64token_character(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() | matches!(byte, b'-' | b'.' | b'_' | b'~' | b'+' | b'/')
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests state what they need")]

    use http::HeaderValue;

    use super::*;

    fn read(values: &[&[u8]]) -> Result<String, &'static str> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(AUTHORIZATION, HeaderValue::from_bytes(value).unwrap());
        }
        BearerToken::read(&headers, false).map(|token| token.as_str().to_owned()).map_err(|denial| denial.code())
    }

    fn check(values: &[&str], expected: Result<&str, &'static str>) {
        let values: Vec<_> = values.iter().map(|value| value.as_bytes()).collect();
        assert_eq!(read(&values), expected.map(str::to_owned), "{values:?}");
    }

    #[test]
    fn scheme_is_that_of_the_first_header_whatever_follows() {
        let presented = |values: &[&str], proofs| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(AUTHORIZATION, HeaderValue::from_str(value).unwrap());
            }
            Scheme::presented(&headers, proofs)
        };
        assert_eq!(presented(&["dpop a,b"], true), Some(Scheme::DPoP));
        assert_eq!(presented(&["DPoP"], true), Some(Scheme::DPoP));
        assert_eq!(presented(&["DPoP a"], false), None);
        assert_eq!(presented(&["Bearer a", "DPoP b"], true), Some(Scheme::Bearer));
        assert_eq!(presented(&["DPoPx a"], true), None);
        assert_eq!(presented(&["Basic a"], true), None);
        assert_eq!(presented(&[], true), None);
    }

    #[test]
    fn characters_are_those_of_rfc_6750() {
        for byte in 0..=u8::MAX {
            let expected = byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte);
            assert_eq!(is_b64token_character(byte), expected, "{byte:#04x}");
        }
    }

    #[test]
    fn token_after_the_scheme_in_any_case_and_one_or_more_spaces_is_read() {
        check(&["Bearer abc"], Ok("abc"));
        check(&["bEARER    abc"], Ok("abc"));
        check(&["Bearer aZ09-._~+/=="], Ok("aZ09-._~+/=="));
    }

    #[test]
    fn request_without_the_bearer_scheme_has_no_token() {
        check(&[], Err("token_missing"));
        for value in
            ["", " Bearer abc", "Basic abc", "DPoP abc", "Bearers abc", "Bearer.abc", "Digest a=\"b\", bearer=c", "abc"]
        {
            check(&[value], Err("token_missing"));
        }
        for value in ["Basic YTpi, Bearer abc", "Basic YTpi,bearer abc", "Digest a=\"b\", c=d, Bearer abc"] {
            check(&[value], Err("token_malformed"));
        }
    }

    #[test]
    fn two_headers_are_refused_whatever_they_hold() {
        check(&["Bearer abc", "Bearer abc"], Err("token_repeated"));
        check(&["Basic abc", "Bearer abc"], Err("token_repeated"));
        check(&["Bearer abc", ""], Err("token_repeated"));
    }

    #[test]
    fn anything_but_one_b64token_is_malformed() {
        for value in [
            "Bearer",
            "Bearer ",
            "Bearer =",
            "Bearer a b",
            "Bearer a,b",
            "Bearer a, Bearer b",
            "Bearer\tabc",
            "Bearer,abc",
            "Bearer  \tabc",
            "Bearer abc ",
            "Bearer a=b",
            "Bearer \"abc\"",
            "Bearer a;b",
            "Bearer a%62",
            "Bearer=abc",
            "Bearer/abc",
        ] {
            check(&[value], Err("token_malformed"));
        }
        assert_eq!(read(&["Bearer a\u{e9}".as_bytes()]), Err("token_malformed"));
    }

    #[test]
    fn token_is_read_up_to_the_limit_and_not_beyond() {
        let longest = format!("Bearer {}", "a".repeat(BearerToken::MAX_BYTES - 1));
        assert!(read(&[longest.as_bytes()]).is_ok());
        assert_eq!(read(&[format!("{longest}a").as_bytes()]), Err("token_malformed"));
    }
}
