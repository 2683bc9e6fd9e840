//! One outgoing request: GET, bounded in size and time, no redirects.

use std::{error::Error, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{
    Request, StatusCode, Uri,
    header::{ACCEPT, USER_AGENT},
};
use http_body_util::{BodyExt, Empty, LengthLimitError, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;

/// Fetches documents over http and https. One for each issuer, because each may have authorities of its own.
///
/// Follows no redirect, sends no credentials, and takes no proxy from the environment. Does not check whether an address
/// is one that should be fetched: it comes from the configuration or from what the configuration names.
#[derive(Debug)]
pub struct Fetcher {
    client: Client<HttpsConnector<HttpConnector>, Empty<Bytes>>,
    timeout: Duration,
}

/// Why a document was not fetched. Names no address, because an address may hold credentials.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The authorities for https cannot be used.
    #[error("the authorities for https cannot be used: {0}")]
    Authorities(#[source] rustls::Error),
    /// The address is no http or https address.
    #[error("the address cannot be requested: {0}")]
    Address(#[source] http::Error),
    /// No connection, no TLS, or no answer in HTTP. The reasons, the outermost first.
    #[error("no answer: {0}")]
    NoAnswer(String),
    /// Anything but 200: a redirect, for example, or a page of excuses.
    #[error("the answer has status {}, only 200 counts", .0.as_u16())]
    Status(StatusCode),
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
        let tls = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(FetchError::Authorities)?
            .with_root_certificates(roots(authorities)?)
            .with_no_client_auth();
        let connector = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1().build();
        // Requests are minutes apart: a kept connection would mostly be one that the other side has already closed.
        let client = Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build(connector);
        Ok(Self { client, timeout })
    }

    /// The body of the answer, at most `most` bytes. Its type is not looked at.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn get(&self, address: &Uri, most: usize) -> Result<Bytes, FetchError> {
        let request = Request::get(address)
            .header(USER_AGENT, AGENT)
            .header(ACCEPT, "application/json")
            .body(Empty::new())
            .map_err(FetchError::Address)?;
        tokio::time::timeout(self.timeout, self.exchange(request, most))
            .await
            .unwrap_or(Err(FetchError::TimedOut(self.timeout)))
    }

    async fn exchange(&self, request: Request<Empty<Bytes>>, most: usize) -> Result<Bytes, FetchError> {
        let answer = self.client.request(request).await.map_err(|error| FetchError::NoAnswer(reasons(&error)))?;
        if answer.status() != StatusCode::OK {
            return Err(FetchError::Status(answer.status()));
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
fn reasons(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(reason) = source {
        text.push_str(": ");
        text.push_str(&reason.to_string());
        source = reason.source();
    }
    text
}

const AGENT: &str = concat!("certbound/", env!("CARGO_PKG_VERSION"));

#[cfg(test)]
mod tests;
