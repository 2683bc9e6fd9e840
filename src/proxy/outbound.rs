//! A permitted request goes to the backend: only the identity headers that certbound writes go with it.

use std::{fmt::Write as _, ops::RangeInclusive};

use http::{
    HeaderName, HeaderValue, Uri,
    header::{AUTHORIZATION, COOKIE, HOST},
    uri::Scheme,
};
use pingora::{ErrorType::InvalidHTTPHeader, OrErr, http::RequestHeader};

use crate::{
    certificate::qualified::Role,
    config::settings::{Backend, CertificateHeaders, HeaderTemplate, Part, Placeholder},
    consent::Consent,
    gate::Findings,
    headers::is_spelling,
    peer::Connection,
    route::Kind,
};

/// What is written into a request on its way out.
pub(super) struct Outgoing<'a> {
    /// The names and templates.
    pub(super) backend: &'a Backend,
    /// What was proven; only this is written.
    pub(super) findings: &'a Findings,
    /// What the request came on.
    pub(super) connection: &'a Connection,
    /// Whether a load balancer's word about the client's address, scheme, and host is taken.
    pub(super) vouched: bool,
    /// Whether the request came to certbound by TLS.
    pub(super) tls: bool,
}

impl Outgoing<'_> {
    /// Writes into `request`, from which Pingora has already removed what belongs to the client's connection.
    ///
    /// This must not happen earlier: a client could have a header removed that was there when Pingora read `Connection`.
    ///
    /// # Errors
    /// A header that Pingora cannot hold.
    pub(super) fn write(&self, request: &mut RequestHeader) -> pingora::Result<()> {
        if let Some(names) = &self.backend.certificate {
            self.write_certificate(names, request)?;
        }
        for (name, template) in &self.backend.headers {
            if let Some(value) = fill(template, self.findings) {
                request.insert_header(name, value)?;
            }
        }
        if let Some(information) = self.findings.consent.as_ref().and_then(Consent::information) {
            request.insert_header(&Consent::INFORMATION, information.clone())?;
        }
        if !self.backend.forward_authorization && !self.is_for_issuer() {
            request.remove_header(&AUTHORIZATION);
        }
        join_cookies(request)?;
        self.name_scheme(request)?;
        self.write_origin(request)?;
        self.name_host(request)
    }

    /// HTTP/1.0 may leave `Host` out, and 1.1 empty, but the request goes on in a version that wants one (RFC 9112, section
    /// 3.2).
    fn name_host(&self, request: &mut RequestHeader) -> pingora::Result<()> {
        let named = request.headers.get(HOST).is_some_and(|host| !host.is_empty());
        if named || request.uri.authority().is_some() {
            return Ok(());
        }
        request.insert_header(HOST, self.backend.address.authority())
    }

    /// `:scheme` is what is spoken to the backend, whatever the client says.
    fn name_scheme(&self, request: &mut RequestHeader) -> pingora::Result<()> {
        let spoken = if self.backend.tls.is_some() { Scheme::HTTPS } else { Scheme::HTTP };
        if !self.backend.http2 || request.uri.scheme().is_none_or(|told| *told == spoken) {
            return Ok(());
        }
        let mut parts = request.uri.clone().into_parts();
        parts.scheme = Some(spoken);
        request.set_uri(Uri::from_parts(parts).or_err(InvalidHTTPHeader, ":scheme")?);
        Ok(())
    }

    /// Where `Authorization` is for the authorization server: how a client says who it is, or that it may register or manage
    /// what it registered (RFC 7591, section 3; RFC 7592, section 2).
    fn is_for_issuer(&self) -> bool {
        self.findings.route.as_ref().is_some_and(|(_, route)| !matches!(route.kind, Kind::Api))
    }

    fn write_certificate(&self, names: &CertificateHeaders, request: &mut RequestHeader) -> pingora::Result<()> {
        let Some(written) = self.findings.certificate.as_ref().and_then(|certificate| certificate.written()) else {
            return Ok(());
        };
        request.insert_header(&names.certificate, written.leaf.clone())?;
        if let (Some(name), Some(chain)) = (&names.chain, &written.chain) {
            request.insert_header(name, chain.clone())?;
        }
        Ok(())
    }

    /// `X-Forwarded-For`, `-Proto`, and `-Host`: the load balancer's, or what certbound itself saw.
    fn write_origin(&self, request: &mut RequestHeader) -> pingora::Result<()> {
        forget_origin(request, self.vouched);
        if self.vouched {
            if !request.headers.contains_key(FORWARDED_PROTO) {
                // A load balancer ends mutual TLS, so https is what clients call, however it speaks to certbound.
                request.insert_header(FORWARDED_PROTO, HeaderValue::from_static("https"))?;
            }
            return Ok(());
        }
        let authority = request.uri.authority().and_then(|authority| HeaderValue::from_str(authority.as_str()).ok());
        if let Some(host) = request.headers.get(HOST).cloned().or(authority) {
            request.insert_header(FORWARDED_HOST, host)?;
        }
        if let Some(peer) = self.connection.proxied.or(self.connection.peer) {
            request.insert_header(FORWARDED_FOR, peer.to_string())?;
        }
        request.insert_header(FORWARDED_PROTO, HeaderValue::from_static(if self.tls { "https" } else { "http" }))
    }
}

