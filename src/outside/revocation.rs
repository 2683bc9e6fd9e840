//! Whether certificates are revoked, as their issuers say: asked once, remembered as long as the answer holds, and asked
//! again before it ends.

mod files;
mod inquiry;
mod lists;
mod revoked;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use quick_cache::{UnitWeighter, sync::Cache};
use rustls_pki_types::UnixTime;

pub use self::files::CrlFiles;
use self::{
    inquiry::{Inquiry, Outcome},
    revoked::{RevokedAsOf, Source},
};
use crate::{
    certificate::revocation::{Answer, Issued, IssuedKey, Method, Revocations, Standing, Status},
    config::settings::Revocation,
    observe::Metrics,
    outside::{
        EXPECTED,
        flights::{Flight, Flights},
        http::FetchError,
    },
};

/// Remembers what issuers said, and asks them.
///
/// Its memory depends on nothing but the rules and the issuers' CRL files: it is to be kept when other things change.
pub struct RevocationStore {
    /// Shared with the store that follows this one. Where that asks others, what was answered here is asked again there, but
    /// while nobody answers, who was revoked stays so, and an old answer serves as far as the rules go.
    answers: Arc<Cache<IssuedKey, Arc<Entry>>>,
    /// By the issuer's CRL files too: an answer under old ones is none for whoever comes after.
    flights: Flights<(IssuedKey, u64), Standing>,
    inquiry: Inquiry,
    service: Service,
    /// Whether another store is in force, whose answers those of this one must not replace.
    gave_way: AtomicBool,
}

/// What is remembered of one certificate. Times are seconds of the Unix epoch.
struct Entry {
    /// Of the issuer's CRL files: what came about under others, or by a store that asked others, has to be asked again.
    generation: u64,
    /// When it came about.
    since: u64,
    held: Option<Held>,
    /// What the latest question came to that brought no answer, and until when that is remembered.
    vain: Option<(Standing, u64)>,
    /// When the next request that finds this entry makes it renewed.
    renew_at: AtomicU64,
}

/// An answer. How long it serves is for the rules that are in force when it is asked for.
#[derive(Clone, Copy)]
struct Held {
    status: Status,
    source: Source,
    received: u64,
    /// Its own end; 0 where it has to be asked for anew.
    until: u64,
    revoked: RevokedAsOf,
}

/// How long answers serve, in seconds.
#[derive(Clone, Copy)]
struct Service {
    /// At most.
    cache_ttl: u64,
    /// Those out of lists that were fetched, at most.
    crl_refresh: u64,
    /// Where no newer one can be had; 0: not at all.
    max_stale: u64,
}

impl Revocations for Arc<RevocationStore> {
    fn standing(&self, about: &Arc<Issued>, now: UnixTime) -> Standing {
        self.known(about, now)
    }
}

impl RevocationStore {
    /// In the place of `before`, whose rules were others. Where others are asked now, or elsewhere, everything is asked anew, but
    /// nothing is forgotten; else what was answered serves on, for as long as the new rules say. None before: nothing is
    /// remembered.
    ///
    /// # Errors
    /// The public web roots, which https addresses are believed from, cannot be used.
    pub fn following(
        before: Option<&Self>,
        rules: &Revocation,
        files: CrlFiles,
        metrics: Arc<Metrics>,
    ) -> Result<Arc<Self>, FetchError> {
        Self::setting_aside_for(SET_ASIDE, before, rules, files, metrics)
    }

    /// An address that did not answer is left alone for `silence`.
    fn setting_aside_for(
        silence: Duration,
        before: Option<&Self>,
        rules: &Revocation,
        files: CrlFiles,
        metrics: Arc<Metrics>,
    ) -> Result<Arc<Self>, FetchError> {
        let service = Service {
            cache_ttl: rules.cache_ttl.as_secs().max(1),
            crl_refresh: rules.crl_refresh.as_secs().max(1),
            max_stale: rules.max_stale.unwrap_or_default().as_secs(),
        };
        // In each part there is room for more that is new than can land at a time, or whoever asked would not be told.
        let nothing = || Arc::new(Cache::with_weighter(EXPECTED, MAX_ANSWERS, UnitWeighter));
        Ok(Arc::new(Self {
            answers: before.map_or_else(nothing, |before| Arc::clone(&before.answers)),
            flights: Flights::new(),
            inquiry: Inquiry::following(before.map(|before| &before.inquiry), rules, files, silence, metrics)?,
            service,
            gave_way: AtomicBool::new(false),
        }))
    }

