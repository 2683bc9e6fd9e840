//! One issuer's introspection endpoint (RFC 7662, section 2).

use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use http::{
    HeaderValue, Request, Uri,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE},
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, PercentEncode, utf8_percent_encode};
use rustls_pki_types::UnixTime;
use tokio::{sync::Semaphore, time::timeout};
use zeroize::Zeroizing;

use crate::{
    config::settings::{ClientAuthentication, IntrospectionSource},
    observe::{Metrics, Throttle},
    outside::http::{FetchError, Fetcher},
    token::Inquiry,
};

/// Where and how one issuer is asked.
pub(super) struct Endpoint {
    issuer: Arc<str>,
    address: Uri,
    fetcher: Fetcher,
    authentication: Authentication,
    cache_ttl: u64,
    timeout: Duration,
    /// Whoever can send tokens can make questions.
    places: Semaphore,
    /// That it gives no usable answer.
    warning: Throttle,
}

/// How certbound says in the request who it is.
enum Authentication {
    /// `client_secret_basic`: the value of the header.
    Basic(HeaderValue),
    /// `client_id` alone, encoded: the handshake proves it (RFC 8705, section 2).
    Named(String),
}

impl Endpoint {
    pub(super) fn new(source: &IntrospectionSource, timeout: Duration) -> Result<Self, FetchError> {
        let IntrospectionSource { issuer, endpoint, client, cache_ttl, authorities } = source;
        let (authentication, identity) = match client {
            ClientAuthentication::Secret { client_id, secret } => {
                (Authentication::Basic(basic(client_id, secret)?), None)
            }
            ClientAuthentication::Certificate { client_id, identity } => {
                (Authentication::Named(encoded(client_id).to_string()), Some(identity))
            }
        };
        Ok(Self {
            issuer: Arc::clone(issuer),
            address: endpoint.clone(),
            fetcher: Fetcher::keeping(authorities.as_deref(), identity, timeout)?,
            authentication,
            cache_ttl: cache_ttl.as_secs(),
            timeout,
            places: Semaphore::new(MOST_QUESTIONS),
            warning: Throttle::default(),
        })
    }

    pub(super) fn issuer(&self) -> &Arc<str> {
        &self.issuer
    }

    /// How long an answer serves at most that was asked for `now`, in seconds of the Unix epoch.
    pub(super) fn serves_until(&self, now: UnixTime) -> u64 {
        now.as_secs().saturating_add(self.cache_ttl)
    }

    /// The issuer's answer about a token, unread; none when there is none in time.
    pub(super) async fn ask(&self, inquiry: &Inquiry, metrics: &Metrics) -> Option<Bytes> {
        let asked = async {
            // Never closed.
            let _place = self.places.acquire().await;
            let begun = Instant::now();
            let answer = match self.post(inquiry).await {
                Err(FetchError::Closed(_)) => self.post(inquiry).await,
                answer => answer,
            };
            metrics.outgoing("introspection", begun.elapsed());
            answer
        };
        let answer = timeout(self.timeout, asked).await.unwrap_or(Err(FetchError::TimedOut(self.timeout)));
        answer.map_err(|error| self.complain(&error)).ok()
    }

    async fn post(&self, inquiry: &Inquiry) -> Result<Bytes, FetchError> {
        let mut form = format!("token={}&token_type_hint=access_token", encoded(inquiry.token()));
        let mut request = Request::post(&self.address)
            .header(ACCEPT, "application/json")
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        match &self.authentication {
            Authentication::Basic(value) => request = request.header(AUTHORIZATION, value),
            Authentication::Named(client_id) => form.extend(["&client_id=", client_id]),
        }
        self.fetcher.ask(request, Bytes::from(form), MOST_BYTES).await
    }

    /// Says that the issuer gives no usable answer: once in a while, because a flood of tokens would be one of lines.
    pub(super) fn complain(&self, error: &dyn fmt::Display) {
        if self.warning.is_due() {
            tracing::warn!(event = "token_not_introspected", issuer = &*self.issuer, error = %error, "the issuer gave no usable answer about a token");
        }
    }
}

/// RFC 6749, section 2.3.1: both are encoded before they are joined. It is wiped with the last that holds it.
fn basic(client_id: &str, secret: &str) -> Result<HeaderValue, FetchError> {
    let pair = Zeroizing::new(format!("{}:{}", encoded(client_id), encoded(secret)));
    let encoded = Zeroizing::new(BASE64_STANDARD.encode(&*pair));
    let value = Bytes::from_owner(Zeroizing::new(format!("Basic {}", &*encoded)));
    let mut value = HeaderValue::from_maybe_shared(value).map_err(|error| FetchError::Request(error.into()))?;
    value.set_sensitive(true);
    Ok(value)
}

/// As `application/x-www-form-urlencoded` wants it; a space as `%20`, which every decoder takes.
fn encoded(text: &str) -> PercentEncode<'_> {
    utf8_percent_encode(text, RESERVED)
}

/// Everything but the characters that mean themselves to every decoder.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// Answers are a few hundred bytes.
const MOST_BYTES: usize = 64 * 1024;
/// Under way at a time.
const MOST_QUESTIONS: usize = 64;
