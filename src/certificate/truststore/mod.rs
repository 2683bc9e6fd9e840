//! The anchors: PEM, DER, PKCS#12, and JKS, told apart by content.

mod jks;

use std::fmt;

use der::Decode;
use p12_keystore::Pkcs12Archive;
use rustls_pki_types::{CertificateDer, TrustAnchor, UnixTime, pem::PemObject};
use webpki::anchor_from_trusted_cert;
use x509_cert::Certificate;

use super::{examined::Examined, name};

/// Certificates that a path may end in.
pub struct Truststore {
    anchors: Vec<Anchor>,
    /// What webpki wants of them, in the same order.
    trust: Vec<TrustAnchor<'static>>,
}

/// One anchor.
pub(super) struct Anchor {
    pub(super) examined: Examined,
    pub(super) der: CertificateDer<'static>,
    subject: String,
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
    if bytes.len() > MAX_BYTES {
        return Err(unusable("is larger than 16 MiB"));
    }
    let found = if bytes.starts_with(jks::MAGIC) {
        jks::certificates(bytes, password.unwrap_or_default())?
    } else if bytes.starts_with(JCEKS_MAGIC) {
        return Err(unusable("is a JCEKS store; convert it to PKCS#12 with keytool -importkeystore"));
    } else if bytes.first() == Some(&SEQUENCE) {
        der_or_pkcs12(bytes, password.unwrap_or_default())?
    } else {
        pem(bytes)?
    };
    if found.is_empty() {
        return Err(unusable("holds no certificate"));
    }
    Ok(found)
}

fn der_or_pkcs12(bytes: &[u8], password: &str) -> Result<Vec<CertificateDer<'static>>, Unusable> {
    if Certificate::from_der(bytes).is_ok() {
        return Ok(vec![CertificateDer::from(bytes.to_vec())]);
    }
    match Pkcs12Archive::from_pkcs12(bytes, password) {
        // All of them: OpenSSL does not write the attribute by which Java marks the trusted ones.
        Ok(archive) => Ok(archive.certs.iter().map(|bag| bag.cert.as_der().to_vec().into()).collect()),
        Err(p12_keystore::error::Error::MacError(_)) => Err(unusable("is a PKCS#12 store with another password")),
        Err(error) => Err(unusable(&format!("is neither a certificate in DER nor a readable PKCS#12 store ({error})"))),
    }
}

fn pem(bytes: &[u8]) -> Result<Vec<CertificateDer<'static>>, Unusable> {
    if !bytes.windows(PEM_BEGIN.len()).any(|window| window == PEM_BEGIN) {
        return Err(unusable("is no PEM, DER, PKCS#12, or JKS"));
    }
    CertificateDer::pem_slice_iter(bytes)
        .collect::<Result<_, _>>()
        .map_err(|error| unusable(&format!("is PEM that cannot be read ({error:?})")))
}

impl Truststore {
    /// The anchors among `certificates`; what was skipped (expired, no authority, unreadable) is listed.
    ///
    /// # Errors
    /// No anchor is left.
    pub fn new(certificates: Vec<CertificateDer<'static>>, now: UnixTime) -> Result<(Self, Vec<Unusable>), Unusable> {
        let mut store = Self { anchors: Vec::new(), trust: Vec::new() };
        let mut skipped = Vec::new();
        for der in certificates {
            if store.anchors.iter().any(|anchor| anchor.der == der) {
                continue;
            }
            match Anchor::new(der, now) {
                Ok((anchor, trust)) => {
                    store.anchors.push(anchor);
                    store.trust.push(trust);
                }
                Err(why) => skipped.push(why),
            }
        }
        if store.anchors.is_empty() {
            let reasons: Vec<_> = skipped.iter().map(|skipped| skipped.what.as_str()).collect();
            return Err(unusable(&format!("no anchor is left: {}", reasons.join("; "))));
        }
        Ok((store, skipped))
    }

    /// Subject (RFC 4514) and end of each anchor, for metrics.
    pub fn anchors(&self) -> impl Iterator<Item = (&str, UnixTime)> {
        self.anchors.iter().map(|anchor| (anchor.subject.as_str(), anchor.examined.valid.1))
    }

    /// For webpki.
    pub(super) fn trust(&self) -> &[TrustAnchor<'static>] {
        &self.trust
    }

    /// Every certificate that makes this anchor: the same name and key may be certified more than once.
    pub(super) fn behind<'a>(&'a self, found: &'a TrustAnchor<'_>) -> impl Iterator<Item = &'a Anchor> {
        self.trust.iter().zip(&self.anchors).filter(move |(trust, _)| *trust == found).map(|(_, anchor)| anchor)
    }

    /// Every anchor.
    pub(super) fn all(&self) -> &[Anchor] {
        &self.anchors
    }

    /// Every anchor's certificate.
    pub(super) fn examined(&self) -> impl Iterator<Item = &Examined> {
        self.anchors.iter().map(|anchor| &anchor.examined)
    }

    /// Anchors of this name, whatever their key.
    pub(super) fn named<'a>(&'a self, subject: &'a x509_cert::name::Name) -> impl Iterator<Item = &'a Anchor> {
        self.anchors.iter().filter(move |anchor| anchor.examined.certificate.tbs_certificate().subject() == subject)
    }
}

impl Anchor {
    fn new(der: CertificateDer<'static>, now: UnixTime) -> Result<(Self, TrustAnchor<'static>), Unusable> {
        let examined = Examined::parse(&der).map_err(|why| unusable(&format!("a certificate is malformed: {why}")))?;
        let subject = name::text(examined.certificate.tbs_certificate().subject());
        if !examined.is_authority() {
            return Err(unusable(&format!("{subject} is no certificate authority")));
        }
        if examined.valid.1 < now {
            return Err(unusable(&format!("{subject} has expired")));
        }
        let trust = anchor_from_trusted_cert(&der)
            .map(|trust| trust.to_owned())
            .map_err(|error| unusable(&format!("{subject} cannot be an anchor ({error:?})")))?;
        Ok((Self { examined, der, subject }, trust))
    }
}

impl fmt::Debug for Truststore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.anchors().map(|(subject, _)| subject)).finish()
    }
}

fn unusable(what: &str) -> Unusable {
    Unusable { what: what.to_owned() }
}

/// All public web roots together take less than 1 MiB.
const MAX_BYTES: usize = 16 * 1024 * 1024;
const SEQUENCE: u8 = 0x30;
const PEM_BEGIN: &[u8] = b"-----BEGIN ";
const JCEKS_MAGIC: &[u8] = &[0xce, 0xce, 0xce, 0xce];

#[cfg(test)]
mod tests;
