//! The issuers' keys: fetched at start and on a timer, and when a token names a key that is not there.

mod error;

use std::{
    io,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use arc_swap::ArcSwap;
use http::Uri;
use parking_lot::Mutex;
use tokio::task::JoinSet;
use zeroize::Zeroizing;

use crate::{
    config::{
        reading,
        settings::{KeyLocation, KeyPlace, KeySource},
    },
    observe::Metrics,
    outside::{
        discovery,
        flights::Flights,
        http::{FetchError, Fetcher},
        jwks::error::{KeysError, left_out, one_line},
    },
    token::{KeyRing, KeySet},
};

/// Holds the current [`KeyRing`] and keeps it fresh. The last good set of an issuer stays when a fetch fails.
pub struct KeyStore {
    ring: ArcSwap<KeyRing>,
    /// In the order of the gate's issuers.
    issuers: Vec<Keys>,
    /// By the issuer's number.
    flights: Flights<usize>,
    /// Held while a new ring is built from the current one, or of two issuers' news one would be lost.
    swapping: Mutex<()>,
    token_cache_bytes: u64,
    metrics: Arc<Metrics>,
    pace: Pace,
}

/// Where one issuer's keys come from.
struct Keys {
    source: KeySource,
    fetcher: Fetcher,
    /// When an unknown key last made a fetch.
    asked: Mutex<Option<Instant>>,
    /// Why the latest try left it without a new key; none: it did not, or there was none yet.
    failure: Mutex<Option<Arc<str>>>,
}

/// How often is often enough.
#[derive(Clone, Copy)]
struct Pace {
    /// Between two fetches that unknown keys make: whoever can send tokens can name unknown keys.
    asking: Duration,
    /// Before a failed first fetch is tried again; doubled each time.
    first_retry: Duration,
    /// Where the doubling ends.
    slowest_retry: Duration,
}

/// An issuer without a usable key.
#[derive(Debug, Eq, PartialEq)]
pub struct Missing {
    /// Which.
    pub issuer: Arc<str>,
    /// What the latest try to read its keys came to; none: it is still under way.
    pub why: Option<Arc<str>>,
}

impl KeyStore {
    /// Starts with what files hold, and with what `before` knows of issuers whose source is the same, so that their tokens are
    /// taken without a gap; addresses are fetched by [`Self::run`].
    ///
    /// # Errors
    /// The authorities for https cannot be used.
    pub fn following(
        before: Option<&Self>,
        sources: Vec<KeySource>,
        fetch_timeout: Duration,
        token_cache_bytes: u64,
        metrics: Arc<Metrics>,
    ) -> Result<Arc<Self>, FetchError> {
        let known = |source: &KeySource| before?.known(source);
        Self::at_pace(Pace::PROMISED, &known, sources, fetch_timeout, token_cache_bytes, metrics)
    }

    /// The keys of an issuer, if this is where they come from.
    fn known(&self, source: &KeySource) -> Option<Arc<KeySet>> {
        // However often they are fetched from there, and whoever waits for them.
        let (refresh, awaited) = (source.refresh, source.awaited);
        let at = |keys: &Keys| KeySource { refresh, awaited, ..keys.source.clone() } == *source;
        let place = self.issuers.iter().position(at)?;
        self.ring.load().sets().get(place)?.clone()
    }

    fn at_pace(
        pace: Pace,
        known: &dyn Fn(&KeySource) -> Option<Arc<KeySet>>,
        sources: Vec<KeySource>,
        fetch_timeout: Duration,
        token_cache_bytes: u64,
        metrics: Arc<Metrics>,
    ) -> Result<Arc<Self>, FetchError> {
        for source in sources.iter().filter(|source| has_keys(source)) {
            metrics.keys_expected(&source.issuer);
        }
        let sets = sources.iter().map(|source| on_disk(source, &metrics).or_else(|| known(source))).collect();
        let issuers = sources
            .into_iter()
            .map(|source| {
                let fetcher = Fetcher::new(source.authorities.as_deref(), fetch_timeout)?;
                Ok(Keys { fetcher, source, asked: Mutex::new(None), failure: Mutex::new(None) })
            })
            .collect::<Result<_, FetchError>>()?;
        Ok(Arc::new(Self {
            ring: ArcSwap::from_pointee(KeyRing::new(sets, token_cache_bytes)),
            issuers,
            flights: Flights::new(),
            swapping: Mutex::new(()),
            token_cache_bytes,
            metrics,
            pace,
        }))
    }

    /// Fetches and refreshes until dropped: one task an issuer.
    pub async fn run(self: Arc<Self>) {
        let mut tasks = JoinSet::new();
        for issuer in (0..self.issuers.len()).filter(|issuer| !self.needs_none(*issuer)) {
            tasks.spawn(Arc::clone(&self).keep_fresh(issuer));
        }
        while tasks.join_next().await.is_some() {}
    }

    /// Fetches the keys that are not known, all at a time, and returns when each was tried once.
    pub async fn first_fetch(self: &Arc<Self>) {
        let mut fetches = JoinSet::new();
        for issuer in (0..self.issuers.len()).filter(|issuer| !self.is_usable(*issuer)) {
            let store = Arc::clone(self);
            fetches.spawn(async move { store.fetch(issuer).await });
        }
        while fetches.join_next().await.is_some() {}
    }

    /// Reads keys that stand in files anew, behind the caller's back.
    pub fn reread_files(self: &Arc<Self>) {
        for (issuer, keys) in self.issuers.iter().enumerate() {
            if let KeyLocation::At(KeyPlace::File(_)) = keys.source.location {
                let store = Arc::clone(self);
                tokio::spawn(async move { store.fetch(issuer).await });
            }
        }
    }

    /// Ends what is told of issuers that have keys here, and none in `next`, and what is remembered of tokens.
    pub fn give_way_to(&self, next: &Self) {
        self.ring.load().forget();
        let expected =
            |issuer: &str| next.issuers.iter().any(|keys| has_keys(&keys.source) && *keys.source.issuer == *issuer);
        for Keys { source, .. } in self.issuers.iter().filter(|keys| !expected(&keys.source.issuer)) {
            self.metrics.keys_not_expected(&source.issuer);
        }
    }

    /// The keys as they are now. Takes no lock.
    pub fn ring(&self) -> arc_swap::Guard<Arc<KeyRing>> {
        self.ring.load()
    }

    /// Answers the gate, which misses a key of issuer number `issuer`; afterwards [`Self::ring`] is all there is to know for that request.
    ///
    /// An unknown key makes at most one fetch per issuer in 10 s; whoever asks meanwhile waits for that fetch, or for none.
    /// Who goes away while waiting does not end the fetch for the others.
    pub async fn answer(self: &Arc<Self>, issuer: usize) {
        let Some(keys) = self.issuers.get(issuer) else { return };
        let is_time = || {
            let mut asked = keys.asked.lock();
            let is_time = asked.is_none_or(|asked| asked.elapsed() >= self.pace.asking);
            if is_time {
                *asked = Some(Instant::now());
            }
            is_time
        };
        self.board(issuer, is_time).await;
    }

    /// Issuers that have keys to fetch, each with how many are known and how often they are fetched, for the status page.
    pub fn held(&self) -> Vec<(Arc<str>, usize, Duration)> {
        let ring = self.ring.load();
        let issuers = self.issuers.iter().enumerate().filter(|(issuer, _)| !self.needs_none(*issuer));
        let count = |issuer: usize| ring.sets().get(issuer).and_then(Option::as_deref).map_or(0, KeySet::len);
        issuers.map(|(at, Keys { source, .. })| (Arc::clone(&source.issuer), count(at), source.refresh)).collect()
    }

    /// Issuers without keys that are waited for, for `/readyz`.
    pub fn missing(&self) -> Vec<Missing> {
        let awaited = self.issuers.iter().enumerate().filter(|(_, keys)| keys.source.awaited);
        let missing = awaited.filter(|(issuer, _)| !self.is_usable(*issuer));
        let told = |keys: &Keys| Missing { issuer: Arc::clone(&keys.source.issuer), why: keys.failure.lock().clone() };
        missing.map(|(_, keys)| told(keys)).collect()
    }

    /// One issuer's timer.
    async fn keep_fresh(self: Arc<Self>, issuer: usize) {
        let Some(keys) = self.issuers.get(issuer) else { return };
        let mut retry = self.pace.first_retry;
        // Keys of a store before this one may be as old as keys may become.
        self.fetch(issuer).await;
        loop {
            if self.is_usable(issuer) {
                retry = self.pace.first_retry;
                tokio::time::sleep(keys.source.refresh).await;
            } else {
                tokio::time::sleep(retry).await;
                retry = self.pace.slowest_retry.min(retry.saturating_mul(2));
            }
            self.fetch(issuer).await;
        }
    }

    /// Whether this issuer is asked about every token.
    fn needs_none(&self, issuer: usize) -> bool {
        self.issuers.get(issuer).is_some_and(|keys| !has_keys(&keys.source))
    }

    fn is_usable(&self, issuer: usize) -> bool {
        self.needs_none(issuer)
            || self.ring.load().sets().get(issuer).is_some_and(|set| set.as_ref().is_some_and(|set| !set.is_empty()))
    }

    /// Fetches now, or waits for the fetch that is under way.
    async fn fetch(self: &Arc<Self>, issuer: usize) {
        self.board(issuer, || true).await;
    }

    async fn board(self: &Arc<Self>, issuer: usize, is_needed: impl FnOnce() -> bool) {
        let renew = || {
            let store = Arc::clone(self);
            async move { store.renew(issuer).await }
        };
        if let Some(flight) = self.flights.board(issuer, is_needed, renew) {
            flight.landed().await;
        }
    }

    async fn renew(&self, issuer: usize) {
        let Some(keys) = self.issuers.get(issuer) else { return };
        let name = &*keys.source.issuer;
        let failure = match self.read(keys).await {
            Ok(set) => {
                self.metrics.keys_fetched(name);
                if !set.is_usable() {
                    let left_out = left_out(&set);
                    tracing::warn!(
                        event = "keys_empty",
                        issuer = name,
                        left_out,
                        "the issuer's key set holds no usable key"
                    );
                }
                let empty = set.is_empty().then(|| "the key set is empty".to_owned());
                self.install(issuer, set);
                empty
            }
            Err(error) => {
                let error = one_line(&error.to_string());
                tracing::warn!(event = "keys_not_fetched", issuer = name, error, "the issuer's keys were not fetched");
                Some(error)
            }
        };
        *keys.failure.lock() = failure.map(Arc::from);
    }

    /// Puts a new ring in place, but only where something changed: the ring takes the memory of signatures with it.
    fn install(&self, issuer: usize, set: KeySet) {
        let _alone = self.swapping.lock();
        let mut sets = self.ring.load().sets().to_vec();
        let Some(place) = sets.get_mut(issuer) else { return };
        if place.as_deref() == Some(&set) {
            return;
        }
        let (count, left_out) = (set.len(), left_out(&set));
        *place = Some(Arc::new(set));
        self.ring.store(Arc::new(KeyRing::new(sets, self.token_cache_bytes)));
        if let Some(keys) = self.issuers.get(issuer) {
            tracing::info!(
                event = "keys_changed",
                issuer = &*keys.source.issuer,
                keys = count,
                left_out,
                "the issuer's keys changed"
            );
        }
    }

    async fn read(&self, keys: &Keys) -> Result<KeySet, KeysError> {
        let discovered;
        let address = match &keys.source.location {
            KeyLocation::At(KeyPlace::File(path)) => {
                let path = path.clone();
                let set = tokio::task::spawn_blocking(move || read_file(&path)).await;
                return set.map_err(|_| KeysError::Task)?;
            }
            KeyLocation::Nowhere => return Err(KeysError::Nowhere("this issuer has no keys")),
            KeyLocation::At(KeyPlace::Address(address)) => address,
            KeyLocation::Discovery => {
                discovered = self.discover(&keys.fetcher, &keys.source.issuer).await?;
                &discovered
            }
        };
        let document = self.get(&keys.fetcher, address, KeySet::MAX_BYTES).await?;
        KeySet::parse(&document).map_err(|error| KeysError::KeySet(address.into(), error))
    }

    async fn discover(&self, fetcher: &Fetcher, issuer: &str) -> Result<Uri, KeysError> {
        let [openid, oauth] = discovery::addresses(issuer).map_err(KeysError::Nowhere)?;
        let first = match self.metadata(fetcher, &openid, issuer).await {
            Ok(address) => return Ok(address),
            Err(error) => error,
        };
        let second = self.metadata(fetcher, &oauth, issuer).await;
        second.map_err(|error| KeysError::Discovery(Box::new(first), Box::new(error)))
    }

    async fn metadata(&self, fetcher: &Fetcher, address: &Uri, issuer: &str) -> Result<Uri, KeysError> {
        let document = self.get(fetcher, address, discovery::MAX_BYTES).await?;
        discovery::keys_address(&document, issuer).map_err(|error| KeysError::Metadata(address.into(), error))
    }

    async fn get(&self, fetcher: &Fetcher, address: &Uri, most: usize) -> Result<bytes::Bytes, KeysError> {
        let begun = Instant::now();
        let answer = fetcher.get(address, most).await;
        self.metrics.outgoing("jwks", begun.elapsed());
        answer.map_err(|error| KeysError::Fetch(address.into(), error))
    }
}

impl Pace {
    const PROMISED: Self =
        Self { asking: PAUSE, first_retry: Duration::from_secs(1), slowest_retry: Duration::from_secs(60) };
}

/// Whether the issuer's tokens are held to keys of its own.
fn has_keys(source: &KeySource) -> bool {
    source.location != KeyLocation::Nowhere
}

/// What a file holds at start; the timer tries again where that failed.
fn on_disk(source: &KeySource, metrics: &Metrics) -> Option<Arc<KeySet>> {
    let KeyLocation::At(KeyPlace::File(path)) = &source.location else { return None };
    match read_file(path) {
        Ok(set) => {
            metrics.keys_fetched(&source.issuer);
            Some(Arc::new(set))
        }
        Err(error) => {
            tracing::warn!(event = "keys_not_fetched", issuer = &*source.issuer, error = %error, "the issuer's keys were not read");
            None
        }
    }
}

fn read_file(path: &Path) -> Result<KeySet, KeysError> {
    let document = document(path).map_err(|error| KeysError::File(path.into(), error))?;
    KeySet::parse(&document).map_err(|error| KeysError::KeySet(path.into(), error))
}

/// The document of a key set, read as the configuration read it: a pipe in the file's place would keep a thread for ever.
pub(super) fn document(path: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
    reading::bounded(path, reading::MAX_BYTES)
}

/// Between two fetches that unknown keys make.
pub(super) const PAUSE: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests;
