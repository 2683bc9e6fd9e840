//! What the operator demands of a certificate's revocation, and what is done while nobody answers.

use std::sync::Arc;

use rustls_pki_types::UnixTime;

use super::{Issued, Method, Standing, Status, reason_name};
use crate::{
    certificate::{ClientCertificate, client::serial_text},
    denial::Denial,
};

/// What the shell remembers of issuers' answers. Asks nobody and waits for nothing.
pub trait Revocations {
    /// What is known of this certificate now.
    fn standing(&self, about: &Arc<Issued>, now: UnixTime) -> Standing;
}

/// What is demanded.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RevocationPolicy {
    /// Nothing: `methods = []`.
    Off,
    /// That nothing the depth reaches is revoked.
    Demanded {
        /// How far up the path.
        depth: Depth,
        /// Whether a certificate passes of which nobody tells anything. An answer that has ended is for the shell to serve
        /// or not.
        allow_unavailable: bool,
    },
}

/// Which certificates of a path are asked about.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Depth {
    /// The client's own.
    Leaf,
    /// All but the anchor.
    Chain,
}

/// Proof that revocation does not stand against a certificate, and why not, for the record.
///
/// Only [`RevocationPolicy::clear`] makes one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Cleared {
    grounds: Grounds,
}

/// What revocation says of a certificate: of all in a path that do not stand against it, the weakest, or what is unanswered
/// above a client would be recorded as good.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Grounds {
    /// It is not asked.
    NotDemanded,
    /// The issuer revoked it, or an issuer above it.
    Revoked {
        /// How it was asked.
        method: Method,
        /// Whether the answer was there before the request.
        cached: bool,
    },
    /// Nobody said anything, and the operator does not allow that; or its responder does not know it.
    Unknown,
    /// The issuer said so.
    Good {
        /// How it was asked.
        method: Method,
        /// Whether the answer was there before the request.
        cached: bool,
        /// Whether the answer had ended.
        stale: bool,
    },
    /// Nobody said anything, and the operator allows that.
    Unavailable,
}

impl Grounds {
    /// As audit and metrics write it; none where it is not asked.
    pub fn status(&self) -> Option<&'static str> {
        match self {
            Self::NotDemanded => None,
            Self::Good { stale: false, .. } => Some("good"),
            Self::Good { stale: true, .. } => Some("stale"),
            Self::Revoked { .. } => Some("revoked"),
            Self::Unknown => Some("unknown"),
            Self::Unavailable => Some("unavailable"),
        }
    }

    /// How little stands behind a pass.
    fn weakness(&self) -> u8 {
        match self {
            Self::Good { stale: false, .. } => 0,
            Self::Good { stale: true, .. } => 1,
            Self::NotDemanded | Self::Unavailable | Self::Unknown | Self::Revoked { .. } => 2,
        }
    }

    /// How the answer was had, where there is one.
    pub fn method(&self) -> Option<Method> {
        match self {
            Self::Good { method, .. } | Self::Revoked { method, .. } => Some(*method),
            Self::NotDemanded | Self::Unknown | Self::Unavailable => None,
        }
    }
}

/// Why a certificate is not cleared.
#[derive(Debug)]
pub enum ClearStop {
    /// It is revoked, or nobody tells; and what the record says of it.
    Deny(Denial, Option<Grounds>),
    /// Its issuer has to be asked.
    Ask(Arc<Issued>),
}

impl Cleared {
    /// For the record.
    pub fn grounds(&self) -> Grounds {
        self.grounds
    }
}

impl RevocationPolicy {
    /// How much of a path has to be remembered for it.
    pub fn depth(&self) -> Option<Depth> {
        match self {
            Self::Off => None,
            Self::Demanded { depth, .. } => Some(*depth),
        }
    }

    /// Holds the certificate, whose path is verified, to what issuers say. `told` is what came of asking about a certificate
    /// for this very request: nobody is asked twice, and an answer that was had for a request serves that request, however
    /// short it is remembered.
    ///
    /// # Errors
    /// `certificate_revoked`; `revocation_unknown`, also for a certificate that its responder does not know, whatever
    /// is configured.
    pub fn clear(
        &self,
        certificate: &ClientCertificate,
        known: &dyn Revocations,
        told: impl Fn(&Issued) -> Option<Standing>,
        now: UnixTime,
    ) -> Result<Cleared, ClearStop> {
        let Self::Demanded { allow_unavailable, .. } = *self else {
            return Ok(Cleared { grounds: Grounds::NotDemanded });
        };
        let issued = certificate.issued().map_err(|why| Denial::CertificateMalformed { why })?;
        let mut weakest: Option<Grounds> = None;
        for about in issued {
            let told = told(about);
            let standing = match known.standing(about, now) {
                Standing::NotAsked => told.unwrap_or(Standing::NotAsked),
                standing => standing,
            };
            let cached = told.is_none();
            let of_this = match standing {
                Standing::Known { status: Status::Revoked { since, reason }, method, .. } => {
                    return Err(ClearStop::Deny(
                        revoked(about, since, reason),
                        Some(Grounds::Revoked { method, cached }),
                    ));
                }
                Standing::Known { status: Status::Good, method, stale } => Grounds::Good { method, stale, cached },
                Standing::NotAsked if cached => return Err(ClearStop::Ask(Arc::clone(about))),
                Standing::Unavailable if allow_unavailable => Grounds::Unavailable,
                Standing::Unknown => return Err(unknown("the responder does not know the certificate")),
                Standing::Unavailable => return Err(unanswered(about)),
                // Asked, and still nothing is known: something else went wrong than a silent responder.
                Standing::NotAsked => return Err(unknown("nobody could be asked")),
            };
            // Of those that are alike the client's own, which comes first.
            if weakest.is_none_or(|weakest| of_this.weakness() > weakest.weakness()) {
                weakest = Some(of_this);
            }
        }
        // A path without a certificate to ask about would be one that was not remembered for asking.
        weakest.map(|grounds| Cleared { grounds }).ok_or_else(|| unknown("nobody could be asked"))
    }
}

fn revoked(about: &Issued, since: UnixTime, reason: Option<u8>) -> Denial {
    let (serial, since) = (serial_text(&about.serial), since.as_secs());
    Denial::CertificateRevoked { serial, since, reason: reason.map(reason_name) }
}

fn unanswered(about: &Issued) -> ClearStop {
    if about.responders.is_empty() && about.distribution_points.is_empty() {
        return unknown("the certificate names no responder and no list, and no CRL file tells of it");
    }
    unknown("no usable answer came in time")
}

fn unknown(why: &'static str) -> ClearStop {
    ClearStop::Deny(Denial::RevocationUnknown { why }, Some(Grounds::Unknown))
}

impl From<Denial> for ClearStop {
    fn from(denial: Denial) -> Self {
        Self::Deny(denial, None)
    }
}

#[cfg(test)]
mod tests;
