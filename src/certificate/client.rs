//! A certificate that is believed.

use std::{fmt, sync::Arc};

use rustls_pki_types::UnixTime;

use crate::{
    certificate::{Presented, Written, name, path::VerifiedPath, verdicts::Forward},
    thumbprint::Thumbprint,
};

/// A client certificate whose path leads to an anchor, now, for client authentication.
///
/// Only [`crate::certificate::Certificates::verify`] makes one. Cheap to clone.
#[derive(Clone)]
pub struct ClientCertificate(Arc<Facts>);

/// What the certificate says.
struct Facts {
    thumbprint: Thumbprint,
    subject: String,
    issuer: String,
    serial: String,
    organization_identifier: Option<String>,
    not_after: UnixTime,
    /// When every certificate of the path is in date, both ends included.
    path_valid: (UnixTime, UnixTime),
    /// None when nothing is forwarded.
    written: Option<Written>,
}

impl ClientCertificate {
    /// Reads what the certificate at the start of a verified path says, and writes it for the backend.
    pub(super) fn of(path: &VerifiedPath, presented: &Presented, forward: Option<Forward>) -> Self {
        let tbs = path.leaf.certificate.tbs_certificate();
        let serial = tbs.serial_number().as_bytes();
        let intermediates = match forward {
            Some(Forward { chain: true, .. }) => path.intermediates.as_slice(),
            _ => &[],
        };
        Self(Arc::new(Facts {
            thumbprint: Thumbprint::of(&presented.leaf),
            subject: name::text(tbs.subject()),
            issuer: name::text(tbs.issuer()),
            serial: hex(serial.strip_prefix(&[0]).filter(|rest| !rest.is_empty()).unwrap_or(serial)),
            organization_identifier: name::value(tbs.subject(), name::ORGANIZATION_IDENTIFIER),
            not_after: path.leaf.valid.1,
            path_valid: path.valid,
            written: forward.map(|forward| forward.profile.encode(&presented.leaf, intermediates)),
        }))
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

    /// Memory that it takes, in bytes.
    pub(super) fn weight(&self) -> usize {
        let Facts { subject, issuer, serial, organization_identifier, written, .. } = &*self.0;
        let texts =
            subject.len() + issuer.len() + serial.len() + organization_identifier.as_ref().map_or(0, String::len);
        let headers = written
            .as_ref()
            .map_or(0, |written| written.leaf.len() + written.chain.as_ref().map_or(0, http::HeaderValue::len));
        size_of::<Facts>() + texts + headers
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|digit| char::from_digit(digit.into(), 16))
        .collect()
}

impl fmt::Debug for ClientCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClientCertificate({})", self.0.thumbprint)
    }
}
