//! The issuers' keys: fetched at start and on a timer, and when a token names a key that is not there.

use std::{sync::Arc, time::Duration};

use arc_swap::ArcSwap;

use crate::{config::settings::KeySource, gate::Question, observe::Metrics, token::KeyRing};

/// Holds the current [`KeyRing`] and keeps it fresh. The last good set of an issuer stays when a fetch fails.
pub struct KeyStore {
    ring: ArcSwap<KeyRing>,
}

impl KeyStore {
    /// Starts with what files hold; addresses are fetched by [`Self::run`].
    pub fn new(
        sources: Vec<KeySource>,
        fetch_timeout: Duration,
        token_cache_bytes: u64,
        metrics: Arc<Metrics>,
    ) -> Arc<Self> {
        todo!()
    }

    /// Fetches and refreshes until dropped: one task an issuer.
    pub async fn run(self: Arc<Self>) {
        todo!()
    }

    /// The keys as they are now. Takes no lock.
    pub fn ring(&self) -> arc_swap::Guard<Arc<KeyRing>> {
        self.ring.load()
    }

    /// Answers a question of the gate; afterwards [`Self::ring`] is all there is to know for that request.
    ///
    /// An unknown key makes at most one fetch per issuer in 10 s; whoever asks meanwhile waits for that fetch, or for none.
    pub async fn answer(&self, question: Question) {
        todo!()
    }

    /// Issuers without a usable key, for `/readyz`.
    pub fn missing(&self) -> Vec<Arc<str>> {
        todo!()
    }
}
