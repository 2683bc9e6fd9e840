//! Names of headers that the configuration may give a meaning.

use http::HeaderName;

use crate::config::{
    fault::Wrong,
    reading::{Placed, Reading},
};

/// Reads the name of a header that certbound takes out of requests.
pub(super) fn taken(reading: &Reading<'_>, name: &Placed<String>) -> Option<HeaderName> {
    reading.settle(&name.place, parse(&name.value, &[]))
}

/// Reads the name of a header that certbound takes out of requests and writes for the backend.
pub(super) fn written(reading: &Reading<'_>, name: &Placed<String>) -> Option<HeaderName> {
    reading.settle(&name.place, parse(&name.value, &[&OURS]))
}

/// Reads the name of a header by which the load balancer tells certbound something of its own.
pub(super) fn carrying(reading: &Reading<'_>, name: &Placed<String>) -> Option<HeaderName> {
    reading.settle(&name.place, parse(&name.value, &[&OURS, &THEIRS]))
}

/// The name as a backend might read it: lower case, `.` and `_` as `-`.
pub(super) fn folded(name: &HeaderName) -> String {
    name.as_str().replace(['.', '_'], "-")
}

fn parse(text: &str, more: &[&[&str]]) -> Result<HeaderName, Wrong> {
    // RFC 9110 has `$` in names, but nobody else has: it begins a variable of the balancer.
    let name = HeaderName::try_from(text).ok().filter(|_| !text.contains('$'));
    let wrong = || Wrong::new(format!("`{text}` is not a header name"), "write it as X-SSL-Client-Cert");
    let name = name.ok_or_else(wrong)?;
    // RFC 9110 has `*` in names too: whoever writes it means all that begin so.
    if text.contains('*') {
        return Err(Wrong::new(format!("`{text}` is no pattern: names stand for themselves here"), "write each name"));
    }
    let folded = folded(&name);
    let is_in = |names: &[&str]| names.contains(&folded.as_str());
    if is_in(&RESERVED) || more.iter().any(|names| is_in(names)) || folded.starts_with("content-") {
        let what = format!("`{text}` has a meaning of its own in HTTP or here");
        return Err(Wrong::new(what, "choose another name"));
    }
    Ok(name)
}

/// Folded. Taking one of these out of requests would break framing, routing, or the token.
const RESERVED: [&str; 15] = [
    "authorization",
    "connection",
    "dpop",
    "expect",
    "host",
    "http2-settings",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "trailers",
    "transfer-encoding",
    "upgrade",
];

/// Folded. certbound writes these itself, by rules that a template must not overrule.
const OURS: [&str; 6] =
    ["traceparent", "tracestate", "x-fapi-interaction-id", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto"];

/// Folded. Clients and browsers write these, and the API needs them.
const THEIRS: [&str; 9] =
    ["accept", "cookie", "forwarded", "origin", "range", "referer", "user-agent", "via", "x-forwarded-port"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_that_http_needs_is_refused_in_every_spelling() {
        let check = |text: &str, expected: bool| assert_eq!(parse(text, &[&OURS]).is_ok(), expected, "{text}");
        check("X-SSL-Client-Cert", true);
        check("ssl.client.auth.cert.X509", true);
        check("X-Client-Thumbprint", true);
        for text in ["", "X Client", "X:Client", "Ä", "Host", "AUTHORIZATION", "Content-Length", "content_type"] {
            check(text, false);
        }
        check("$ssl_client_escaped_cert", false);
        check("X-Corp-*", false);
        check("*", false);
        check("Transfer.Encoding", false);
        check("X_Forwarded_For", false);
    }

    #[test]
    fn name_that_requests_have_a_use_for_carries_nothing_of_the_balancer() {
        let check = |text: &str, expected: bool| assert_eq!(parse(text, &[&OURS, &THEIRS]).is_ok(), expected, "{text}");
        check("X-Forwarded-Client-Cert", true);
        check("X-LB-Auth", true);
        for text in ["Cookie", "x_forwarded_for", "x-fapi-interaction-id", "DPoP", "User-Agent", "traceparent", "Host"]
        {
            check(text, false);
        }
        assert!(parse("Cookie", &[]).is_ok(), "who wants none at the backend may have them taken out");
    }
}
