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

use crate::certificate::revocation::{
    Answer, Issued,
    crl::{Crl, UnverifiedCrl},
};

/// The CRLs of the operator.
pub struct CrlFiles {
    lists: Vec<Arc<OnDisk>>,
    /// No other ones in this process have it.
    generation: u64,
}

/// One CRL, and what came of holding it to issuers' keys: issuers are met only with the certificates they issued.
struct OnDisk {
    list: UnverifiedCrl,
    verified: Mutex<HashMap<Vec<u8>, Option<Crl>>>,
}

impl CrlFiles {
    /// Those that [`crate::certificate::revocation::crl::read`] found.
    pub fn new(lists: Vec<UnverifiedCrl>) -> Self {
        let lists = lists.into_iter().map(|list| Arc::new(OnDisk { list, verified: Mutex::default() })).collect();
        Self { lists, generation: GENERATIONS.fetch_add(1, Ordering::Relaxed) }
    }

    /// Issuer (RFC 4514) and nextUpdate of each, for whoever watches them end.
    pub(super) fn ends(&self) -> Vec<(String, UnixTime)> {
        self.lists.iter().map(|list| (list.list.issuer_text(), list.list.next_update())).collect()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lists.is_empty()
    }

    pub(super) fn generation(&self) -> u64 {
        self.generation
    }

    /// What the newest CRL says that is about the certificate.
    pub(super) async fn answer(&self, about: &Issued, now: UnixTime) -> Option<Answer> {
        let mut newest: Option<Answer> = None;
        for list in self.lists.iter().filter(|list| list.list.issuer() == about.issuer_name()) {
            let Some(crl) = list.verified(about).await else { continue };
            match crl.answer(about, now) {
                Ok(answer) if newest.is_none_or(|newest| newest.this_update < answer.this_update) => {
                    newest = Some(answer);
                }
                Ok(_) => {}
                Err(why) => tracing::debug!(event = "crl_file_not_used", error = why, "a CRL file gave no answer"),
            }
        }
        newest
    }
}

impl OnDisk {
    async fn verified(self: &Arc<Self>, about: &Issued) -> Option<Crl> {
        if let Some(known) = self.verified.lock().get(about.issuer_key()) {
            return known.clone();
        }
        let (list, issued) = (self.list.clone(), about.clone());
        // A hash over the whole list: too long for a thread that serves requests.
        let verified = tokio::task::spawn_blocking(move || list.verify(&issued)).await.ok()?;
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
            known.insert(about.issuer_key().to_vec(), verified.clone());
        }
        verified
    }
}

static GENERATIONS: AtomicU64 = AtomicU64::new(0);

/// Issuers of one name that are remembered for a CRL.
const MAX_ISSUERS: usize = 64;