    /// What is known now. Asks nobody, and waits for nothing; an answer that ends soon is renewed behind the caller's back.
    pub fn known(self: &Arc<Self>, about: &Arc<Issued>, now: UnixTime) -> Standing {
        let Some(entry) = self.answers.get(&about.key()) else { return Standing::NotAsked };
        let standing = self.standing_of(about, &entry, now);
        if standing != Standing::NotAsked && entry.is_to_be_renewed(now.as_secs()) {
            self.renew(about, now);
        }
        standing
    }

    /// Finds out what is not known. What is told holds for the request that asked, also where it is too short-lived to be
    /// remembered.
    ///
    /// However many ask about one certificate at a time, its issuer is asked once. Who goes away while waiting does not end
    /// that for the others.
    pub async fn answer(self: &Arc<Self>, about: &Arc<Issued>, now: UnixTime) -> Standing {
        // Renews nothing: this is asked while the list of flights is locked.
        let is_needed = || {
            let entry = self.answers.get(&about.key());
            entry.is_none_or(|entry| self.standing_of(about, &entry, now) == Standing::NotAsked)
        };
        let mut told = Standing::NotAsked;
        // Once more where the CRL files were replaced meanwhile.
        for _ in 0..2 {
            let generation = self.inquiry.generation(about);
            let Some(flight) = self.board(about, now, is_needed) else { return self.known(about, now) };
            told = flight.landed().await.unwrap_or(Standing::NotAsked);
            if generation == self.inquiry.generation(about) {
                break;
            }
        }
        told
    }

    /// Puts the CRL files in place that were read anew. Where an issuer's changed, what was answered under the old ones is asked
    /// again. Compares whole lists: too long for a thread that serves requests.
    pub fn replace_files(&self, files: CrlFiles) {
        self.inquiry.replace_files(files);
    }

    /// Remembers no more than who was revoked, since a store that followed this one does; requests that are under way are told
    /// what they ask.
    pub fn give_way(&self) {
        self.gave_way.store(true, Ordering::Relaxed);
    }

    /// Whether there is any CRL out of a file.
    pub fn has_files(&self) -> bool {
        self.inquiry.has_files()
    }

    fn standing_of(&self, about: &Issued, entry: &Entry, now: UnixTime) -> Standing {
        entry.standing(self.inquiry.generation(about), now.as_secs(), self.service)
    }

    fn renew(self: &Arc<Self>, about: &Arc<Issued>, now: UnixTime) {
        // `explain` judges without a runtime, and has no use for an answer that comes later.
        if tokio::runtime::Handle::try_current().is_ok() {
            drop(self.board(about, now, || true));
        }
    }

    fn board(
        self: &Arc<Self>,
        about: &Arc<Issued>,
        now: UnixTime,
        is_needed: impl FnOnce() -> bool,
    ) -> Option<Flight<Standing>> {
        self.flights.board((about.key(), self.inquiry.generation(about)), is_needed, || {
            let (store, about) = (Arc::clone(self), Arc::clone(about));
            async move { store.ask(&about, now).await }
        })
    }

    async fn ask(&self, about: &Issued, asked: UnixTime) -> Standing {
        let (begun, generation) = (Instant::now(), self.inquiry.generation(about));
        let outcome = self.inquiry.make(about, self.revoked(about), asked).await;
        let now = asked.as_secs().saturating_add(begun.elapsed().as_secs());
        let vain = |standing| Entry::vain(generation, self.before(about, generation, now), standing, now);
        let known = self.revoked(about);
        let (entry, revoked) = match outcome {
            // Somebody else may have been told meanwhile that it is revoked.
            Outcome::Answered(source, answer) if !known.admits(source, &answer) => (vain(Standing::Unavailable), known),
            Outcome::Answered(source, answer @ Answer { status, until, .. }) => {
                let revoked = known.after(source, &answer);
                let held = Held { status, source, received: now, until: until.as_secs(), revoked };
                (Entry::holding(generation, held, self.service, now), revoked)
            }
            Outcome::Unknown => (vain(Standing::Unknown), known),
            Outcome::Silence => (vain(Standing::Unavailable), known),
        };
        let standing = entry.standing(generation, now, self.service);
        // What came about under files or rules that were replaced meanwhile would take the place of what counts. But whom it
        // revoked no older answer must bring back: with that it is remembered, and asked again.
        let in_force = generation == self.inquiry.generation(about) && !self.gave_way.load(Ordering::Relaxed);
        if in_force || revoked.exceeds(known) {
            self.answers.insert(about.key(), Arc::new(entry));
        }
        standing
    }

