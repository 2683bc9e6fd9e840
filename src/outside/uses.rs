//! What was used: proofs and registrations, remembered until their age refuses them.

mod connection;
mod memory;
mod shared;

use std::{sync::Arc, time::Instant};

use rustls_pki_types::UnixTime;

use crate::{
    config::settings::Uses,
    observe::{Metrics, Throttle},
    outside::{
        http::FetchError,
        uses::{
            memory::{Memory, Noted},
            shared::Shared,
        },
    },
    token::{Purpose, SingleUse, Use},
};

/// Remembers what was used, by this process alone or together with others.
///
/// It depends on nothing else, and is to be kept when other things change: a new one has forgotten everything.
pub struct UseStore {
    proofs: Memory,
    registrations: Memory,
    /// None: this process serves alone.
    shared: Option<Shared>,
    metrics: Arc<Metrics>,
    /// Every request would make a warning.
    warning: Throttle,
}

impl UseStore {
    /// With nothing remembered. Connects to nobody yet.
    ///
    /// # Errors
    /// The authorities of the server that remembers for several cannot be used.
    pub fn new(settings: Uses, metrics: Arc<Metrics>) -> Result<Arc<Self>, FetchError> {
        let shared = settings.shared.map(Shared::new).transpose()?;
        let (proofs, registrations) = (Memory::new(settings.remembered), Memory::new(settings.remembered));
        Ok(Arc::new(Self { proofs, registrations, shared, metrics, warning: Throttle::default() }))
    }

    /// Whether this is the first use; from now on it is none any more.
    pub async fn answer(&self, what: &SingleUse, now: UnixTime) -> Use {
        let used = self.find(what, now).await;
        self.metrics.used(used);
        used
    }

    /// Whether a server is asked.
    pub fn is_shared(&self) -> bool {
        self.shared.is_some()
    }

    fn memory(&self, what: &SingleUse) -> &Memory {
        match what.purpose {
            Purpose::Proof => &self.proofs,
            Purpose::Registration => &self.registrations,
        }
    }

    async fn find(&self, what: &SingleUse, now: UnixTime) -> Use {
        // It was judged a moment ago and has ended since: whoever remembered it may have forgotten it.
        if what.until <= now {
            return Use::Unknown;
        }
        match &self.shared {
            Some(shared) => self.find_with(shared, what, now).await,
            None => self.find_alone(what, now),
        }
    }

    fn find_alone(&self, what: &SingleUse, now: UnixTime) -> Use {
        match self.memory(what).note(what, now, Instant::now()) {
            Noted::New => Use::First,
            Noted::Known => Use::Again,
            Noted::Full => {
                if self.warning.is_due() {
                    tracing::warn!(
                        event = "uses_full",
                        "no room to remember what is used once: raise [replay] entries"
                    );
                }
                Use::NoRoom
            }
        }
    }

    /// This process's own memory spares a question about what it has seen, and knows it still when the server has lost its
    /// memory. Only the server can say that something is new.
    async fn find_with(&self, shared: &Shared, what: &SingleUse, now: UnixTime) -> Use {
        if self.memory(what).holds(what, now) {
            return Use::Again;
        }
        match shared.is_new(what, now).await {
            Ok(is_new) => {
                self.memory(what).note(what, now, Instant::now());
                if is_new { Use::First } else { Use::Again }
            }
            Err(error) => {
                if self.warning.is_due() {
                    tracing::warn!(event = "uses_not_answered", error = %error, "whether something was used before was not answered");
                }
                Use::Unknown
            }
        }
    }
}

#[cfg(test)]
mod tests;
