//! The key sets that registrations need: the directory's, and those that verified software statements name.

use std::{
    io,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use http::Uri;
use parking_lot::Mutex;
use quick_cache::sync::Cache;

use crate::{
    config::settings::{KeyPlace, RegistrationSource},
    observe::Metrics,
    outside::{
        address::{AddressError, AddressRules},
        flights::Flights,
        http::{FetchError, Fetcher},
        jwks,
    },
    registration::KeysAt,
    token::KeySet,
};

/// Fetches key sets from the directory and from allowed hosts, and remembers them for minutes.
pub struct StatementKeys {
    library: Option<Library>,
    /// Each brings its document itself: the memory may be too small for all that land at a time.
    flights: Flights<KeysAt, Option<Arc<[u8]>>>,
    metrics: Arc<Metrics>,
}

/// Where key sets are, and those that were read.
struct Library {
    /// Of the directory's keys.
    place: KeyPlace,
    /// To the directory, which the operator names.
    directory: Fetcher,
    /// To addresses out of statements.
    named: Fetcher,
    rules: AddressRules,
    /// Apart from the others, so that no number of them can push it out.
    of_directory: Mutex<Option<Held>>,
    of_named: Cache<Arc<str>, Held>,
    pace: Pace,
}

/// How long what was read serves before it is read anew.
#[derive(Clone, Copy)]
struct Pace {
    directory: Duration,
    named: Duration,
    /// That a key set is not to be had.
    silence: Duration,
    /// Between two fetches of a set that are made because a key is missing in it: as for issuers' keys, whoever can send
    /// requests can name unknown keys.
    pause: Duration,
}

/// What is asked for.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Sought {
    /// What is remembered does.
    Keys,
    /// A key is missing in what is remembered.
    NewerKeys,
}

/// What the latest fetch came to, and until when nobody is asked again.
#[derive(Clone)]
struct Held {
    /// None: it is not to be had.
    document: Option<Arc<[u8]>>,
    until: Instant,
    /// When a missing key last made a fetch.
    missed: Option<Instant>,
}

