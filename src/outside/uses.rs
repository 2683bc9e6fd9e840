//! What was used: proofs and registrations, remembered until their age refuses them.

use std::sync::Arc;

use rustls_pki_types::UnixTime;

use crate::{
    config::settings::Uses,
    observe::Metrics,
    token::{SingleUse, Use},
};

/// Remembers what was used, by this process alone or together with others.
pub struct UseStore {}

impl UseStore {
    /// With nothing remembered. Connects to nobody yet.
    pub fn new(_settings: Uses, _metrics: Arc<Metrics>) -> Arc<Self> {
        Arc::new(Self {})
    }

    /// Whether this is the first use; from now on it is none any more.
    pub async fn answer(&self, _what: &SingleUse, _now: UnixTime) -> Use {
        Use::Unknown
    }
}
