//! A permitted request goes to the backend: only the identity headers that certbound writes go with it.

use std::fmt::Write as _;

use http::{
    HeaderName, HeaderValue,
    header::{AUTHORIZATION, HOST},
};
use pingora::http::RequestHeader;

use crate::{
    config::settings::{Backend, CertificateHeaders, HeaderTemplate, Part, Placeholder},
    gate::Findings,
    peer::Connection,
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
        if !self.backend.forward_authorization {
            request.remove_header(&AUTHORIZATION);
        }
        self.write_origin(request)
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
        let scheme = HeaderValue::from_static(if self.tls { "https" } else { "http" });
        if self.vouched {
            if !request.headers.contains_key(FORWARDED_PROTO) {
                request.insert_header(FORWARDED_PROTO, scheme)?;
            }
            return Ok(());
        }
        forget_origin(request);
        let authority = request.uri.authority().and_then(|authority| HeaderValue::from_str(authority.as_str()).ok());
        if let Some(host) = request.headers.get(HOST).cloned().or(authority) {
            request.insert_header(FORWARDED_HOST, host)?;
        }
        if let Some(peer) = self.connection.proxied.or(self.connection.peer) {
            request.insert_header(FORWARDED_FOR, peer.to_string())?;
        }
        request.insert_header(FORWARDED_PROTO, scheme)
    }
}

/// Removes a stranger's word about its origin, under every spelling that a backend may fold into one name.
fn forget_origin(request: &mut RequestHeader) {
    let folded = |name: &HeaderName| {
        ORIGIN.iter().any(|origin| {
            let (name, origin) = (name.as_str().bytes(), origin.as_str().bytes());
            name.map(|byte| if matches!(byte, b'.' | b'_') { b'-' } else { byte }).eq(origin)
        })
    };
    let spelled: Vec<HeaderName> = request.headers.keys().filter(|name| folded(name)).cloned().collect();
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
        Placeholder::TokenScope => claims?.scope()?,
        Placeholder::TokenIssuer => claims?.issuer()?,
        Placeholder::CertificateRoles | Placeholder::ConsentId => return None,
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