/// Why a key set was not read. Names no address, because an address may hold credentials.
#[derive(Debug, thiserror::Error)]
enum DocumentError {
    #[error("{0}")]
    Fetch(#[from] FetchError),
    #[error("{0}")]
    Address(#[from] AddressError),
    #[error("no host is listed in `allowed_jwks_hosts`")]
    NoHosts,
    #[error("the file cannot be read: {0}")]
    File(#[from] io::Error),
    #[error("the task that read it failed")]
    Task,
    #[error("the key set cannot be read: {0}")]
    KeySet(String),
    #[error("the key set holds no key that can be used")]
    Empty,
}

impl StatementKeys {
    /// `source`: none answers everything with none. `timeout`: for one fetch. A directory in a file is read now, one at
    /// an address when it is asked for.
    ///
    /// # Errors
    /// The authorities for https cannot be used.
    pub fn new(
        source: Option<RegistrationSource>,
        timeout: Duration,
        metrics: Arc<Metrics>,
    ) -> Result<Arc<Self>, FetchError> {
        Self::at_pace(Pace::PROMISED, source, timeout, metrics)
    }

    fn at_pace(
        pace: Pace,
        source: Option<RegistrationSource>,
        timeout: Duration,
        metrics: Arc<Metrics>,
    ) -> Result<Arc<Self>, FetchError> {
        let library = source.map(|source| Library::new(source, timeout, pace)).transpose()?;
        Ok(Arc::new(Self { library, flights: Flights::new(), metrics }))
    }

    /// The document, which is a key set; none: it is not to be had. Whether a [`KeysAt::Named`] one holds any key that can
    /// be used is not looked at.
    ///
    /// However many ask for one at a time, it is fetched once. Who goes away while waiting does not end that for the
    /// others. The last good document of the directory stays when it cannot be read anew.
    pub async fn answer(self: &Arc<Self>, at: &KeysAt) -> Option<Arc<[u8]>> {
        self.bring(at, Sought::Keys).await
    }

    /// The same for whoever misses a key in it: fetched anew, at most once in 10 s for all who do, or as it is remembered.
    ///
    /// The last good document stays until its own end when it cannot be read anew.
    pub async fn answer_anew(self: &Arc<Self>, at: &KeysAt) -> Option<Arc<[u8]>> {
        self.bring(at, Sought::NewerKeys).await
    }

    async fn bring(self: &Arc<Self>, at: &KeysAt, sought: Sought) -> Option<Arc<[u8]>> {
        let library = self.library.as_ref()?;
        let mut held = None;
        let is_needed = || {
            held = library.held(at).filter(|held| held.does(sought, library.pace.pause));
            held.is_none()
        };
        let flight = self.flights.board(at.clone(), is_needed, || {
            let (keys, at) = (Arc::clone(self), at.clone());
            async move { keys.renew(&at, sought).await }
        });
        match flight {
            Some(flight) => flight.landed().await?,
            None => held?.document,
        }
    }

    /// Has a directory in a file read anew when it is asked for next.
    pub fn reread_file(&self) {
        let Some(library) = &self.library else { return };
        if let (KeyPlace::File(_), Some(held)) = (&library.place, library.of_directory.lock().as_mut()) {
            held.until = Instant::now();
        }
    }

    async fn renew(&self, at: &KeysAt, sought: Sought) -> Option<Arc<[u8]>> {
        let library = self.library.as_ref()?;
        let begun = Instant::now();
        let read = library.read(at).await;
        if library.is_far(at) {
            self.metrics.outgoing("registration", begun.elapsed());
        }
        if let Err(error) = &read {
            let whose = match at {
                KeysAt::Directory => "the directory",
                KeysAt::Named(_) => "a software statement",
            };
            tracing::warn!(event = "statement_keys_not_read", whose, error = %error, "a key set for registrations was not read");
        }
        library.hold(at, read.ok(), (sought == Sought::NewerKeys).then_some(begun))
    }
}

impl Library {
    fn new(source: RegistrationSource, timeout: Duration, pace: Pace) -> Result<Self, FetchError> {
        let RegistrationSource { directory: place, allowed_hosts, authorities } = source;
        // Whoever lists a host means it wherever it is: the list is the guard here.
        let rules = AddressRules::new(&allowed_hosts, !allowed_hosts.is_empty());
        let library = Self {
            directory: Fetcher::new(authorities.as_deref(), timeout)?,
            named: Fetcher::guarded(rules.clone(), authorities.as_deref(), timeout)?,
            rules,
            of_directory: Mutex::new(None),
            of_named: Cache::new(MOST_NAMED),
            place,
            pace,
        };
        if let KeyPlace::File(path) = &library.place {
            match file(path) {
                Ok(document) => {
                    library.hold(&KeysAt::Directory, Some(document), None);
                }
                Err(error) => {
                    tracing::warn!(event = "statement_keys_not_read", whose = "the directory", error = %error)
                }
            }
        }
        Ok(library)
    }

    fn held(&self, at: &KeysAt) -> Option<Held> {
        match at {
            KeysAt::Directory => self.of_directory.lock().clone(),
            KeysAt::Named(address) => self.of_named.get(address),
        }
    }

    /// What there is now that `read` was read. `missed`: when the fetch began, if a missing key made it.
    fn hold(&self, at: &KeysAt, read: Option<Arc<[u8]>>, missed: Option<Instant>) -> Option<Arc<[u8]>> {
        match at {
            KeysAt::Directory => {
                let mut held = self.of_directory.lock();
                let next = self.next(at, held.take(), read, missed);
                held.insert(next).document.clone()
            }
            KeysAt::Named(address) => {
                let next = self.next(at, self.of_named.get(address), read, missed);
                self.of_named.insert(Arc::clone(address), next.clone());
                next.document
            }
        }
    }

    /// What is held after `before`. When nothing was read, what was good stays until its end; the directory's even longer.
    fn next(&self, at: &KeysAt, before: Option<Held>, read: Option<Arc<[u8]>>, missed: Option<Instant>) -> Held {
        let now = Instant::now();
        let missed = missed.or(before.as_ref().and_then(|held| held.missed));
        let good = before.filter(|held| held.document.is_some());
        let (lasting, silence) = (now + self.pace.of(at), now + self.pace.silence);
        match (read, good) {
            (Some(read), _) => Held { document: Some(read), until: lasting, missed },
            (None, Some(good)) if now < good.until => Held { missed, ..good },
            (None, Some(good)) if *at == KeysAt::Directory => Held { until: silence, missed, ..good },
            (None, _) => Held { document: None, until: silence, missed },
        }
    }

    /// Whether it is somewhere else, so that reading it is a request.
    fn is_far(&self, at: &KeysAt) -> bool {
        !matches!((at, &self.place), (KeysAt::Directory, KeyPlace::File(_)))
    }

    async fn read(&self, at: &KeysAt) -> Result<Arc<[u8]>, DocumentError> {
        match (at, &self.place) {
            (KeysAt::Named(address), _) => self.named(address).await,
            (KeysAt::Directory, KeyPlace::Address(address)) => {
                key_set(&self.directory.get(address, KeySet::MAX_BYTES).await?)
            }
            (KeysAt::Directory, KeyPlace::File(path)) => {
                let path = path.clone();
                let read = tokio::task::spawn_blocking(move || file(&path)).await;
                read.map_err(|_| DocumentError::Task)?
            }
        }
    }

    async fn named(&self, address: &str) -> Result<Arc<[u8]>, DocumentError> {
        // To the rules an empty list stands for every host; here it stands for none.
        if !self.rules.lists_hosts() {
            return Err(DocumentError::NoHosts);
        }
        let address: Uri = self.rules.admit(address)?;
        let document = self.named.get(&address, KeySet::MAX_BYTES).await?;
        // An organisation's may hold certificates and no key of a kind that signs here.
        KeySet::parse(&document).map_err(DocumentError::KeySet)?;
        Ok(document.as_ref().into())
    }
}

impl Pace {
    const PROMISED: Self = Self {
        directory: Duration::from_secs(600),
        named: Duration::from_secs(300),
        silence: Duration::from_secs(1),
        pause: jwks::PAUSE,
    };

    fn of(&self, at: &KeysAt) -> Duration {
        match at {
            KeysAt::Directory => self.directory,
            KeysAt::Named(_) => self.named,
        }
    }
}

impl Held {
    /// Whether it is the answer, so that nobody is asked.
    fn does(&self, sought: Sought, pause: Duration) -> bool {
        let is_current = Instant::now() < self.until;
        is_current
            && match sought {
                Sought::Keys => true,
                // What is not to be had is asked for again when that is over, and no sooner.
                Sought::NewerKeys => {
                    self.document.is_none() || self.missed.is_some_and(|missed| missed.elapsed() < pause)
                }
            }
    }
}

/// A document that can take the place of the last good one: a key set with keys in it.
fn key_set(document: &[u8]) -> Result<Arc<[u8]>, DocumentError> {
    match KeySet::parse(document) {
        Ok(keys) if !keys.is_usable() => Err(DocumentError::Empty),
        Ok(_) => Ok(document.into()),
        Err(why) => Err(DocumentError::KeySet(why)),
    }
}

fn file(path: &Path) -> Result<Arc<[u8]>, DocumentError> {
    key_set(&jwks::document(path)?)
}

/// Key sets out of statements that are remembered, at most: 32 MiB of the largest.
const MOST_NAMED: usize = 64;

#[cfg(test)]
mod tests;
