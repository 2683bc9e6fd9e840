//! CRLs out of distribution points, kept until they are due.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use quick_cache::sync::Cache;
use rustls_pki_types::UnixTime;
use tokio::sync::Semaphore;

use super::{
    MEMORY_OF_SILENCE,
    inquiry::{Errands, MAX_ADDRESSES, NoUse, Outcome},
    renewed_at,
    revoked::{OLDER, RevokedAsOf, Source},
    serves_until, was_set_back,
};
use crate::{
    certificate::revocation::{
        Answer, Issued, Method,
        crl::{self, Crl, UnverifiedCrl},
    },
    memory::Weigh,
    outside::flights::Flights,
};

/// The CRLs at hand.
pub(super) struct Lists(Arc<Shelf>);

type AtHand = Cache<Place, Arc<List>, Weigh<Place, Arc<List>>>;

struct Shelf {
    errands: Arc<Errands>,
    /// Shared with the shelf that follows this one.
    lists: Arc<AtHand>,
    /// Lists of a shelf before this one are due at once.
    since: Instant,
    /// Older ones came from where one may not ask any more, perhaps: none gives way to an older one, but they answer nothing.
    serving_since: Instant,
    /// Each brings its list itself: the memory may be too small for it beside others.
    flights: Flights<Place, Option<Arc<List>>>,
    /// Until when a place is left alone whose list is of no use: nothing is wrong with the address, where others may find
    /// theirs.
    useless: Cache<Place, Instant>,
    /// Bounds the memory of those that are being read.
    reading: Semaphore,
    refresh: u64,
}

/// Where a CRL is, and whose it must be: the same address may serve another issuer's.
#[derive(Clone, Eq, Hash, PartialEq)]
struct Place {
    address: String,
    issuer_name: Vec<u8>,
    issuer_key: Vec<u8>,
}

/// Times are seconds of the Unix epoch.
struct List {
    crl: Crl,
    fetched: u64,
    /// When it was fetched, or last looked for in vain.
    since: u64,
    /// The same by a clock that nobody sets.
    begun: Instant,
    /// When a newer one is looked for. An older one never takes its place.
    due: u64,
}

impl Lists {
    /// In the place of `before`, whose rules were others: newer lists are looked for at once, and none gives way to an older
    /// one.
    pub(super) fn following(before: Option<&Self>, errands: Arc<Errands>, refresh: Duration) -> Self {
        let nothing =
            || Arc::new(Cache::with_weighter(ESTIMATED, MAX_MEMORY, Weigh(|_, list: &Arc<List>| list.crl.weight())));
        let now = Instant::now();
        let alike = before.filter(|before| before.0.errands.goes_where(&errands));
        Self(Arc::new(Shelf {
            errands,
            lists: before.map_or_else(nothing, |before| Arc::clone(&before.0.lists)),
            since: now,
            serving_since: alike.map_or(now, |before| before.0.serving_since),
            flights: Flights::new(),
            useless: Cache::new(MAX_USELESS),
            reading: Semaphore::new(AT_A_TIME),
            refresh: refresh.as_secs().max(1),
        }))
    }

    pub(super) async fn look_up(&self, about: &Issued, revoked: RevokedAsOf, now: UnixTime) -> Outcome {
        let asked = Source::Asked(Method::Crl);
        let written = about.distribution_points().iter().filter(|address| is_web(address));
        for address in written.take(MAX_ADDRESSES) {
            match self.look_up_at(address, about, now).await {
                Some(answer) if revoked.admits(asked, &answer) => return Outcome::Answered(asked, answer),
                Some(_) => self.0.errands.note(Method::Crl, address, &NoUse::Answer(OLDER)),
                None => {}
            }
        }
        Outcome::Silence
    }

    async fn look_up_at(&self, address: &str, about: &Issued, now: UnixTime) -> Option<Answer> {
        let place = Place {
            address: address.to_owned(),
            issuer_name: about.issuer_name().to_vec(),
            issuer_key: about.issuer_key().to_vec(),
        };
        let shelf = &self.0;
        let is_due = || shelf.lists.get(&place).is_none_or(|list| list.is_due(now.as_secs(), shelf.since));
        let mut newer = None;
        if is_due() {
            let flight = shelf.flights.board(place.clone(), is_due, || {
                let (shelf, place, about) = (Arc::clone(shelf), place.clone(), about.clone());
                async move { shelf.renew(place, about, now).await }
            });
            if let Some(flight) = flight {
                newer = flight.landed().await.flatten();
            }
        }
        // When no newer one could be had, the old one serves until its own end.
        let at_hand = || shelf.lists.get(&place).filter(|list| shelf.serving_since <= list.begun);
        let list = newer.or_else(at_hand)?;
        match list.crl.answer(about, now) {
            Ok(answer) => {
                let until = match list.serves_until(shelf.refresh) {
                    // One that is overdue serves until the next try.
                    until if until < now.as_secs() => now.as_secs().saturating_add(MEMORY_OF_SILENCE.as_secs()),
                    until => until,
                };
                let until = UnixTime::since_unix_epoch(Duration::from_secs(until));
                Some(Answer { until: answer.until.min(until), ..answer })
            }
            Err(why) => {
                shelf.errands.note(Method::Crl, address, &NoUse::Answer(why));
                None
            }
        }
    }
}

