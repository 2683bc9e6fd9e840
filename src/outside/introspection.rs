//! What issuers say of tokens that cannot be read: asked once for each, remembered no longer than it holds.

mod endpoint;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use quick_cache::sync::Cache;
use rustls_pki_types::UnixTime;

use self::endpoint::Endpoint;
use crate::{
    config::settings::IntrospectionSource,
    memory::Weigh,
    observe::Metrics,
    outside::{EXPECTED, flights::Flights, http::FetchError},
    token::{Claims, Inquiry, Introspection, Introspections},
};

/// Asks issuers, and remembers their answers about active tokens.
///
/// That a token is not active, or that nobody answered, is not remembered: time can heal either. Answers belong to the
/// issuers in their order, so others need another store.
pub struct IntrospectionStore {
    /// In the order of the gate's issuers.
    endpoints: Vec<Option<Endpoint>>,
    answers: Cache<Key, Kept, Weigh<Key, Kept>>,
    flights: Flights<Key, Introspection>,
    consent_claim: Option<Arc<str>>,
    metrics: Arc<Metrics>,
}

/// The issuer's place, and SHA-256 of the token.
type Key = (usize, [u8; 32]);

/// An answer about an active token, how long it serves, and the memory that it takes, in bytes.
#[derive(Clone)]
struct Kept {
    told: Arc<Claims>,
    until: u64,
    weight: usize,
}

impl IntrospectionStore {
    /// `sources`: in the order of the gate's issuers. `timeout`: for one question. `consent_claim`: as for a JWT, where the
    /// consent's identifier stands.
    ///
    /// # Errors
    /// Authorities, or the certificate to be shown, cannot be used.
    pub fn new(
        sources: &[Option<Arc<IntrospectionSource>>],
        timeout: Duration,
        consent_claim: Option<Arc<str>>,
        metrics: Arc<Metrics>,
    ) -> Result<Arc<Self>, FetchError> {
        let endpoint = |source: &Option<Arc<IntrospectionSource>>| {
            source.as_deref().map(|source| Endpoint::new(source, timeout)).transpose()
        };
        let endpoints = sources.iter().map(endpoint).collect::<Result<_, _>>()?;
        Ok(Arc::new(Self {
            endpoints,
            answers: Cache::with_weighter(EXPECTED, MOST_BYTES, Weigh(|_, kept| kept.weight)),
            flights: Flights::new(),
            consent_claim,
            metrics,
        }))
    }

    /// Asks the issuer. However many ask about one token at a time, it is asked once, and all are told the same. Who goes
    /// away while waiting does not end that for the others.
    ///
    /// Where answers serve for no time at all, each request has a question of its own: what the issuer said a moment before
    /// may have been withdrawn.
    pub async fn answer(self: &Arc<Self>, inquiry: &Arc<Inquiry>, now: UnixTime) -> Introspection {
        let endpoint = self.endpoints.get(inquiry.issuer).and_then(Option::as_ref);
        if endpoint.is_some_and(|endpoint| endpoint.serves_until(now) == now.as_secs()) {
            return self.ask_once(inquiry).await.0;
        }
        let mut kept = None;
        let is_needed = || {
            kept = self.recall(inquiry, now);
            kept.is_none()
        };
        let flight = self.flights.board(key(inquiry), is_needed, || {
            let (store, inquiry) = (Arc::clone(self), Arc::clone(inquiry));
            async move { store.ask(&inquiry, now).await }
        });
        let told = match flight {
            Some(flight) => flight.landed().await,
            None => kept,
        };
        told.unwrap_or(Introspection::Unavailable)
    }

    /// Gives the memory back: another store serves in the place of this one.
    pub fn forget(&self) {
        self.answers.clear();
    }

    async fn ask(&self, inquiry: &Inquiry, now: UnixTime) -> Introspection {
        let (told, answer) = self.ask_once(inquiry).await;
        match (&told, self.endpoints.get(inquiry.issuer)) {
            (Introspection::Active(told), Some(Some(endpoint))) => {
                self.keep(inquiry, told, endpoint.serves_until(now), answer.map_or(0, |answer| answer.len()));
            }
            (Introspection::Unavailable, _) => {}
            // What it said before would serve again on a clock that is set back.
            _ => drop(self.answers.remove(&key(inquiry))),
        }
        told
    }

    /// What the issuer says, and its answer word for word, where there is one. Nothing is remembered.
    pub async fn ask_once(&self, inquiry: &Inquiry) -> (Introspection, Option<Bytes>) {
        let Some(Some(endpoint)) = self.endpoints.get(inquiry.issuer) else {
            return (Introspection::Unavailable, None);
        };
        let answer = endpoint.ask(inquiry, &self.metrics).await;
        let told = answer.as_ref().map_or(Ok(Introspection::Unavailable), |answer| {
            Introspection::parse(answer, self.consent_claim.as_deref())
        });
        let told = told.unwrap_or_else(|why| {
            endpoint.complain(&why);
            Introspection::Unavailable
        });
        self.metrics.introspected(endpoint.issuer(), result(&told));
        (told, answer)
    }

    /// Keeps an answer until the token ends, or `at_most`; not at all where that is over.
    fn keep(&self, inquiry: &Inquiry, told: &Arc<Claims>, at_most: u64, bytes: usize) {
        let until = told.expires().map_or(at_most, |end| at_most.min(end.as_secs()));
        let weight = bytes * 2 + ENTRY_BYTES;
        self.answers.insert(key(inquiry), Kept { told: Arc::clone(told), until, weight });
    }
}

impl Introspections for IntrospectionStore {
    fn recall(&self, inquiry: &Inquiry, now: UnixTime) -> Option<Introspection> {
        let latest = self.endpoints.get(inquiry.issuer)?.as_ref()?.serves_until(now);
        let kept = self.answers.get(&key(inquiry))?;
        // Kept while the clock was ahead, it would serve until the clock is there again.
        let serves = now.as_secs() < kept.until && kept.until <= latest;
        serves.then_some(Introspection::Active(kept.told))
    }
}

fn key(inquiry: &Inquiry) -> Key {
    (inquiry.issuer, inquiry.digest)
}

/// For the metrics. What cannot be read is about an active token all the same.
fn result(told: &Introspection) -> &'static str {
    match told {
        Introspection::Unavailable => "unavailable",
        Introspection::Inactive => "inactive",
        Introspection::Malformed(_) | Introspection::Active(_) => "active",
    }
}

/// For all answers together: some ten thousand of the usual size.
const MOST_BYTES: u64 = 32 << 20;
/// The claims' fields, their texts' pointers, and the cache's own record.
const ENTRY_BYTES: usize = 2048;

#[cfg(test)]
mod tests;
