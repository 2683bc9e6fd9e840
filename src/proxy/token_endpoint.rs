//! An exchange with the backend that is made whole: Pingora passes a header section on before the body is there, too early
//! for who wants to look at the body.

use bytes::{Bytes, BytesMut};
use http::{
    HeaderName, HeaderValue, Method, StatusCode, Version,
    header::{
        ACCEPT_ENCODING, CONNECTION, CONTENT_LENGTH, EXPECT, HOST, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE,
        TRAILER, TRANSFER_ENCODING, UPGRADE,
    },
};
use pingora::{
    Error, ErrorType,
    connectors::{ConnectorOptions, http::Connector},
    http::{RequestHeader, ResponseHeader},
    protocols::http::client::HttpSession,
    server::configuration::ServerConf,
};

use crate::proxy::backend::{self, BackendPeer, TOO_LARGE};

/// Asks the backend, on a connection of its own each time: an answer that does not come is never asked for twice, since
/// the backend may have issued it.
pub(super) struct TokenEndpoint {
    connector: Connector,
}

impl TokenEndpoint {
    pub(super) fn new(conf: &ServerConf) -> Self {
        Self { connector: Connector::new(Some(ConnectorOptions::from_server_conf(conf))) }
    }

    /// The answer as the backend gives it, but with a length in the place of other framing. What belongs to the connection
    /// with it stays, for whoever passes the answer on.
    ///
    /// # Errors
    /// The backend cannot be reached, does not answer in time, or answers with more than 64 KiB.
    pub(super) async fn ask(
        &self,
        peer: &BackendPeer,
        request: RequestHeader,
        body: Bytes,
    ) -> pingora::Result<(ResponseHeader, Bytes)> {
        let bodiless = request.method == Method::HEAD;
        let mut session = peer.connect(&self.connector).await?;
        session.write_request_header(Box::new(request)).await?;
        if !body.is_empty() {
            session.write_request_body(body, true).await?;
        }
        session.finish_request_body().await?;
        let mut head = backend::final_header(&mut session).await?;
        let body = if bodiless { Bytes::new() } else { whole_body(&mut session).await? };
        session.shutdown().await;
        // Pingora writes no other version to clients of HTTP/1.
        head.set_version(Version::HTTP_11);
        head.remove_header(&TRANSFER_ENCODING);
        if !bodiless && !matches!(head.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED) {
            head.insert_header(CONTENT_LENGTH, HeaderValue::from(body.len()))?;
        }
        Ok((head, body))
    }
}

/// The request as it is to go out, without what certbound adds: Pingora's part elsewhere.
///
/// The fields that `Connection` may name are among those that are taken out; a request that names another was refused.
/// Compressed, a token could not be seen, and a server that is asked for nothing may compress.
///
/// # Errors
/// A header that Pingora cannot hold.
pub(super) fn request(received: &RequestHeader, body: &Bytes) -> pingora::Result<RequestHeader> {
    let mut request = received.clone();
    request.set_version(Version::HTTP_11);
    for name in OF_THE_CONNECTION.iter().chain([&EXPECT, &CONTENT_LENGTH]) {
        request.remove_header(name);
    }
    request.insert_header(ACCEPT_ENCODING, HeaderValue::from_static("identity"))?;
    let authority = received.uri.authority().and_then(|authority| HeaderValue::from_str(authority.as_str()).ok());
    if let Some(authority) = authority {
        request.insert_header(HOST, authority)?;
    }
    if !body.is_empty() || received.method == Method::POST {
        request.insert_header(CONTENT_LENGTH, HeaderValue::from(body.len()))?;
    }
    Ok(request)
}

async fn whole_body(session: &mut HttpSession) -> pingora::Result<Bytes> {
    let mut body = BytesMut::new();
    while let Some(more) = session.read_response_body().await? {
        if body.len() + more.len() > MOST_BYTES {
            return Err(Error::explain(ErrorType::InternalError, TOO_LARGE).into_up());
        }
        body.extend_from_slice(&more);
    }
    Ok(body.freeze())
}

/// RFC 9110, section 7.6.1, and what older servers take for such.
const OF_THE_CONNECTION: [HeaderName; 10] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    HeaderName::from_static("http2-settings"),
    PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];
/// In bytes, of an answer. Tokens are a few KiB.
const MOST_BYTES: usize = 64 * 1024;
