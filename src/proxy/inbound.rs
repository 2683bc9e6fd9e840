//! A request arrives: identity headers are taken out, limits and the rules of framing are held.

use http::{
    HeaderName, HeaderValue, Method, Version,
    header::{EXPECT, HOST, UPGRADE},
};
use pingora::{http::RequestHeader, proxy::Session};

use crate::{
    denial::Denial,
    headers::{Asserted, HeaderFields, IdentityHeaders},
    proxy::{framing, listen, request_line::RequestLine},
    route::{METHODS, RequestPath},
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
pub struct Arrival {
    /// Taken out of the request, whatever becomes of it.
    pub asserted: Asserted,
    /// The first rule of form that the request breaks.
    pub form: Result<(), Denial>,
}

/// Takes the identity headers out and holds the request to limits and form. Afterwards its target is in origin-form.
///
/// Request trailers need no stripping: Pingora forwards none.
pub fn arrive(session: &mut Session, identity: &IdentityHeaders, max_header_bytes: usize) -> Arrival {
    let size = size(session);
    // The listener has cut a section that is too long, and whatever was behind it; and of several lines of `Connection`,
    // Pingora looks at the first.
    if size.bytes > max_header_bytes || framing::is_last(&session.req_header().headers) {
        session.set_keepalive(None);
    }
    let asserted = Asserted::take(identity, &mut RequestFields(session.req_header_mut()));
    hold_interim_answers(session);
    let form = size
        .within(max_header_bytes)
        .and_then(|()| no_tunnel(session.req_header()))
        .and_then(|()| well_formed(session))
        .and_then(|()| into_origin_form(session.req_header_mut()));
    Arrival { asserted, form }
}

/// On HTTP/1.0 nobody knows an answer that only announces another (RFC 9110, section 15.2): it would be taken for the
/// answer itself, and the answer for that to the next request.
fn hold_interim_answers(session: &mut Session) {
    if session.req_header().version == Version::HTTP_10 {
        session.req_header_mut().remove_header(&EXPECT);
        session.as_downstream_mut().set_ignore_info_resp(true);
    }
}

/// The path that is forwarded, if it can be read in one way only.
///
/// # Errors
/// `path_ambiguous`, `request_malformed`.
pub fn path(request: &RequestHeader) -> Result<RequestPath<'_>, Denial> {
    let target = request.raw_path();
    let end = target.iter().position(|byte| *byte == b'?').unwrap_or(target.len());
    RequestPath::parse(target.get(..end).unwrap_or_default())
}

/// `:authority`, or `Host`.
pub(super) fn authority(request: &RequestHeader) -> Option<&str> {
    let host = || request.headers.get(HOST).and_then(|host| host.to_str().ok());
    request.uri.authority().map(http::uri::Authority::as_str).or_else(host)
}