impl Shelf {
    async fn renew(&self, place: Place, about: Issued, asked: UnixTime) -> Option<Arc<List>> {
        let begun = Instant::now();
        match self.read(&place, about, asked).await {
            Ok(crl) => {
                let now = asked.as_secs().saturating_add(begun.elapsed().as_secs());
                let list = match self.lists.get(&place) {
                    // A mirror that lags behind, or an old list that somebody recorded: the one at hand serves to its own end.
                    Some(held) if crl.this_update() < held.crl.this_update() => {
                        self.errands.note(
                            Method::Crl,
                            &place.address,
                            &NoUse::Answer("the CRL is older than the one at hand"),
                        );
                        let due = now.saturating_add((self.refresh / 4).clamp(1, MOST_LAG));
                        List { crl: held.crl.clone(), fetched: held.fetched, since: now, begun, due }
                    }
                    _ => {
                        self.errands.received(&place.address, &crl);
                        let list = List { crl, fetched: now, since: now, begun, due: 0 };
                        List { due: renewed_at(list.serves_until(self.refresh), now), ..list }
                    }
                };
                let list = Arc::new(list);
                self.lists.insert(place, Arc::clone(&list));
                Some(list)
            }
            Err(why) => {
                self.errands.note(Method::Crl, &place.address, &why);
                self.heed(place, &why);
                None
            }
        }
    }

    /// Leaves alone what was of no use, or every other certificate of the issuer would make it fetched again.
    fn heed(&self, place: Place, why: &NoUse) {
        match why {
            NoUse::Fetch(_) => self.errands.set_aside(&place.address),
            NoUse::Answer(_) | NoUse::Refused(_) => self.useless.insert(place, self.errands.silence_from_now()),
            // Not tried: to extend its time would leave it alone for as long as anybody asks.
            NoUse::Silent | NoUse::Busy | NoUse::Address(_) => {}
        }
    }

    async fn read(&self, place: &Place, about: Issued, now: UnixTime) -> Result<Crl, NoUse> {
        if self.useless.get(place).is_some_and(|until| Instant::now() < until) {
            return Err(NoUse::Silent);
        }
        let _turn = self.errands.turn(&self.reading).await?;
        let der = self.errands.get(&place.address, crl::MAX_BYTES).await?;
        let verified = tokio::task::spawn_blocking(move || UnverifiedCrl::parse(der.into())?.verify(&about)).await;
        let crl = verified.map_err(|_| NoUse::Answer("the task that read it failed"))?.map_err(NoUse::Answer)?;
        // One that was made ahead of its time would keep out all that come before that.
        crl.begun(now).map_err(NoUse::Answer)?;
        Ok(crl)
    }
}

impl List {
    /// Until when answers out of it serve, where lists serve for so many seconds.
    fn serves_until(&self, refresh: u64) -> u64 {
        serves_until(self.crl.next_update().as_secs(), refresh, self.fetched)
    }

    fn is_due(&self, now: u64, since: Instant) -> bool {
        self.due <= now || self.begun < since || was_set_back(self.since, now)
    }
}

/// Whether it is worth a try: LDAP is not spoken.
fn is_web(address: &str) -> bool {
    let scheme = address.split_once(':').map_or("", |(scheme, _)| scheme);
    scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https")
}

/// Memory for CRLs out of distribution points, in bytes.
const MAX_MEMORY: u64 = 512 * 1024 * 1024;
/// Lists to expect, so few that the memory is one: in parts, a large list would fit into none.
const ESTIMATED: usize = 32;
/// Places of useless lists that are remembered.
const MAX_USELESS: usize = 1_000;
/// Seconds until a newer list is looked for where an older one was found, at most: a mirror that lags behind catches up soon.
const MOST_LAG: u64 = 60;
/// CRLs that are read at a time.
const AT_A_TIME: usize = 4;
