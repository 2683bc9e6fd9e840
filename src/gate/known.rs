//! What the gate asks, and what it is told.

use std::sync::Arc;

use bytes::Bytes;
use rustls_pki_types::UnixTime;

use crate::{
    certificate::revocation::{Issued, Revocations, Standing},
    consent::{ConsentAnswer, ConsentRequest},
    denial::Denial,
    registration::{KeysAt, RegistrationKnowledge},
    token::{Inquiry, Introspection, Introspections, KeyRing, Proof, SingleUse, Use},
};

/// What the shell has learned from outside.
#[derive(Clone, Copy)]
pub struct Known<'a> {
    /// The issuers' keys.
    pub keys: &'a KeyRing,
    /// What certificate authorities said.
    pub revocations: &'a dyn Revocations,
    /// What issuers said of tokens that cannot be read.
    pub introspections: &'a dyn Introspections,
    /// What was answered for this request; it is not asked again.
    pub answered: &'a [Answer],
    /// The proof of this very request, where it was verified when the request was judged before.
    pub proof: Option<&'a Proof>,
}

/// What the shell has to find out before the gate can say more.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Question {
    /// Fetch the keys of this issuer anew: a token names a key that is not among them.
    Keys {
        /// Index into [`crate::token::Issuers::issuers`].
        issuer: usize,
    },
    /// Ask the issuer of this certificate whether it is revoked.
    Revocation(Arc<Issued>),
    /// Ask the issuer whether this token is active.
    Introspection(Arc<Inquiry>),
    /// Find out whether this was used before, and remember that it was.
    Use(SingleUse),
    /// Read the request's body whole.
    Body,
    /// Fetch a key set that a registration needs.
    KeysAt(KeysAt),
    /// Fetch it anew: a registration names a key that is not in it.
    NewerKeysAt(KeysAt),
    /// Ask the consent service.
    Consent(Arc<ConsentRequest>),
}

/// What the shell found out. Where nothing is said here, the answer stands where it is kept for others too.
#[derive(Clone, Debug)]
pub enum Answer {
    /// The keys are in the ring, or are not to be had.
    Keys {
        /// As in the question.
        issuer: usize,
    },
    /// What came of it, for this request; newer answers are in [`Known::revocations`].
    Revocation(Arc<Issued>, Standing),
    /// What the issuer said.
    Introspection(Arc<Inquiry>, Introspection),
    /// Whether it was used before.
    Use(SingleUse, Use),
    /// The body, whole.
    Body(Bytes),
    /// The document; none: it is not to be had.
    KeysAt(KeysAt, Option<Arc<[u8]>>),
    /// The document as it is now, in the place of the one before, or that one once more; none: it is not to be had any more.
    NewerKeysAt(KeysAt, Option<Arc<[u8]>>),
    /// What the service said to this very question.
    Consent(Arc<ConsentRequest>, ConsentAnswer),
}

impl Question {
    /// Whether it cannot be taken back: what may be used once is used when it is asked, and a consent may be for one request.
    pub fn spends(&self) -> bool {
        matches!(self, Self::Use(_) | Self::Consent(_))
    }

    /// The refusal that it comes to when it is not answered.
    pub fn unanswered(&self) -> Denial {
        match self {
            Self::Keys { .. } => {
                Denial::TokenKeyUnknown { why: "no key of the issuer that is known here fits", kid: None }
            }
            Self::Revocation(_) => Denial::RevocationUnknown { why: "it takes more questions than a request may ask" },
            Self::Introspection(_) => Denial::IntrospectionUnavailable,
            Self::Use(_) => Denial::ProofInvalid { why: "whether it was used before is not known", nonce: None },
            Self::Body => Denial::RequestMalformed { why: "there is no body" },
            Self::KeysAt(_) | Self::NewerKeysAt(_) => Denial::KeysUnavailable,
            Self::Consent(_) => Denial::ConsentUnavailable,
        }
    }
}

impl Known<'_> {
    /// What came of asking this certificate's issuer for this request, if that was done.
    pub(super) fn told_of(&self, certificate: &Issued) -> Option<Standing> {
        self.answered.iter().find_map(|answer| match answer {
            Answer::Revocation(about, told) if **about == *certificate => Some(*told),
            _ => None,
        })
    }

    /// Whether newer keys were asked for.
    pub(super) fn asked_for_keys(&self, issuer: usize) -> bool {
        self.answered.iter().any(|answer| matches!(answer, Answer::Keys { issuer: asked } if *asked == issuer))
    }

    /// What the issuer said of the token: to this request, or to an earlier one.
    pub(super) fn introspection(&self, inquiry: &Inquiry, now: UnixTime) -> Option<Introspection> {
        let told = self.answered.iter().find_map(|answer| match answer {
            Answer::Introspection(about, told) if **about == *inquiry => Some(told.clone()),
            _ => None,
        });
        told.or_else(|| self.introspections.recall(inquiry, now))
    }

    /// Whether something was used before.
    pub(super) fn used(&self, what: &SingleUse) -> Option<Use> {
        self.answered.iter().find_map(|answer| match answer {
            Answer::Use(asked, used) if asked == what => Some(*used),
            _ => None,
        })
    }

    pub(super) fn body(&self) -> Option<&Bytes> {
        self.answered.iter().find_map(|answer| match answer {
            Answer::Body(body) => Some(body),
            _ => None,
        })
    }

    /// What the service said to `question`. What it said to another one covers another consent, or another client: an issuer
    /// that is asked again may say that a token names what it did not name before.
    pub(super) fn consent(&self, question: &ConsentRequest) -> Option<&ConsentAnswer> {
        self.answered.iter().find_map(|answer| match answer {
            Answer::Consent(asked, told) if **asked == *question => Some(told),
            _ => None,
        })
    }
}

impl RegistrationKnowledge for Known<'_> {
    fn keys(&self, at: &KeysAt) -> Option<Option<Arc<[u8]>>> {
        // The last answer about a place is the newest.
        self.answered.iter().rev().find_map(|answer| match answer {
            Answer::KeysAt(asked, document) | Answer::NewerKeysAt(asked, document) if asked == at => {
                Some(document.clone())
            }
            _ => None,
        })
    }

    fn asked_anew(&self, at: &KeysAt) -> bool {
        self.answered.iter().any(|answer| matches!(answer, Answer::NewerKeysAt(asked, _) if asked == at))
    }

    fn used(&self, what: &SingleUse) -> Option<Use> {
        self.used(what)
    }
}

/// Questions that are answered for one request. The gate asks nothing twice, and so no more than 28: about 11 certificates of
/// a path, the token at 8 issuers, two uses, the body, three key sets, two of them anew, and the consent.
pub const MOST_QUESTIONS: usize = 32;
