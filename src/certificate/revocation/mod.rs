//! Whether a certificate is revoked: answers of its issuer, verified. Nothing here fetches anything.

pub mod crl;
pub mod issued;
#[cfg(test)]
pub(crate) mod minted;
pub mod ocsp;
pub mod policy;

use rustls_pki_types::UnixTime;

pub use super::name::ComparedName;
pub(in crate::certificate) use issued::Issuer;
pub use issued::{Issued, IssuedKey};
pub use policy::{ClearStop, Cleared, Depth, Grounds, RevocationPolicy, Revocations};

/// What an issuer says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Status {
    /// Not revoked.
    Good,
    /// Revoked, or on hold.
    Revoked {
        /// Since when.
        since: UnixTime,
        /// CRLReason (RFC 5280, section 5.3.1), where given.
        reason: Option<u8>,
    },
}

/// A verified answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Answer {
    /// The status.
    pub status: Status,
    /// When the issuer made it.
    pub this_update: UnixTime,
    /// Until when it may be relied on.
    pub until: UnixTime,
}

/// How an answer was had.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Method {
    /// A responder was asked.
    Ocsp,
    /// It was looked up in a list.
    Crl,
}

impl Method {
    /// As the configuration and every record write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ocsp => "ocsp",
            Self::Crl => "crl",
        }
    }
}

/// What is known of a certificate's revocation when a request is judged.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Standing {
    /// Its issuer said so, and the answer holds.
    Known {
        /// What the issuer said.
        status: Status,
        /// How it was asked.
        method: Method,
        /// Whether the answer has ended and serves only because no newer one can be had: `on_unavailable = "stale"`.
        stale: bool,
    },
    /// A responder knows nothing of the certificate and no other method answered. A refusal, whatever is configured.
    Unknown,
    /// Asked a moment ago, and nobody gave a usable answer: `on_unavailable` decides.
    Unavailable,
    /// Nobody has been asked lately.
    NotAsked,
}

/// Why something received is no answer: a sentence for the log. Never a verdict about the certificate.
pub type NoAnswer = &'static str;

fn unix(time: std::time::Duration) -> UnixTime {
    UnixTime::since_unix_epoch(time)
}

fn at(seconds: u64) -> UnixTime {
    unix(std::time::Duration::from_secs(seconds))
}

/// CRLReason by its name (RFC 5280, section 5.3.1).
fn reason_name(reason: u8) -> &'static str {
    match reason {
        0 => "unspecified",
        1 => "keyCompromise",
        2 => "cACompromise",
        3 => "affiliationChanged",
        4 => "superseded",
        5 => "cessationOfOperation",
        6 => "certificateHold",
        8 => "removeFromCRL",
        9 => "privilegeWithdrawn",
        10 => "aACompromise",
        _ => "a reason that is not known",
    }
}

/// Difference between the responder's clock and ours, in seconds, at most.
const CLOCK_SKEW: u64 = 300;
