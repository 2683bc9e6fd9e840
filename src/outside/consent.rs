//! Asks the consent service.

use std::{sync::Arc, time::Instant};

use bytes::Bytes;
use rustls_pki_types::UnixTime;
use uuid::Uuid;

use crate::{
    config::settings::ConsentService,
    consent::{ConsentAnswer, ConsentRequest},
    observe::Metrics,
    outside::http::{FetchError, Fetcher},
};

/// Asks the consent service, about each request anew: nothing is remembered, because a consent can be withdrawn at any time.
pub struct Consents {
    desk: Option<Desk>,
    metrics: Arc<Metrics>,
}

/// The service and the way to it.
struct Desk {
    service: ConsentService,
    audience: String,
    fetcher: Fetcher,
}

/// Why there is no usable answer. Holds nothing of the request and nothing of an answer.
#[derive(Debug, thiserror::Error)]
enum ConsentError {
    #[error("the question cannot be written")]
    Question,
    #[error("the question cannot be signed")]
    Signature,
    #[error("{0}")]
    Fetch(#[from] FetchError),
    #[error("{0}")]
    Answer(&'static str),
}

impl Consents {
    /// `service`: none answers everything with [`ConsentAnswer::Unavailable`].
    ///
    /// # Errors
    /// The authorities for https cannot be used.
    pub fn new(service: Option<ConsentService>, metrics: Arc<Metrics>) -> Result<Self, FetchError> {
        if let Some(key) = service.as_ref().and_then(|service| service.signing_key.as_ref()) {
            // Whoever verifies has to know which key.
            tracing::info!(event = "consent_requests_signed", algorithm = key.algorithm(), kid = key.kid());
        }
        let desk = service.map(|service| {
            let fetcher = Fetcher::keeping(service.authorities.as_deref(), None, service.timeout)?;
            Ok::<_, FetchError>(Desk { audience: service.endpoint.to_string(), fetcher, service })
        });
        Ok(Self { desk: desk.transpose()?, metrics })
    }

    /// What the service says.
    pub async fn answer(&self, request: &ConsentRequest, now: UnixTime) -> ConsentAnswer {
        let Some(desk) = &self.desk else { return ConsentAnswer::Unavailable };
        let begun = Instant::now();
        let timeout = desk.service.timeout;
        let told = tokio::time::timeout(timeout, desk.ask_again(request, now)).await;
        self.metrics.outgoing("consent", begun.elapsed());
        let answer = told.unwrap_or(Err(ConsentError::Fetch(FetchError::TimedOut(timeout)))).unwrap_or_else(|error| {
            tracing::warn!(event = "consent_not_checked", error = %error, "the consent service gave no usable answer");
            ConsentAnswer::Unavailable
        });
        self.metrics.consent(match answer {
            ConsentAnswer::Given { .. } => "given",
            ConsentAnswer::Refused { .. } => "refused",
            ConsentAnswer::Unavailable => "unavailable",
        });
        answer
    }
}

impl Desk {
    /// Asks, and asks once more where the connection was closed under the question: a kept one may just have ended, which
    /// says nothing about the consent.
    async fn ask_again(&self, request: &ConsentRequest, now: UnixTime) -> Result<ConsentAnswer, ConsentError> {
        match self.ask(request, now).await {
            Err(ConsentError::Fetch(FetchError::Closed(_))) => self.ask(request, now).await,
            told => told,
        }
    }

    async fn ask(&self, request: &ConsentRequest, now: UnixTime) -> Result<ConsentAnswer, ConsentError> {
        let jti = Uuid::new_v4().to_string();
        let question = request.question(&self.audience, &jti, now).map_err(|_| ConsentError::Question)?;
        let (media_type, question) = match &self.service.signing_key {
            Some(key) => ("application/jwt", key.sign(&question).map_err(|_| ConsentError::Signature)?),
            None => ("application/json", question),
        };
        let (address, most) = (&self.service.endpoint, ConsentAnswer::MAX_BYTES);
        let answer = self.fetcher.post(address, media_type, Bytes::from(question), most).await?;
        ConsentAnswer::parse(&answer).map_err(ConsentError::Answer)
    }
}