/// Drops `Upgrade`, unless it asks for a WebSocket on a route that allows it, by GET (RFC 6455, section 4.1), and the hop
/// before asks for one too (RFC 9110, section 7.8): the request then goes on plainly.
pub(super) fn without_upgrade(request: &mut RequestHeader, allowed: bool) {
    let Some(protocol) = request.headers.get(UPGRADE) else { return };
    let allowed = allowed && request.method == Method::GET;
    if !(allowed && protocol.as_bytes().eq_ignore_ascii_case(b"websocket") && framing::is_upgrade(&request.headers)) {
        request.remove_header(&UPGRADE);
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

/// The target of CONNECT is no path, so no route could refuse it.
fn no_tunnel(request: &RequestHeader) -> Result<(), Denial> {
    if request.method == Method::CONNECT {
        let allow = METHODS.each_ref().map(Method::as_str).join(", ").into();
        return Err(Denial::MethodNotAllowed { allow });
    }
    Ok(())
}

fn well_formed(session: &Session) -> Result<(), Denial> {
    let request = session.req_header();
    if listen::request_line_of(session).is_some_and(RequestLine::was_repaired) {
        return Err(Denial::RequestMalformed { why: "the target holds a byte that no target may hold" });
    }
    match session.as_http1() {
        Some(http1) => framing::section(&http1.get_headers_raw_bytes(), request.version, &request.headers)?,
        None => framing::target(request.raw_path())?,
    }
    if request.uri.authority().is_some_and(|authority| !framing::is_authority(authority.as_str().as_bytes())) {
        return Err(Denial::RequestMalformed { why: "the authority is no host with a port" });
    }
    framing::fields(&request.headers)
}

/// Backends take the absolute form for granted only from clients of a proxy, and some route on its authority.
fn into_origin_form(request: &mut RequestHeader) -> Result<(), Denial> {
    // On HTTP/2 the authority is no part of the path.
    let host = if request.version == Version::HTTP_2 { None } else { request.headers.get(HOST) };
    let Some((authority, target)) = framing::origin_form(request.raw_path(), host)? else { return Ok(()) };
    let authority = HeaderValue::from_bytes(authority).map_err(|_| UNREADABLE)?;
    request.set_raw_path(&target).map_err(|_| UNREADABLE)?;
    if !request.headers.contains_key(HOST) {
        request.insert_header(HOST, authority).map_err(|_| UNREADABLE)?;
    }
    Ok(())
}

const UNREADABLE: Denial = Denial::RequestMalformed { why: "the target cannot be read" };

/// Pingora's parser for HTTP/1 stops there too.
const MAX_FIELDS: usize = 256;
const FIELD_OVERHEAD: usize = 32;

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests state what they need")]

    use http::header::CONNECTION;
    use tokio::io::AsyncWriteExt;

    use super::*;

    /// A session whose request Pingora has read.
    async fn arrived(sent: &str) -> Session {
        let (mut client, server) = tokio::io::duplex(sent.len().max(1));
        client.write_all(sent.as_bytes()).await.unwrap();
        let mut session = Session::new_h1(Box::new(server));
        session.as_downstream_mut().read_request().await.unwrap();
        session
    }

    #[tokio::test]
    async fn size_counts_the_request_line_and_every_byte_after_it() {
        let sent = "GET /a HTTP/1.1\r\nHost: a\r\nX-Client-Cert: b\r\n\r\n";
        let size = size(&arrived(sent).await);
        assert_eq!((size.bytes, size.fields), (sent.len(), 2));
        assert!(size.within(sent.len()).is_ok());
        assert!(matches!(size.within(sent.len() - 1), Err(Denial::HeaderTooLarge { .. })));
    }

    #[tokio::test]
    async fn what_pingora_repairs_is_seen_all_the_same() {
        for sent in [
            "GET / HTTP/1.1\nHost: a\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n",
            "GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET / HTTP/1.1\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: authorization\r\n\r\n",
        ] {
            let found = well_formed(&arrived(sent).await);
            assert!(matches!(found, Err(Denial::RequestMalformed { .. })), "{sent:?}: {found:?}");
        }
        assert_eq!(well_formed(&arrived("GET /a?b HTTP/1.1\r\nHost: a\r\n\r\n").await), Ok(()));
    }

    #[tokio::test]
    async fn absolute_form_is_forwarded_in_origin_form() {
        let mut session = arrived("GET http://a/b?c HTTP/1.1\r\nHost: a\r\n\r\n").await;
        into_origin_form(session.req_header_mut()).unwrap();
        assert_eq!(session.req_header().raw_path(), b"/b?c");
        assert_eq!(session.req_header().uri.path(), "/b");
    }

    #[test]
    fn taking_a_field_out_takes_every_value_and_spelling() {
        let mut request = RequestHeader::build("GET", b"/", None).unwrap();
        for (name, value) in [("X-A", "1"), ("x-a", "2"), ("X-B", "3")] {
            request.append_header(name, value).unwrap();
        }
        let mut fields = RequestFields(&mut request);
        assert_eq!(fields.names().count(), 2);
        assert_eq!(fields.remove(&HeaderName::from_static("x-a")), ["1", "2"]);
        let mut wire = Vec::new();
        request.header_to_h1_wire(&mut wire);
        assert_eq!(wire, b"X-B: 3\r\n");
    }

    #[test]
    fn tunnel_is_refused_before_its_target_is_read() {
        let request = RequestHeader::build("CONNECT", b"a:443", None).unwrap();
        assert_eq!(no_tunnel(&request).map_err(|denial| denial.code()), Err("method_not_allowed"));
    }

    #[test]
    fn upgrade_is_dropped_where_no_route_or_no_hop_allows_it() {
        for (allowed, method, connection, passes) in [
            (false, "GET", "upgrade", false),
            (true, "GET", "keep-alive", false),
            (true, "POST", "upgrade", false),
            (true, "GET", "keep-alive, Upgrade", true),
        ] {
            let mut request = RequestHeader::build(method, b"/", None).unwrap();
            request.insert_header(UPGRADE, "websocket").unwrap();
            request.insert_header(CONNECTION, connection).unwrap();
            without_upgrade(&mut request, allowed);
            assert_eq!(request.headers.contains_key(UPGRADE), passes, "{method} {connection}");
        }
    }
}
