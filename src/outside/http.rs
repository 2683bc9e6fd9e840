//! One outgoing request: GET or POST, bounded in size and time, no redirects.

use std::{
    error::Error,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, Request, StatusCode, Uri,
    header::{ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, USER_AGENT},
    request,
};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::Client,
    rt::{TokioExecutor, TokioIo, TokioTimer},
};
use rustls::{ClientConfig, ConfigBuilder, RootCertStore, client::WantsClientCert};
use rustls_pki_types::CertificateDer;
use tokio::net::TcpStream;
use tower_service::Service;

use crate::{
    config::settings::OwnCertificate,
    outside::{address::AddressRules, dial::dial_host_of},
};

/// Fetches documents over http and https. One for each issuer, because each may have authorities of its own.
///
/// Follows no redirect, sends no credentials but those it is given, and takes no proxy from the environment. Unless it is a
/// [`Self::guarded`] one, it does not check whether an address is one that should be fetched: it comes from the
/// configuration or from what the configuration names.
#[derive(Debug)]
pub struct Fetcher {
    client: Client<HttpsConnector<Connector>, Full<Bytes>>,
    timeout: Duration,
}

/// Why a document was not fetched. Names no address, because an address may hold credentials.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The authorities for https cannot be used.
    #[error("the authorities for https cannot be used: {0}")]
    Authorities(#[source] rustls::Error),
    /// The certificate to be shown cannot be used.
    #[error("the own certificate for https cannot be used: {0}")]
    Identity(#[source] rustls::Error),
    /// The address is no http or https address, or a header is none.
    #[error("the request cannot be made: {0}")]
    Request(#[source] http::Error),
    /// No connection, no TLS, or no answer in HTTP. The reasons, the outermost first.
    #[error("no answer: {0}")]
    NoAnswer(String),
    /// The connection ended before the answer began. The reasons, the outermost first.
    #[error("the connection ended before the answer: {0}")]
    Closed(String),
    /// Anything but 200: a redirect, for example, or a page of excuses.
    #[error("the answer has status {}, only 200 counts", .0.as_u16())]
    Status(StatusCode),
    /// Compressed, or the like, though that is not what was asked for.
    #[error("the answer is coded (`Content-Encoding`), and only `identity` was asked for")]
    Coded,
    /// More than was asked for.
    #[error("the answer is larger than {most} bytes")]
    TooLarge {
        /// What was asked for, in bytes.
        most: usize,
    },
    /// No whole answer in time.
    #[error("no whole answer within {0:?}")]
    TimedOut(Duration),
}

impl Fetcher {
    /// `authorities`: whom https is believed from, none for the public web roots. `timeout`: for one whole request, name
    /// resolution and handshake included.
    ///
    /// # Errors
    /// [`FetchError::Authorities`].
    pub fn new(authorities: Option<&[CertificateDer<'static>]>, timeout: Duration) -> Result<Self, FetchError> {
        // Requests are minutes apart: a kept connection would mostly be one that the other side has already closed.
        Ok(Self::through(Connector::Anywhere, client_config(authorities)?, timeout, 0))
    }

    /// One that keeps connections for the next request, for a service that is asked all the time, and shows `identity` where
    /// https asks for a certificate.
    ///
    /// A kept connection may have been closed just as it is used again: that is [`FetchError::Closed`], and asking once more
    /// is the caller's part.
    ///
    /// # Errors
    /// [`FetchError::Authorities`], [`FetchError::Identity`].
    pub fn keeping(
        authorities: Option<&[CertificateDer<'static>]>,
        identity: Option<&OwnCertificate>,
        timeout: Duration,
    ) -> Result<Self, FetchError> {
        let tls = trusting(authorities)?;
        let tls = match identity {
            None => tls.with_no_client_auth(),
            Some(OwnCertificate { chain, key, .. }) => {
                tls.with_client_auth_cert(chain.clone(), key.clone_key()).map_err(FetchError::Identity)?
            }
        };
        Ok(Self::through(Connector::Anywhere, tls, timeout, MOST_KEPT))
    }

    /// One for addresses that others chose: it connects only where `rules` allow, whatever it is asked for. `authorities`
    /// and `timeout` as in [`Self::new`].
    ///
    /// # Errors
    /// [`FetchError::Authorities`].
    pub fn guarded(
        rules: AddressRules,
        authorities: Option<&[CertificateDer<'static>]>,
        timeout: Duration,
    ) -> Result<Self, FetchError> {
        Ok(Self::through(Connector::Guarded(Arc::new(rules)), client_config(authorities)?, timeout, 0))
    }

    fn through(transport: Connector, tls: ClientConfig, timeout: Duration, kept: usize) -> Self {
        let connector = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1();
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(LONGEST_KEPT)
            .pool_max_idle_per_host(kept)
            .build(connector.wrap_connector(transport));
        Self { client, timeout }
    }

    /// The body of the answer, JSON or a key set by preference, at most `most` bytes. Its type is not looked at.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn get(&self, address: &Uri, most: usize) -> Result<Bytes, FetchError> {
        self.get_as(KEYS_OR_JSON, address, most).await
    }

    /// The body of the answer, by preference of the type `accepted`, at most `most` bytes. Its type is not looked at.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn get_as(&self, accepted: &'static str, address: &Uri, most: usize) -> Result<Bytes, FetchError> {
        self.send(Request::get(address).header(ACCEPT, accepted).body(Full::default()), most).await
    }

    /// The body of the answer to `question`, which is of the type `asked`, at most `most` bytes.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn post(
        &self,
        address: &Uri,
        asked: &'static str,
        question: Bytes,
        most: usize,
    ) -> Result<Bytes, FetchError> {
        self.send(Request::post(address).header(CONTENT_TYPE, asked).body(Full::new(question)), most).await
    }

    /// The body of the answer to `request`, at most `most` bytes. Its type is not looked at.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn ask(&self, request: request::Builder, body: Bytes, most: usize) -> Result<Bytes, FetchError> {
        self.send(request.body(Full::new(body)), most).await
    }

    async fn send(&self, request: http::Result<Request<Full<Bytes>>>, most: usize) -> Result<Bytes, FetchError> {
        let mut request = request.map_err(FetchError::Request)?;
        request.headers_mut().insert(USER_AGENT, HeaderValue::from_static(AGENT));
        // Without it any coding would do (RFC 9110, section 12.5.3).
        request.headers_mut().insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        tokio::time::timeout(self.timeout, self.exchange(request, most))
            .await
            .unwrap_or(Err(FetchError::TimedOut(self.timeout)))
    }

    async fn exchange(&self, request: Request<Full<Bytes>>, most: usize) -> Result<Bytes, FetchError> {
        let answer = self.client.request(request).await.map_err(|error| match ended(&error) {
            true => FetchError::Closed(reasons(&error)),
            false => FetchError::NoAnswer(reasons(&error)),
        })?;
        if answer.status() != StatusCode::OK {
            return Err(FetchError::Status(answer.status()));
        }
        if codings(answer.headers()).any(|coding| COMPRESSED.iter().any(|name| coding.eq_ignore_ascii_case(name))) {
            return Err(FetchError::Coded);
        }
        let body = Limited::new(answer.into_body(), most).collect().await;
        body.map(http_body_util::Collected::to_bytes).map_err(|error| {
            if error.is::<LengthLimitError>() {
                FetchError::TooLarge { most }
            } else {
                FetchError::NoAnswer(reasons(error.as_ref()))
            }
        })
    }
}

/// Opens the TCP connection.
#[derive(Clone, Debug)]
pub(super) enum Connector {
    /// To wherever a name leads.
    Anywhere,
    /// Where the rules allow.
    Guarded(Arc<AddressRules>),
}

impl Service<Uri> for Connector {
    type Response = TokioIo<TcpStream>;
    type Error = Box<dyn Error + Send + Sync>;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, address: Uri) -> Self::Future {
        let connector = self.clone();
        Box::pin(async move {
            let stream = match connector {
                Self::Anywhere => dial_host_of(&address).await?,
                Self::Guarded(rules) => rules.connect(&address).await?,
            };
            Ok(TokioIo::new(stream))
        })
    }
}

