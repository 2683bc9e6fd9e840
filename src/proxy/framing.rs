//! Where an HTTP/1 request begins and ends, and whom it is meant for: readable in one way only (RFC 9112), or refused.
//!
//! Pingora forgives what a request could be smuggled with, and repairs it before a filter sees it, so the header section
//! is looked at as it came.

use http::{
    HeaderMap, HeaderValue, Version,
    header::{CONNECTION, CONTENT_LENGTH, HOST, TRANSFER_ENCODING},
};

use crate::denial::Denial;

/// Holds the header section of an HTTP/1 request, request line included, to the rules that only its bytes can show.
///
/// `headers` are the parsed fields of the same section. Folded lines, white space before a colon, and control bytes in
/// values are not looked for: Pingora's parser has refused them.
///
/// # Errors
/// `request_malformed`: a line that ends in a bare LF; a target as in [`target`];
/// `Content-Length` beside `Transfer-Encoding`; no `Host` on HTTP/1.1.
pub(super) fn section(raw: &[u8], version: Version, headers: &HeaderMap) -> Result<(), Denial> {
    if !lines_end_in_crlf(raw) {
        return Err(malformed("a line ends without CR"));
    }
    target(target_of(raw))?;
    // Pingora drops the length it does not use, so that only the bytes tell of it.
    if headers.contains_key(TRANSFER_ENCODING) && names(raw, CONTENT_LENGTH.as_str()) {
        return Err(malformed("both Content-Length and Transfer-Encoding"));
    }
    if version == Version::HTTP_11 && !headers.contains_key(HOST) {
        return Err(malformed("no Host"));
    }
    Ok(())
}

/// Holds the fields about the connection and the body's framing to the rules, in any version of HTTP.
///
/// # Errors
/// `request_malformed`: a transfer coding other than one `chunked`; a `Content-Length` other than one number, were they
/// equal, since the backend would get them all; a `Host` that is no authority, such as two that were joined; a
/// `Connection` option that could take a field away which the gate has read.
pub(super) fn fields(headers: &HeaderMap) -> Result<(), Denial> {
    let mut lengths = headers.get_all(CONTENT_LENGTH).iter();
    if let Some(length) = lengths.next()
        && (lengths.next().is_some() || !length.as_bytes().iter().all(u8::is_ascii_digit))
    {
        return Err(malformed("Content-Length is not one number"));
    }
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    if let Some(coding) = codings.next()
        && (codings.next().is_some() || !coding.as_bytes().trim_ascii().eq_ignore_ascii_case(b"chunked"))
    {
        return Err(malformed("Transfer-Encoding is not one `chunked`"));
    }
    if !headers.get_all(HOST).iter().all(|host| is_authority(host.as_bytes())) {
        return Err(malformed("Host is no host with a port"));
    }
    let is_known = |option: &[u8]| CONNECTION_OPTIONS.iter().any(|known| option.eq_ignore_ascii_case(known));
    if !connection_options(headers).all(is_known) {
        return Err(malformed("Connection names another field"));
    }
    Ok(())
}

/// Whether the hop before wants to change to another protocol (RFC 9110, section 7.8).
pub(super) fn is_upgrade(headers: &HeaderMap) -> bool {
    connection_options(headers).any(|option| option.eq_ignore_ascii_case(b"upgrade"))
}

/// Whether the hop before takes this for the last request on its connection (RFC 9112, section 9.6).
pub(super) fn is_last(headers: &HeaderMap) -> bool {
    connection_options(headers).any(|option| option.eq_ignore_ascii_case(b"close"))
}

/// The options of `Connection`, however many lines they stand on.
pub(super) fn connection_options(headers: &HeaderMap) -> impl Iterator<Item = &[u8]> {
    let values = headers.get_all(CONNECTION).iter();
    let options = values.flat_map(|value| value.as_bytes().split(|byte| *byte == b',').map(<[u8]>::trim_ascii));
    options.filter(|option| !option.is_empty())
}

/// Whether this is a DNS name or an IP address, with a port or not (RFC 9110, section 7.2), or nothing at all, which a
/// client may send that knows no name. Names of other kinds, which RFC 3986 allows, nobody looks up.
pub(super) fn is_authority(text: &[u8]) -> bool {
    let digits = text.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let (before, port) = text.split_at(text.len().saturating_sub(digits));
    let (host, port) = before.strip_suffix(b":").map_or((text, b"".as_slice()), |host| (host, port));
    let is_name = |name: &[u8]| name.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(byte));
    let is_address = |address: &[u8]| address.iter().all(|byte| byte.is_ascii_hexdigit() || b":.".contains(byte));
    let bracketed = host.strip_prefix(b"[").and_then(|host| host.strip_suffix(b"]"));
    port.len() <= 5 && bracketed.map_or_else(|| is_name(host), is_address)
}

