//! What was used: proofs and registrations, remembered until their age refuses them.

mod memory;

use std::sync::Arc;

use rustls_pki_types::UnixTime;

use crate::{
    config::settings::Uses,
    observe::Metrics,
    outside::uses::memory::{Memory, Noted},
    token::{SingleUse, Use},
};

/// Remembers what was used, by this process alone or together with others.
///
/// It depends on nothing else, and is to be kept when other things change: a new one has forgotten everything.
pub struct UseStore {
    memory: Memory,
    metrics: Arc<Metrics>,
}

impl UseStore {
    /// With nothing remembered. Connects to nobody yet.
    pub fn new(settings: Uses, metrics: Arc<Metrics>) -> Arc<Self> {
        Arc::new(Self { memory: Memory::new(settings.remembered), metrics })
    }

    /// Whether this is the first use; from now on it is none any more.
    pub async fn answer(&self, what: &SingleUse, now: UnixTime) -> Use {
        let used = self.find(what, now).await;
        self.metrics.used(used);
        used
    }

    async fn find(&self, what: &SingleUse, now: UnixTime) -> Use {
        // Judged a moment ago, it has ended since, and whoever remembered it may have forgotten it.
        if what.until <= now {
            return Use::Unknown;
        }
        match self.memory.note(what, now) {
            Noted::New => Use::First,
            Noted::Known => Use::Again,
            Noted::Full => Use::Unknown,
        }
    }
}

#[cfg(test)]
mod tests;
