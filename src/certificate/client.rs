//! A certificate that is believed.

use std::{fmt, sync::Arc};

use rustls_pki_types::UnixTime;

use crate::{certificate::Written, thumbprint::Thumbprint};

/// A client certificate whose path leads to an anchor, now, for client authentication.
///
/// Only [`crate::certificate::Certificates::verify`] makes one. Cheap to clone.
#[derive(Clone)]
pub struct ClientCertificate(Arc<Facts>);

/// What the certificate says.
pub(super) struct Facts {
    pub(super) thumbprint: Thumbprint,
    /// RFC 4514, everything outside printable ASCII as `\xx`.
    pub(super) subject: String,
    pub(super) issuer: String,
    /// Lower-case hex, no leading zero octet.
    pub(super) serial: String,
    /// `organizationIdentifier` (2.5.4.97), where the subject has one.
    pub(super) organization_identifier: Option<String>,
    /// Of the leaf.
    pub(super) not_after: UnixTime,
    /// The window in which every certificate of the path is in date.
    pub(super) path_valid: (UnixTime, UnixTime),
    /// The header value for the backend, written from the DER; none when nothing is forwarded.
    pub(super) written: Option<Written>,
    /// Memory that the entry costs in the cache, in bytes, the key not counted.
    pub(super) weight: u32,
}

impl ClientCertificate {
    pub(super) fn new(facts: Facts) -> Self {
        Self(Arc::new(facts))
    }

    /// `x5t#S256`.
    pub fn thumbprint(&self) -> &Thumbprint {
        &self.0.thumbprint
    }

    /// The subject, RFC 4514, everything outside printable ASCII as `\xx`.
    pub fn subject(&self) -> &str {
        &self.0.subject
    }

    /// The issuer, written like the subject.
    pub fn issuer(&self) -> &str {
        &self.0.issuer
    }

    /// The serial number in lower-case hex.
    pub fn serial(&self) -> &str {
        &self.0.serial
    }

    /// `organizationIdentifier` (2.5.4.97) of the subject, as written. Its grammar is not checked here.
    pub fn organization_identifier(&self) -> Option<&str> {
        self.0.organization_identifier.as_deref()
    }

    /// The end of the certificate itself.
    pub fn not_after(&self) -> UnixTime {
        self.0.not_after
    }

    /// The headers for the backend.
    pub fn written(&self) -> Option<&Written> {
        self.0.written.as_ref()
    }

    pub(super) fn in_date(&self, now: UnixTime) -> bool {
        let (from, until) = self.0.path_valid;
        from <= now && now <= until
    }

    pub(super) fn weight(&self) -> u32 {
        self.0.weight
    }
}

impl fmt::Debug for ClientCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClientCertificate({})", self.0.thumbprint)
    }
}