/// One field, as HTTP/1 wants it: HTTP/2 may bring each cookie in one of its own (RFC 9113, section 8.2.3).
fn join_cookies(request: &mut RequestHeader) -> pingora::Result<()> {
    let mut cookies = request.headers.get_all(COOKIE).iter();
    if cookies.nth(1).is_none() {
        return Ok(());
    }
    let cookies: Vec<_> = request.headers.get_all(COOKIE).iter().map(HeaderValue::as_bytes).collect();
    let joined = HeaderValue::from_bytes(&cookies.join(&b"; "[..]));
    request.insert_header(COOKIE, joined.or_err(InvalidHTTPHeader, "Cookie")?)
}

/// Removes a stranger's word about its origin, under every spelling that a backend may fold into one name. A load balancer
/// `vouched` for no spelling but its own: it passes others on.
fn forget_origin(request: &mut RequestHeader, vouched: bool) {
    let is_origin = |name: &&HeaderName| {
        // Nearly all are of another length.
        LENGTHS.contains(&name.as_str().len())
            && !(vouched && ORIGIN.contains(name))
            && ORIGIN.iter().any(|origin| is_spelling(name, origin))
    };
    let spelled: Vec<HeaderName> = request.headers.keys().filter(is_origin).cloned().collect();
    for name in &spelled {
        request.remove_header(name);
    }
}

/// The header's value; none when a placeholder has no value, or one that a header cannot carry unchanged.
///
/// Escaping would make two subjects look alike to a backend that does not unescape, so such a header is left out.
fn fill(template: &HeaderTemplate, findings: &Findings) -> Option<HeaderValue> {
    let mut text = String::new();
    for part in &template.0 {
        match part {
            Part::Text(literal) => text.push_str(literal),
            Part::Placeholder(placeholder) => append(*placeholder, findings, &mut text)?,
        }
    }
    HeaderValue::try_from(text).ok()
}

/// Appends the placeholder's value to `text`.
fn append(placeholder: Placeholder, findings: &Findings, text: &mut String) -> Option<()> {
    let certificate = findings.certificate.as_ref();
    let claims = findings.token.as_ref().map(|token| token.claims());
    let value = match placeholder {
        Placeholder::CertificateThumbprint => return write!(text, "{}", certificate?.thumbprint()).ok(),
        Placeholder::CertificateSubject => certificate?.subject(),
        Placeholder::CertificateSerial => certificate?.serial(),
        Placeholder::CertificateOrganizationIdentifier => certificate?.organization_identifier()?,
        Placeholder::TokenClientId => claims?.client_id()?,
        Placeholder::TokenSubject => claims?.subject()?,
        Placeholder::TokenScope => &findings.token.as_ref()?.scope()?,
        Placeholder::TokenIssuer => findings.token.as_ref()?.issuer()?,
        Placeholder::CertificateRoles => {
            let roles: Vec<_> = certificate?.qualification().roles().map(Role::name).collect();
            return (!roles.is_empty()).then(|| text.push_str(&roles.join(" ")));
        }
        Placeholder::ConsentId => findings.consent.as_ref()?.id(),
    };
    is_plain(value).then(|| text.push_str(value))
}

