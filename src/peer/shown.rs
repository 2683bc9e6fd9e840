//! The certificates of a handshake, and what they came to as a load balancer's.

use std::{
    ops::Deref,
    sync::{Arc, Mutex, PoisonError},
};

use rustls_pki_types::{CertificateDer, UnixTime};

use crate::validity::Validity;

/// The certificates shown in a connection's TLS handshake, leaf first, with possession of the leaf's key proven and nothing
/// else; empty without mTLS.
///
/// What they came to as a load balancer's is kept with them, a refusal too: whoever connects chooses how many requests
/// follow, and they shall not cost a path each.
#[derive(Clone, Debug, Default)]
pub struct Shown(Option<Arc<Kept>>);

#[derive(Debug)]
struct Kept {
    certificates: Vec<CertificateDer<'static>>,
    judged: Mutex<Option<Judged>>,
}

#[derive(Debug)]
struct Judged {
    by: Arc<()>,
    said: Judgement,
}

/// What certificates come to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Judgement {
    pub(super) verdict: Result<(), &'static str>,
    /// When it is the same.
    pub(super) holds: Validity,
}

impl Shown {
    /// What `judge` says of them. It is asked once for as long as that holds, unless someone else has judged meanwhile.
    pub(super) fn judged(&self, by: &Arc<()>, now: UnixTime, judge: impl FnOnce() -> Judgement) -> Judgement {
        let Some(kept) = &self.0 else { return judge() };
        // Held meanwhile, so that requests that come together are judged together.
        let mut judged = kept.judged.lock().unwrap_or_else(PoisonError::into_inner);
        let known = judged.as_ref().filter(|known| Arc::ptr_eq(&known.by, by) && known.said.holds.holds(now));
        if let Some(known) = known {
            return known.said;
        }
        let said = judge();
        *judged = Some(Judged { by: Arc::clone(by), said });
        said
    }
}

impl Deref for Shown {
    type Target = [CertificateDer<'static>];

    fn deref(&self) -> &Self::Target {
        self.0.as_ref().map(|kept| kept.certificates.as_slice()).unwrap_or_default()
    }
}

impl FromIterator<CertificateDer<'static>> for Shown {
    fn from_iter<I: IntoIterator<Item = CertificateDer<'static>>>(shown: I) -> Self {
        let certificates: Vec<_> = shown.into_iter().collect();
        Self((!certificates.is_empty()).then(|| Arc::new(Kept { certificates, judged: Mutex::default() })))
    }
}
