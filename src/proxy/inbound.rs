//! A request arrives: identity headers are taken out, limits and the rules of framing are held.

use std::borrow::Cow;

use http::{
    HeaderName, HeaderValue, Version,
    header::{HOST, UPGRADE},
};
use pingora::{http::RequestHeader, proxy::Session};

use crate::{
    denial::Denial,
    headers::{Asserted, HeaderFields, IdentityHeaders},
    proxy::framing,
    route::{RequestPath, Route},
};

/// Pingora's request header, so that identity headers can be taken out of it.
struct RequestFields<'a>(&'a mut RequestHeader);

impl HeaderFields for RequestFields<'_> {
    fn names(&self) -> impl Iterator<Item = &HeaderName> {
        self.0.headers.keys()
    }

    fn remove(&mut self, name: &HeaderName) -> Vec<HeaderValue> {
        let values = self.0.headers.get_all(name).iter().cloned().collect();
        // Through Pingora, which keeps a second map of the names as they were spelled.
        self.0.remove_header(name);
        values
    }
}

/// A request as it arrived: what it said about identity, and whether it is well formed.
pub(super) struct Arrival {
    /// Taken out of the request, whatever becomes of it.
    pub(super) asserted: Asserted,
    /// The first rule of form that the request breaks.
    pub(super) form: Result<(), Denial>,
}

/// Takes the identity headers out and holds the request to limits and form. Afterwards its target is in origin-form.
///
/// Request trailers need no stripping: Pingora forwards none.
pub(super) fn arrive(session: &mut Session, identity: &IdentityHeaders, max_header_bytes: usize) -> Arrival {
    let size = size(session);
    let asserted = Asserted::take(identity, &mut RequestFields(session.req_header_mut()));
    let form = size
        .within(max_header_bytes)
        .and_then(|()| well_formed(session))
        .and_then(|()| into_origin_form(session.req_header_mut()));
    Arrival { asserted, form }
}

/// The path that is forwarded, if it can be read in one way only.
///
/// # Errors
/// `path_ambiguous`, `request_malformed`.
pub(super) fn path(request: &RequestHeader) -> Result<RequestPath<'_>, Denial> {
    let target = request.raw_path();
    let end = target.iter().position(|byte| *byte == b'?').unwrap_or(target.len());
    RequestPath::parse(target.get(..end).unwrap_or_default())
}

/// Drops `Upgrade`, unless it asks for a WebSocket on a route that allows it: the request then goes on plainly.
pub(super) fn without_upgrade(request: &mut RequestHeader, route: Option<&Route>) {
    let allowed = route.is_some_and(|route| route.websocket);
    if let Some(protocol) = request.headers.get(UPGRADE) {
        if !(allowed && protocol.as_bytes().eq_ignore_ascii_case(b"websocket")) {
            request.remove_header(&UPGRADE);
        }
    }
}

/// How much there is to read before the body.
struct Size {
    bytes: usize,
    fields: usize,
}

impl Size {
    fn within(&self, max_header_bytes: usize) -> Result<(), Denial> {
        if self.bytes > max_header_bytes {
            return Err(Denial::HeaderTooLarge { what: "the header section is over max_header_bytes" });
        }
        if self.fields > MAX_FIELDS {
            return Err(Denial::HeaderTooLarge { what: "there are more than 256 header lines" });
        }
        Ok(())
    }
}

/// Of the bytes as they came on HTTP/1; of the fields as RFC 9113, section 6.5.2 counts them on HTTP/2.
fn size(session: &Session) -> Size {
    let request = session.req_header();
    let fields = request.headers.len();
    let bytes = match session.as_http1() {
        Some(http1) => http1.get_headers_raw_bytes().len(),
        None => {
            let lines = request.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + FIELD_OVERHEAD);
            lines.sum::<usize>() + request.raw_path().len() + request.method.as_str().len()
        }
    };
    Size { bytes, fields }
}

fn well_formed(session: &Session) -> Result<(), Denial> {
    let request = session.req_header();
    if let Some(http1) = session.as_http1() {
        framing::section(&http1.get_headers_raw_bytes(), request.version, &request.headers)?;
    }
    framing::fields(&request.headers)
}

/// Backends take the absolute form for granted only from clients of a proxy, and some route on its authority.
fn into_origin_form(request: &mut RequestHeader) -> Result<(), Denial> {
    // On HTTP/2 the authority is no part of the path.
    let host = if request.version == Version::HTTP_2 { None } else { request.headers.get(HOST) };
    let target = match framing::origin_form(request.raw_path(), host)? {
        Cow::Borrowed(target) if target.len() == request.raw_path().len() => return Ok(()),
        target => target.into_owned(),
    };
    request.set_raw_path(&target).map_err(|_| Denial::RequestMalformed { why: "the target cannot be read" })
}

/// Pingora's parser for HTTP/1 stops there too.
const MAX_FIELDS: usize = 256;
const FIELD_OVERHEAD: usize = 32;