/// Printable ASCII that a recipient does not trim: it can neither end a line nor change on the way.
fn is_plain(value: &str) -> bool {
    !value.is_empty() && value.trim() == value && value.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic())
}

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const ORIGIN: [HeaderName; 3] = [FORWARDED_FOR, FORWARDED_PROTO, FORWARDED_HOST];
/// Of those, in bytes.
const LENGTHS: RangeInclusive<usize> = 15..=17;

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests state what they need")]

    use std::time::Duration;

    use super::*;

    fn backend() -> Backend {
        Backend {
            address: "127.0.0.1:1".into(),
            tls: None,
            http2: false,
            connect_timeout: Duration::from_secs(1),
            response_timeout: Duration::from_secs(1),
            max_body_bytes: 0,
            certificate: None,
            forward_authorization: true,
            headers: Vec::new(),
            health: None,
        }
    }

    /// What a request gets that names no host.
    const NAMED: &str = "host: 127.0.0.1:1";

    /// Writes into a request with the headers `sent`, and lists what the backend gets, in alphabetical order, but for
    /// [`NAMED`].
    fn written(backend: &Backend, vouched: bool, sent: &[(&'static str, &str)]) -> Vec<String> {
        let mut request = RequestHeader::build("GET", b"/", None).unwrap();
        for (name, value) in sent {
            request.append_header(*name, *value).unwrap();
        }
        let connection = Connection::from(Some([192, 0, 2, 1].into()));
        let findings = Findings::default();
        Outgoing { backend, findings: &findings, connection: &connection, vouched, tls: false }
            .write(&mut request)
            .unwrap();
        let line = |(name, value): (&HeaderName, &HeaderValue)| format!("{name}: {}", value.to_str().unwrap());
        let mut lines: Vec<_> = request.headers.iter().map(line).filter(|line| *line != NAMED).collect();
        lines.sort();
        lines
    }

    #[test]
    fn origin_that_a_load_balancer_vouches_for_is_kept() {
        let sent = [("x-forwarded-for", "198.51.100.7"), ("x-forwarded-proto", "http"), ("x-forwarded-host", "a")];
        let kept = ["x-forwarded-for: 198.51.100.7", "x-forwarded-host: a", "x-forwarded-proto: http"];
        assert_eq!(written(&backend(), true, &sent), kept);
        let passed_on = [("x_forwarded_for", "203.0.113.5"), ("x_forwarded_proto", "http"), ("X-Forwarded.Host", "b")];
        assert_eq!(written(&backend(), true, &[sent, passed_on].concat()), kept, "a client's own spellings");
        assert_eq!(written(&backend(), true, &passed_on), ["x-forwarded-proto: https"]);
    }

    #[test]
    fn scheme_that_a_load_balancer_leaves_out_is_added() {
        assert_eq!(written(&backend(), true, &[]), ["x-forwarded-proto: https"]);
    }

    #[test]
    fn origin_that_a_stranger_claims_is_replaced_in_every_spelling() {
        let sent = [
            ("host", "api.example"),
            ("x-forwarded-for", "198.51.100.7"),
            ("x-forwarded-for", "198.51.100.8"),
            ("X_Forwarded.For", "198.51.100.9"),
            ("x_forwarded_proto", "https"),
            ("X-Forwarded-Host", "bank.example"),
            ("x-forwarded-port", "1"),
        ];
        let replaced = [
            "host: api.example",
            "x-forwarded-for: 192.0.2.1",
            "x-forwarded-host: api.example",
            "x-forwarded-port: 1",
            "x-forwarded-proto: http",
        ];
        assert_eq!(written(&backend(), false, &sent), replaced);
    }

    #[test]
    fn authorization_goes_along_only_where_it_may() {
        let sent = [("authorization", "Bearer a"), ("x-forwarded-proto", "https")];
        assert_eq!(written(&backend(), true, &sent), ["authorization: Bearer a", "x-forwarded-proto: https"]);
        let silent = Backend { forward_authorization: false, ..backend() };
        assert_eq!(written(&silent, true, &sent), ["x-forwarded-proto: https"]);
    }

    #[test]
    fn header_whose_placeholder_has_no_value_is_left_out() {
        let template = |parts| (HeaderName::from_static("x-client"), HeaderTemplate(parts));
        let text = || Part::Text("client ".into());
        let thumbprint = Part::Placeholder(Placeholder::CertificateThumbprint);
        let check = |parts, expected: &[&str]| {
            let backend = Backend { headers: vec![template(parts)], ..backend() };
            assert_eq!(written(&backend, true, &[]), expected);
        };
        check(vec![text()], &["x-client: client ", "x-forwarded-proto: https"]);
        check(vec![text(), thumbprint], &["x-forwarded-proto: https"]);
    }

    #[test]
    fn value_that_a_header_would_change_is_not_written() {
        for value in ["alice", "accounts payments", "CN=a\\0A,O=b", "%0a"] {
            assert!(is_plain(value), "{value:?}");
        }
        for value in ["", " alice", "alice ", "a\r\nb", "a\tb", "a\0", "ä"] {
            assert!(!is_plain(value), "{value:?}");
        }
    }
}
