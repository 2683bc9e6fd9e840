//! The operator's CRLs, already read: verified for each issuer when the first of its certificates comes.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use parking_lot::Mutex;
use rustls_pki_types::UnixTime;

use crate::{
    certificate::revocation::{
        Answer, ComparedName, Issued, NoAnswer, Status,
        crl::{Crl, UnverifiedCrl},
    },
    outside::flights::Flights,
};

/// The CRLs of the operator.
pub struct CrlFiles {
    /// By the issuer's name. An issuer whose lists were taken away stays, with none.
    issuers: HashMap<ComparedName, OfIssuer>,
    /// Of issuers that never had a list.
    generation: u64,
}

/// The CRLs of one issuer.
struct OfIssuer {
    lists: Vec<Arc<OnDisk>>,
    /// No other lists in this process have it.
    generation: u64,
}

/// One CRL, and what came of holding it to issuers' keys: issuers are met only with the certificates they issued.
struct OnDisk {
    list: UnverifiedCrl,
    verified: Mutex<HashMap<Vec<u8>, Option<Crl>>>,
    /// Why it was last of no use: once is enough.
    useless: Mutex<Option<NoAnswer>>,
    /// By issuer's key: all who wait for a large list wait for one hash over it.
    flights: Flights<Vec<u8>, Option<Crl>>,
}

impl CrlFiles {
    /// Those that [`crate::certificate::revocation::crl::read`] found.
    pub fn new(lists: Vec<UnverifiedCrl>) -> Self {
        let generation = GENERATIONS.fetch_add(1, Ordering::Relaxed);
        let mut issuers = HashMap::new();
        for list in lists {
            let none = || OfIssuer { lists: Vec::new(), generation };
            let of_issuer = issuers.entry(list.issuer().clone()).or_insert_with(none);
            of_issuer.lists.push(Arc::new(OnDisk::new(list)));
        }
        Self { issuers, generation }
    }

    /// In the place of `before`: a list that is the same byte for byte keeps what is known of it, and an issuer whose lists all
    /// are keeps its generation, so that what was answered about its certificates holds.
    ///
    /// Compares whole lists.
    pub(super) fn following(self, before: &Self) -> Self {
        let mut files = self.sharing(before);
        let generation = std::mem::replace(&mut files.generation, before.generation);
        for (name, had) in &before.issuers {
            let none = || OfIssuer { lists: Vec::new(), generation };
            let has = files.issuers.entry(name.clone()).or_insert_with(none);
            if has.lists.iter().map(Arc::as_ptr).eq(had.lists.iter().map(Arc::as_ptr)) {
                has.generation = had.generation;
            }
        }
        files
    }

    /// A list that is the same byte for byte as one of `before` is that one, with what is known of it.
    ///
    /// Compares whole lists.
    pub(super) fn sharing(mut self, before: &Self) -> Self {
        for (name, has) in &mut self.issuers {
            let had = before.issuers.get(name).into_iter().flat_map(|had| &had.lists);
            for list in &mut has.lists {
                if let Some(same) = had.clone().find(|had| had.list == list.list) {
                    *list = Arc::clone(same);
                }
            }
        }
        self
    }

    /// Issuer (RFC 4514) and nextUpdate of each, for whoever watches them end.
    pub(super) fn ends(&self) -> Vec<(String, UnixTime)> {
        self.lists().map(|list| (list.list.issuer_text(), list.list.next_update())).collect()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lists().next().is_none()
    }

    /// Of the lists that are about the certificate: another one when any of them changed.
    pub(super) fn generation(&self, about: &Issued) -> u64 {
        self.issuers.get(about.issuer_compared()).map_or(self.generation, |issuer| issuer.generation)
    }

    /// What the newest CRL says that is about the certificate; of two of one time, the one that revokes it. Where the newest
    /// has ended, an older one may still revoke, but clears nobody.
    pub(super) async fn answer(&self, about: &Issued, now: UnixTime) -> Option<Answer> {
        let rank = |answer: &Answer| (answer.this_update, answer.status != Status::Good);
        let (mut newest, mut useless): (Option<Answer>, _) = (None, None);
        let mut latest = None;
        for list in self.issuers.get(about.issuer_compared()).iter().flat_map(|issuer| &issuer.lists) {
            let Some(crl) = list.verified(about).await else { continue };
            if crl.concerns(about, now).is_ok() {
                latest = latest.max(Some(crl.this_update()));
            }
            match crl.answer(about, now) {
                Ok(answer) if newest.is_none_or(|newest| rank(&newest) < rank(&answer)) => {
                    newest = Some(answer);
                }
                Ok(_) => {}
                Err(why) => useless = Some((list, why)),
            }
        }
        let newest = newest.filter(|answer| answer.status != Status::Good || Some(answer.this_update) == latest);
        // Lists may share an issuer's certificates out among them.
        if let (None, Some((list, why))) = (newest, useless) {
            list.complain(why);
        }
        newest
    }

    fn lists(&self) -> impl Iterator<Item = &Arc<OnDisk>> {
        self.issuers.values().flat_map(|issuer| &issuer.lists)
    }
}

impl OnDisk {
    fn new(list: UnverifiedCrl) -> Self {
        Self { list, verified: Mutex::default(), useless: Mutex::default(), flights: Flights::new() }
    }

    fn complain(&self, why: NoAnswer) {
        if self.useless.lock().replace(why) != Some(why) {
            tracing::warn!(event = "crl_file_not_used", error = why, "a CRL file gave no answer");
        }
    }

    async fn verified(self: &Arc<Self>, about: &Issued) -> Option<Crl> {
        let known = || self.verified.lock().get(about.issuer_key()).cloned();
        if let Some(known) = known() {
            return known;
        }
        let flight = self.flights.board(
            about.issuer_key().to_vec(),
            || known().is_none(),
            || {
                let (list, about) = (Arc::clone(self), about.clone());
                async move { list.verify(about).await }
            },
        );
        match flight {
            Some(flight) => flight.landed().await.flatten(),
            None => known().flatten(),
        }
    }

    async fn verify(&self, about: Issued) -> Option<Crl> {
        let (list, key) = (self.list.clone(), about.issuer_key().to_vec());
        // A hash over the whole list: too long for a thread that serves requests.
        let verified = tokio::task::spawn_blocking(move || list.verify(&about)).await.ok()?;
        if let Err(why) = &verified {
            tracing::warn!(
                event = "crl_file_not_used",
                error = why,
                "a CRL file does not hold for an issuer of its name"
            );
        }
        let verified = verified.ok();
        let mut known = self.verified.lock();
        if known.len() < MAX_ISSUERS {
            known.insert(key, verified.clone());
        }
        verified
    }
}

static GENERATIONS: AtomicU64 = AtomicU64::new(0);

/// Issuers of one name that are remembered for a CRL.
const MAX_ISSUERS: usize = 64;