/// Holds a target to the bytes that RFC 3986 knows, roughly: the path is read more strictly, the query is opaque.
///
/// # Errors
/// `request_malformed`: a fragment, or anything but visible ASCII.
pub(crate) fn target(target: &[u8]) -> Result<(), Denial> {
    // Without stopping early, so that the compiler looks at many bytes at a time.
    if target.iter().fold(true, |all, byte| all & byte.is_ascii_graphic() & (*byte != b'#')) {
        return Ok(());
    }
    Err(malformed("the target holds a byte that no target may hold"))
}

/// Authority, and path and query, of a `target` in absolute form (RFC 9112, section 3.2.2), which must name the `host` of the
/// request; none: it is in origin-form.
///
/// # Errors
/// `request_malformed`: another form or scheme, userinfo, another host, no host with a port.
pub(super) fn origin_form<'a>(target: &'a [u8], host: Option<&HeaderValue>) -> Result<Option<Absolute<'a>>, Denial> {
    if target.first() == Some(&b'/') {
        return Ok(None);
    }
    let rest = ["http://", "https://"]
        .iter()
        .find_map(|scheme| target.split_at_checked(scheme.len()).filter(|(start, _)| same(start, scheme)))
        .map(|(_, rest)| rest)
        .ok_or_else(|| malformed("the target is neither a path nor an http address"))?;
    let end = rest.iter().position(|byte| matches!(byte, b'/' | b'?')).unwrap_or(rest.len());
    let (authority, rest) = rest.split_at_checked(end).unwrap_or((rest, b""));
    if authority.is_empty() || !is_authority(authority) || host.is_some_and(|host| host.as_bytes() != authority) {
        return Err(malformed("the target names another authority than Host"));
    }
    let root: &[u8] = if rest.first() == Some(&b'/') { b"" } else { b"/" };
    Ok(Some((authority, [root, rest].concat())))
}

/// The parts of an absolute form.
type Absolute<'a> = (&'a [u8], Vec<u8>);

/// Over every request, so the line ends are searched for many bytes at a time.
fn lines_end_in_crlf(raw: &[u8]) -> bool {
    memchr::memchr_iter(b'\n', raw).all(|end| end.checked_sub(1).and_then(|before| raw.get(before)) == Some(&b'\r'))
}

/// What stands between the method and the version.
fn target_of(raw: &[u8]) -> &[u8] {
    // Empty lines before the request line are allowed (RFC 9112, section 2.2).
    let raw = raw.trim_ascii_start();
    let line = raw.get(..memchr::memchr(b'\r', raw).unwrap_or(raw.len())).unwrap_or_default();
    let Some(method) = memchr::memchr(b' ', line) else { return line };
    let version = memchr::memrchr(b' ', line).unwrap_or(method);
    line.get(method.saturating_add(1)..version).unwrap_or_default()
}

/// Whether a line of the section has this field name.
fn names(raw: &[u8], name: &str) -> bool {
    raw.split(|byte| *byte == b'\n').any(|line| {
        line.split_at_checked(name.len()).is_some_and(|(start, rest)| same(start, name) && rest.first() == Some(&b':'))
    })
}

fn same(bytes: &[u8], text: &str) -> bool {
    bytes.eq_ignore_ascii_case(text.as_bytes())
}

fn malformed(why: &'static str) -> Denial {
    Denial::RequestMalformed { why }
}

