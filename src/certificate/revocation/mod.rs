//! Whether a certificate is revoked: answers of its issuer, verified. Nothing here fetches anything.

pub mod crl;
pub mod ocsp;
pub mod signature;

use rustls_pki_types::UnixTime;

/// A certificate as its issuer knows it: what revocation is asked about.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Issued {
    /// The issuer's name, DER.
    pub issuer_name: Vec<u8>,
    /// The issuer's SubjectPublicKeyInfo, DER.
    pub issuer_key: Vec<u8>,
    /// Whether the issuer's key may sign CRLs: keyUsage has cRLSign, or is absent.
    pub issuer_signs_crls: bool,
    /// The content octets of the serial number's INTEGER.
    pub serial: Vec<u8>,
    /// Whether the certificate is itself an authority: a CRL may be for the one kind only.
    pub is_authority: bool,
    /// Full names of its CRL distribution points, as addresses.
    pub distribution_points: Vec<String>,
}

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

/// Why something received is no answer: a sentence for the log. Never a verdict about the certificate.
pub type NoAnswer = &'static str;

fn unix(time: std::time::Duration) -> UnixTime {
    UnixTime::since_unix_epoch(time)
}

/// Difference between the responder's clock and ours, in seconds, at most.
const CLOCK_SKEW: u64 = 300;