    /// Whatever the rules were, and the CRL files.
    fn revoked(&self, about: &Issued) -> RevokedAsOf {
        let held = self.answers.get(&about.key()).and_then(|entry| entry.held);
        held.map_or_else(RevokedAsOf::default, |held| held.revoked)
    }

    /// The last answer, which has ended if it came about under other CRL files, or while the clock was ahead.
    fn before(&self, about: &Issued, generation: u64, now: u64) -> Option<Held> {
        let entry = self.answers.get(&about.key())?;
        let held = entry.held?;
        let until = if entry.counts(generation, now) { held.until } else { 0 };
        Some(Held { until, received: held.received.min(now), ..held })
    }
}

impl Entry {
    fn holding(generation: u64, held: Held, service: Service, now: u64) -> Self {
        let renew_at = AtomicU64::new(renewed_at(service.until(held), now));
        Self { generation, since: now, held: Some(held), vain: None, renew_at }
    }

    fn vain(generation: u64, held: Option<Held>, standing: Standing, now: u64) -> Self {
        let until = now.saturating_add(MEMORY_OF_SILENCE.as_secs());
        Self { generation, since: now, held, vain: Some((standing, until)), renew_at: AtomicU64::new(until) }
    }

    /// Whether it came about under these CRL files of its issuer, and not while the clock was ahead.
    fn counts(&self, generation: u64, now: u64) -> bool {
        self.generation == generation && !was_set_back(self.since, now)
    }

    fn standing(&self, generation: u64, now: u64, service: Service) -> Standing {
        if !self.counts(generation, now) {
            return Standing::NotAsked;
        }
        match (self.held, self.vain) {
            (Some(held), _) if now <= service.until(held) => held.standing(false),
            (_, None) => Standing::NotAsked,
            (_, Some((_, until))) if until < now => Standing::NotAsked,
            // Silence does not bring a certificate back.
            (Some(held @ Held { status: Status::Revoked { .. }, .. }), Some(_)) => held.standing(true),
            (Some(held), Some((Standing::Unavailable, _))) if now <= service.stale_until(held) => held.standing(true),
            (_, Some((standing, _))) => standing,
        }
    }

    /// Whether it is time, which only one caller is told.
    fn is_to_be_renewed(&self, now: u64) -> bool {
        let due = self.renew_at.load(Ordering::Relaxed);
        let later = now.saturating_add(MEMORY_OF_SILENCE.as_secs());
        due <= now && self.renew_at.compare_exchange(due, later, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }
}

impl Service {
    fn until(self, held: Held) -> u64 {
        let most = match held.source {
            // As long as their list, which rules before these may have let serve longer.
            Source::Asked(Method::Crl) => self.cache_ttl.min(self.crl_refresh),
            Source::Asked(Method::Ocsp) | Source::File => self.cache_ttl,
        };
        serves_until(held.until, most, held.received)
    }

    fn stale_until(self, held: Held) -> u64 {
        if self.max_stale == 0 { 0 } else { held.received.saturating_add(self.max_stale) }
    }
}

impl Held {
    fn standing(self, stale: bool) -> Standing {
        Standing::Known { status: self.status, method: self.source.method(), stale }
    }
}

/// Until when serves what was received at `since` and has this end, for so many seconds at most: those that have begun count
/// whole.
fn serves_until(end: u64, most: u64, since: u64) -> u64 {
    end.min(since.saturating_add(most.saturating_sub(1)))
}

/// When that is renewed: early enough that the next comes before it ends, late enough not to ask all the time.
fn renewed_at(until: u64, now: u64) -> u64 {
    until.saturating_sub(until.saturating_sub(now) / 4).max(now.saturating_add(1))
}

/// Whether what is from `since` is from a time when the clock was ahead: it would count until the clock is there again.
fn was_set_back(since: u64, now: u64) -> bool {
    now.saturating_add(SLIP) < since
}

/// A clock may be corrected by so many seconds without anything being asked again.
const SLIP: u64 = 5;
/// How long it is remembered that nobody answered.
const MEMORY_OF_SILENCE: Duration = Duration::from_secs(10);
/// How long an address is left alone that did not answer: less, or whoever asks again in time would find it left alone, and
/// would wait once more.
const SET_ASIDE: Duration = Duration::from_secs(9);
/// Certificates that are remembered, at most: about 30 MB.
const MAX_ANSWERS: u64 = 100_000;

#[cfg(test)]
mod tests;