/// None of them is a field that the gate reads or writes.
const CONNECTION_OPTIONS: [&[u8]; 5] = [b"close", b"keep-alive", b"upgrade", b"te", b"http2-settings"];

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests state what they need")]

    use super::*;

    /// The parsed fields that go with `raw`, as Pingora hands them out: without the length that it ignores.
    fn parsed(raw: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in raw.lines().skip(1).filter_map(|line| line.split_once(": ")) {
            headers.append(http::HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap());
        }
        if headers.contains_key(TRANSFER_ENCODING) {
            headers.remove(CONTENT_LENGTH);
        }
        headers
    }

    #[track_caller]
    fn check(raw: &str, well_formed: bool) {
        let headers = parsed(raw);
        let version = if raw.contains("HTTP/1.0") { Version::HTTP_10 } else { Version::HTTP_11 };
        let found = section(raw.as_bytes(), version, &headers).and_then(|()| fields(&headers));
        assert_eq!(found.is_ok(), well_formed, "{raw:?}: {found:?}");
    }

    #[test]
    fn ordinary_requests_are_well_formed() {
        check("GET /a?b=c HTTP/1.1\r\nHost: a\r\n\r\n", true);
        check("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", true);
        check("GET / HTTP/1.0\r\n\r\n", true);
        check("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n", true);
        check("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n", true);
        check("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nConnection: TE\r\n\r\n", true);
        check("GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive,, close\r\n\r\n", true);
        check("GET / HTTP/1.1\r\nHost: a\r\nX-Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", true);
    }

    #[test]
    fn bare_line_feed_is_refused() {
        check("GET / HTTP/1.1\nHost: a\r\n\r\n", false);
        check("GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n", false);
        check("GET / HTTP/1.1\r\nHost: a\r\n\n", false);
        check("\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", false);
    }

    #[test]
    fn target_with_fragment_or_strange_bytes_is_refused() {
        check("GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", false);
        check("GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", false);
        check("GET /a?b c HTTP/1.1\r\nHost: a\r\n\r\n", false);
        check("GET /a\tb HTTP/1.1\r\nHost: a\r\n\r\n", false);
        check("GET /ä HTTP/1.1\r\nHost: a\r\n\r\n", false);
    }

    #[test]
    fn framing_that_two_servers_could_read_differently_is_refused() {
        check("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", false);
        check("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\ncontent-length: 3\r\n\r\n", false);
        check("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\n", false);
        check("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3, 3\r\n\r\n", false);
        check("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +3\r\n\r\n", false);
        check("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\n", false);
        check("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", false);
        check("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n", false);
        check("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", false);
    }

    #[test]
    fn request_without_host_is_refused_on_http_1_1() {
        check("GET / HTTP/1.1\r\nX: a\r\n\r\n", false);
    }

    #[test]
    fn host_that_is_none_is_refused() {
        for host in ["a", "a.example.", "a_b:8443", "a:", "[::1]", "[::ffff:192.0.2.1]:80", "192.0.2.1:80", "", "1"] {
            check(&format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n"), true);
        }
        let others =
            ["a, b", "a,b", "a b", "a/b", "a?b", "a#b", "u@a", "\"", "<x>", "[::1", "::1", "a:123456", "a:80:90", "{}"];
        for host in others {
            check(&format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n"), false);
        }
    }

    #[test]
    fn connection_option_that_names_a_field_is_refused() {
        check("GET / HTTP/1.1\r\nHost: a\r\nConnection: close, Authorization\r\n\r\n", false);
        check("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nConnection: ssl.client.auth.cert.X509\r\n\r\n", false);
        check("GET / HTTP/1.1\r\nHost: a\r\nConnection: \"close\"\r\n\r\n", false);
        check("GET / HTTP/1.1\r\nHost: a\r\nConnection: close;x\r\n\r\n", false);
    }

    #[track_caller]
    fn form(target: &str, expected: Option<&str>) {
        let host = HeaderValue::from_static("api.example");
        let found = origin_form(target.as_bytes(), Some(&host)).ok();
        let found = found.map(|absolute| absolute.map_or_else(|| target.as_bytes().to_vec(), |(_, found)| found));
        assert_eq!(found.as_deref(), expected.map(str::as_bytes), "{target}");
    }

    #[test]
    fn absolute_form_becomes_origin_form() {
        form("/a/b?c", Some("/a/b?c"));
        form("http://api.example/a?b", Some("/a?b"));
        form("HTTPS://api.example/a", Some("/a"));
        form("http://api.example", Some("/"));
        form("http://api.example?a=b", Some("/?a=b"));
        form("http://api.example//a", Some("//a"));
    }

    #[test]
    fn absolute_form_of_another_authority_or_scheme_is_refused() {
        for other in [
            "http://other.example/a",
            "http://user@api.example/a",
            "http:///a",
            "http:/a",
            "ftp://api.example/a",
            "api.example:443",
            "*",
            "?a",
            "",
        ] {
            form(other, None);
        }
    }
}
