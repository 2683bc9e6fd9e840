//! The anchors: PEM, DER, PKCS#12, and JKS, told apart by content.

use rustls_pki_types::{CertificateDer, TrustAnchor, UnixTime};

/// Certificates that a path may end in.
#[derive(Debug)]
pub struct Truststore {
    // anchors
}

/// Why a file adds no anchors, or which certificate in it was skipped.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Unusable {
    /// What is wrong, in words for the operator.
    pub what: String,
}

/// Every certificate in one file, told apart by content.
///
/// # Errors
/// A file that cannot be read, holds no certificate, or needs another password.
pub fn certificates(bytes: &[u8], password: Option<&str>) -> Result<Vec<CertificateDer<'static>>, Unusable> {
    todo!()
}

impl Truststore {
    /// The anchors among `certificates`; what was skipped (expired, no CA) is listed. None left is an error.
    pub fn new(certificates: Vec<CertificateDer<'static>>, now: UnixTime) -> Result<(Self, Vec<Unusable>), Unusable> {
        todo!()
    }

    /// Subject (RFC 4514) and end of each anchor, for metrics.
    pub fn anchors(&self) -> impl Iterator<Item = (&str, UnixTime)> {
        std::iter::empty()
    }
}