/// Believes `authorities`, none for the public web roots, and shows no certificate.
///
/// # Errors
/// [`FetchError::Authorities`].
pub(super) fn client_config(authorities: Option<&[CertificateDer<'static>]>) -> Result<ClientConfig, FetchError> {
    Ok(trusting(authorities)?.with_no_client_auth())
}

fn trusting(
    authorities: Option<&[CertificateDer<'static>]>,
) -> Result<ConfigBuilder<ClientConfig, WantsClientCert>, FetchError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    Ok(tls.map_err(FetchError::Authorities)?.with_root_certificates(roots(authorities)?))
}

fn roots(authorities: Option<&[CertificateDer<'static>]>) -> Result<RootCertStore, FetchError> {
    let Some(authorities) = authorities else {
        return Ok(webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect());
    };
    let mut roots = RootCertStore::empty();
    for authority in authorities {
        roots.add(authority.clone()).map_err(FetchError::Authorities)?;
    }
    Ok(roots)
}

/// The error and what it came from, in one line: the outermost alone says little more than "client error".
pub(super) fn reasons(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(reason) = source {
        text.push_str(": ");
        text.push_str(&reason.to_string());
        source = reason.source();
    }
    // What rustls reads in the place of a record.
    if text.contains("InvalidContentType") {
        text.push_str(": it does not speak TLS");
    }
    text
}

/// Whether the other side closed the connection, as far as the error and what it came from tell.
fn ended(error: &(dyn Error + 'static)) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, NotConnected, UnexpectedEof};
    let mut next = Some(error);
    while let Some(error) = next {
        let message = error.downcast_ref::<hyper::Error>();
        let stream = error.downcast_ref::<io::Error>().map(io::Error::kind);
        if message.is_some_and(|error| error.is_incomplete_message() || error.is_closed() || error.is_canceled())
            || matches!(stream, Some(BrokenPipe | ConnectionAborted | ConnectionReset | NotConnected | UnexpectedEof))
        {
            return true;
        }
        next = error.source();
    }
    false
}

/// Whether the body has to be decoded before it says anything.
pub(crate) fn is_coded(fields: &HeaderMap) -> bool {
    codings(fields).any(|coding| !coding.is_empty() && !coding.eq_ignore_ascii_case(b"identity"))
}

fn codings(fields: &HeaderMap) -> impl Iterator<Item = &[u8]> {
    let values = fields.get_all(CONTENT_ENCODING).iter();
    values.flat_map(|value| value.as_bytes().split(|byte| *byte == b',')).map(<[u8]>::trim_ascii)
}

/// Codings that change a document. Servers and stores write other things there (`UTF-8`, `aws-chunked`), and send it as it is.
const COMPRESSED: [&[u8]; 7] = [b"gzip", b"x-gzip", b"deflate", b"compress", b"x-compress", b"br", b"zstd"];

/// RFC 7517, section 8.5; some servers have only the type that is registered for what they send, and others only JSON.
const KEYS_OR_JSON: &str = "application/jwk-set+json, application/json, */*;q=0.1";
/// Connections that are not in use.
const MOST_KEPT: usize = 64;
/// Shorter than servers commonly keep theirs.
const LONGEST_KEPT: Duration = Duration::from_secs(10);
pub(super) const AGENT: &str = concat!("certbound/", env!("CARGO_PKG_VERSION"));

#[cfg(test)]
mod tests;
