//! A certificate that is believed.

use std::{fmt, sync::Arc};

use bytes::Bytes;
use const_oid::db::rfc4519;
use rustls_pki_types::UnixTime;
use sha2::{Digest, Sha256};
use x509_cert::TbsCertificate;

use crate::{
    certificate::{
        Decoded, Written, name,
        path::VerifiedPath,
        qualified::Qualification,
        revocation::{Depth, Issued, Issuer},
        verdicts::Forward,
    },
    thumbprint::Thumbprint,
    validity::Validity,
};

/// A client certificate whose path leads to an anchor, now, for client authentication.
///
/// Only [`crate::certificate::Certificates::verify`] makes one. Cheap to clone.
#[derive(Clone)]
pub struct ClientCertificate(Arc<Facts>);

/// What the certificate says.
struct Facts {
    thumbprint: Thumbprint,
    subject: Box<str>,
    issuer: Box<str>,
    serial: Box<str>,
    organization_identifier: Option<Box<str>>,
    common_name: Option<Box<str>>,
    organizational_unit: Option<Box<str>>,
    /// SHA-256 of subjectPublicKey.
    key_identifier: [u8; 32],
    /// Of the certificates above it on the path, the anchor's own last.
    issuers: Box<[Thumbprint]>,
    not_after: UnixTime,
    /// When every certificate of the path is in date.
    path_valid: Validity,
    /// None when nothing is forwarded.
    written: Option<Written>,
    qualification: Qualification,
    /// Leaf first; an error where the certificate does not say what is asked about.
    issued: Result<Vec<Arc<Issued>>, &'static str>,
}

impl ClientCertificate {
    /// Reads what the certificate at the start of a verified path says, and writes it for the backend: in the memory of
    /// `key`, which it is remembered by, where that reads the same.
    pub(super) fn of(path: &VerifiedPath, forward: Option<Forward>, revocation: Option<Depth>, key: &Bytes) -> Self {
        let tbs = path.leaf.certificate().tbs_certificate();
        let leaf = path.leaf.decoded.der();
        let intermediates: Vec<&[u8]> = match forward {
            Some(Forward { chain: true, .. }) => path.intermediates.iter().map(Decoded::der).collect(),
            _ => Vec::new(),
        };
        let issuers = path.intermediates.iter().map(|sent| Thumbprint::of(sent.der())).chain([path.anchor.thumbprint]);
        Self(Arc::new(Facts {
            thumbprint: Thumbprint::of(leaf),
            subject: name::text(tbs.subject()).into(),
            issuer: name::text(tbs.issuer()).into(),
            serial: serial(tbs).into(),
            organization_identifier: name::value(tbs.subject(), name::ORGANIZATION_IDENTIFIER).map(Into::into),
            common_name: name::only(tbs.subject(), rfc4519::COMMON_NAME).map(Into::into),
            organizational_unit: name::only(tbs.subject(), rfc4519::ORGANIZATIONAL_UNIT_NAME).map(Into::into),
            key_identifier: Sha256::digest(tbs.subject_public_key_info().subject_public_key.raw_bytes()).into(),
            issuers: issuers.collect(),
            not_after: path.leaf.valid.until,
            path_valid: path.valid,
            qualification: path.leaf.qualification(),
            issued: issued(path, revocation),
            written: forward.map(|forward| forward.profile.encode(leaf, &intermediates).sharing(key)),
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

    /// CN of the subject, where there is exactly one.
    pub fn common_name(&self) -> Option<&str> {
        self.0.common_name.as_deref()
    }

    /// OU of the subject, where there is exactly one.
    pub fn organizational_unit(&self) -> Option<&str> {
        self.0.organizational_unit.as_deref()
    }

    /// SHA-256 of its public key, as it stands in subjectPublicKey.
    pub fn key_identifier(&self) -> &[u8; 32] {
        &self.0.key_identifier
    }

    /// Whether the certificate of this thumbprint is on the path: this one, an intermediate, or the anchor.
    pub fn has_on_its_path(&self, thumbprint: &Thumbprint) -> bool {
        std::iter::once(&self.0.thumbprint).chain(&self.0.issuers).any(|on_path| on_path.matches(thumbprint))
    }

    /// The end of the certificate itself.
    pub fn not_after(&self) -> UnixTime {
        self.0.not_after
    }

    /// The headers for the backend.
    pub fn written(&self) -> Option<&Written> {
        self.0.written.as_ref()
    }

    /// What the certificate's issuer says of it beyond its names.
    pub fn qualification(&self) -> &Qualification {
        &self.0.qualification
    }

    /// What revocation is asked about, leaf first, as far as the configuration demands it.
    pub(super) fn issued(&self) -> Result<&[Arc<Issued>], &'static str> {
        self.0.issued.as_deref().map_err(|why| *why)
    }

    pub(super) fn in_date(&self, now: UnixTime) -> bool {
        self.0.path_valid.holds(now)
    }

    /// Memory that it takes beside `key`, in bytes.
    pub(super) fn weight_beside(&self, key: &[u8]) -> usize {
        let Facts { subject, issuer, serial, organization_identifier, common_name, .. } = &*self.0;
        let Facts { organizational_unit, issuers, written, issued, .. } = &*self.0;
        let asked = issued.as_ref().map_or(0, |issued| issued.iter().map(|issued| issued.weight()).sum());
        let parts = [organization_identifier, common_name, organizational_unit];
        let parts: usize = parts.into_iter().flatten().map(|part| part.len()).sum();
        let texts = subject.len() + issuer.len() + serial.len() + parts + size_of_val(&**issuers);
        let headers = written.as_ref().map_or(0, |written| written.weight_beside(key));
        size_of::<Facts>() + texts + headers + asked
    }
}

/// The certificates of the path that are asked about, each with its issuer.
fn issued(path: &VerifiedPath, depth: Option<Depth>) -> Result<Vec<Arc<Issued>>, &'static str> {
    let reach = match depth {
        None => 0,
        Some(Depth::Leaf) => 1,
        Some(Depth::Chain) => usize::MAX,
    };
    let intermediates = path.intermediates.iter().map(Decoded::certificate);
    let below = std::iter::once(path.leaf.certificate()).chain(intermediates.clone());
    let issuers = intermediates.map(|above| Issuer::of(above).map(Arc::new)).chain([path.anchor.issuer.clone()]);
    below.zip(issuers).take(reach).map(|(below, issuer)| Issued::of(below, issuer?).map(Arc::new)).collect()
}

/// The serial number in lower-case hex, without the octet that makes it positive.
pub(super) fn serial(tbs: &TbsCertificate) -> String {
    serial_text(tbs.serial_number().as_bytes())
}

/// The content octets of a serial number in hex, as every record writes them.
pub(super) fn serial_text(octets: &[u8]) -> String {
    hex::encode(octets.strip_prefix(&[0]).filter(|rest| !rest.is_empty()).unwrap_or(octets))
}

impl fmt::Debug for ClientCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClientCertificate({})", self.0.thumbprint)
    }
}
