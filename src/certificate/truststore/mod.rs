//! The anchors: PEM, DER, PKCS#12, and JKS, told apart by content.

mod jks;

use std::{
    collections::{HashMap, HashSet},
    fmt,
    sync::Arc,
};

use ahash::RandomState;
use der::Decode;
use p12_keystore::Pkcs12Archive;
use rustls_pki_types::{CertificateDer, Der, TrustAnchor, UnixTime, pem, pem::PemObject};
use webpki::anchor_from_trusted_cert;
use x509_cert::{Certificate, name::Name};

use super::{
    Decoded,
    examined::Examined,
    name,
    revocation::{Issuer, NoAnswer},
};
use crate::thumbprint::Thumbprint;

/// Certificates that a path may end in.
pub struct Truststore {
    anchors: Vec<Arc<Anchor>>,
    /// What webpki wants of them, in the same order.
    trust: Vec<TrustAnchor<'static>>,
    /// Places of those that bear a name, so that a certificate costs the same however many anchors there are.
    places: HashMap<Name, Vec<usize>, RandomState>,
    /// Whether an anchor constrains names.
    constrained: bool,
    /// Certificates that were given and are no anchors: for people who wonder.
    skipped: Vec<Thumbprint>,
}

/// One anchor.
pub(super) struct Anchor {
    pub(super) examined: Examined,
    pub(super) thumbprint: Thumbprint,
    /// What answers about its certificates are held to; an error where it cannot be read.
    pub(super) issuer: Result<Arc<Issuer>, NoAnswer>,
    subject: String,
}

impl fmt::Debug for Anchor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Anchor({})", self.subject)
    }
}

/// Why a file adds no anchors, or which certificate in it is of no use.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Unusable {
    /// What is wrong, in words for the operator.
    pub what: String,
    /// What mends it.
    pub remedy: Remedy,
}

/// What mends a file or a certificate of no use.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Remedy {
    /// Another one.
    Another,
    /// The password of the store.
    Password,
    /// The right time.
    Clock,
}

/// Every certificate in one file, told apart by content.
///
/// # Errors
/// A file that cannot be read, holds no certificate, or needs another password.
pub fn certificates(bytes: &[u8], password: Option<&str>) -> Result<Vec<CertificateDer<'static>>, Unusable> {
    if bytes.len() > MAX_BYTES {
        return Err(unusable("is larger than 16 MiB"));
    }
    if bytes.trim_ascii().is_empty() {
        return Err(unusable("is empty"));
    }
    let found = if bytes.starts_with(jks::MAGIC) {
        jks::certificates(bytes, password)?
    } else if bytes.starts_with(JCEKS_MAGIC) {
        return Err(unusable("is a JCEKS store; convert it to PKCS#12 with keytool -importkeystore"));
    } else if bytes.first() == Some(&SEQUENCE) {
        der_or_pkcs12(bytes, password)?
    } else {
        pem(bytes)?
    };
    if found.is_empty() {
        return Err(unusable("holds no certificate"));
    }
    Ok(found)
}

/// Whether these bytes could be a store, which a password opens.
pub fn may_be_store(bytes: &[u8]) -> bool {
    bytes.starts_with(jks::MAGIC) || bytes.first() == Some(&SEQUENCE) && Certificate::from_der(bytes).is_err()
}

fn der_or_pkcs12(bytes: &[u8], password: Option<&str>) -> Result<Vec<CertificateDer<'static>>, Unusable> {
    if Certificate::from_der(bytes).is_ok() {
        return Ok(vec![CertificateDer::from(bytes.to_vec())]);
    }
    let open = |password| Pkcs12Archive::from_pkcs12(bytes, password);
    let opened = match open(password.unwrap_or_default()) {
        // A store without a password lies beside others that have one.
        Err(p12_keystore::error::Error::MacError(_)) if password.is_some() => open(""),
        opened => opened,
    };
    match opened {
        Ok(archive) => trusted(archive),
        Err(p12_keystore::error::Error::MacError(_)) => Err(wrong_password("PKCS#12", password)),
        Err(error) => Err(unusable(&format!("is neither a certificate in DER nor a readable PKCS#12 store ({error})"))),
    }
}

/// The certificates that a PKCS#12 store is there to trust.
///
/// Those that Java marks as trusted; in a store without marks, as OpenSSL writes it, all. A store with a private key holds
/// the owner's own certificate and its issuers, which may be a public authority that issues to anyone: no anchors.
fn trusted(archive: Pkcs12Archive) -> Result<Vec<CertificateDer<'static>>, Unusable> {
    let marked = archive.certs.iter().any(|bag| bag.trusted);
    if !marked && !archive.keys.is_empty() {
        return Err(unusable(OWN_STORE));
    }
    let chosen = archive.certs.into_iter().filter(|bag| bag.trusted || !marked);
    Ok(chosen.map(|bag| bag.cert.as_der().to_vec().into()).collect())
}

fn wrong_password(format: &str, given: Option<&str>) -> Unusable {
    match given {
        Some(_) => unusable(&format!("is a {format} store with another password, or damaged")),
        None => Unusable { what: format!("is a {format} store, which needs a password"), remedy: Remedy::Password },
    }
}

/// Every block; a block that was passed over would be an anchor that the operator believes to be there.
fn pem(bytes: &[u8]) -> Result<Vec<CertificateDer<'static>>, Unusable> {
    if !contains(bytes, PEM_BEGIN) {
        return Err(unusable("is no PEM, DER, PKCS#12, or JKS"));
    }
    if OTHER_LABELS.iter().any(|label| contains(bytes, label)) {
        return Err(unusable("holds TRUSTED or X509 CERTIFICATE blocks; write them anew with openssl x509 -in FILE"));
    }
    let found = CertificateDer::pem_slice_iter(bytes)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| unusable(broken(&error)))?;
    let begun = bytes.windows(PEM_CERTIFICATE.len()).filter(|window| *window == PEM_CERTIFICATE).count();
    if found.len() != begun {
        return Err(unusable("has a CERTIFICATE block that does not begin at the start of a line, or does not end"));
    }
    Ok(found)
}

/// What the library says would be a list of bytes.
fn broken(error: &pem::Error) -> &'static str {
    match error {
        pem::Error::MissingSectionEnd { .. } => "is PEM that cannot be read: a block does not end",
        pem::Error::IllegalSectionStart { .. } => "is PEM that cannot be read: a BEGIN line does not end as it should",
        pem::Error::Base64Decode(_) => "is PEM that cannot be read: a block is not base64",
        _ => "is PEM that cannot be read",
    }
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

impl Truststore {
    /// The anchors among `certificates`, each once. Those that are skipped (expired, no authority, malformed) are listed,
    /// and so are those that are kept though no path can end in them now: for their extensions, or because they are not
    /// valid yet.
    ///
    /// # Errors
    /// No anchor is left.
    pub fn new(certificates: Vec<CertificateDer<'static>>, now: UnixTime) -> Result<(Self, Vec<Unusable>), Unusable> {
        let mut store = Self::empty();
        let mut skipped = Vec::new();
        let mut seen = HashSet::new();
        for der in certificates {
            if !seen.insert(der.clone()) {
                continue;
            }
            let thumbprint = Thumbprint::of(&der);
            match Anchor::new(der, now) {
                Ok((anchor, trust)) => {
                    skipped.extend(anchor.barred(now));
                    store.add(anchor, trust);
                }
                Err(why) => {
                    store.skipped.push(thumbprint);
                    skipped.push(why);
                }
            }
        }
        if store.anchors.is_empty() {
            let reasons: Vec<_> = skipped.iter().map(|skipped| skipped.what.as_str()).collect();
            return Err(unusable(&format!("no anchor is left: {}", reasons.join("; "))));
        }
        Ok((store, skipped))
    }

    fn empty() -> Self {
        let places = HashMap::default();
        Self { anchors: Vec::new(), trust: Vec::new(), places, constrained: false, skipped: Vec::new() }
    }

    fn add(&mut self, anchor: Anchor, trust: TrustAnchor<'static>) {
        let subject = anchor.examined.certificate().tbs_certificate().subject().clone();
        self.places.entry(subject).or_default().push(self.anchors.len());
        self.constrained |= anchor.examined.name_constraints.is_some();
        self.anchors.push(Arc::new(anchor));
        self.trust.push(trust);
    }

    /// Subject (RFC 4514) and end of each anchor, for metrics.
    pub fn anchors(&self) -> impl Iterator<Item = (&str, UnixTime)> {
        self.anchors.iter().map(|anchor| (anchor.subject.as_str(), anchor.examined.valid.until))
    }

    /// Whether paths that end here go on to `authority`: it has the subject and the key of an anchor, or signed one.
    pub fn leads_to(&self, authority: &CertificateDer<'_>) -> bool {
        let Ok(authority) = Decoded::read(authority.to_vec()).and_then(Examined::of) else { return false };
        let named = |examined: &Examined| {
            let tbs = examined.certificate().tbs_certificate();
            (tbs.subject().clone(), tbs.subject_public_key_info().clone())
        };
        let same = named(&authority);
        self.anchors.iter().any(|anchor| named(&anchor.examined) == same || anchor.examined.is_issued_by(&authority))
    }

    /// Whether this certificate was given as an anchor and is none: an expired one, or no authority's.
    pub fn skipped(&self, thumbprint: &Thumbprint) -> bool {
        self.skipped.iter().any(|skipped| skipped.matches(thumbprint))
    }

    /// Whether the key of any anchor is strong enough for a path to end in it.
    pub fn is_strong(&self, minimum_rsa_bits: usize) -> bool {
        self.anchors.iter().any(|anchor| anchor.examined.hold_strength(minimum_rsa_bits).is_ok())
    }

    /// Thumbprint and subject (RFC 4514) of each anchor.
    pub fn named(&self) -> impl Iterator<Item = (Thumbprint, &str)> {
        self.anchors.iter().map(|anchor| (anchor.thumbprint, anchor.subject.as_str()))
    }

    /// For webpki, which tries every anchor that it is given: those that bear the name of an issuer of `certificates`.
    pub(super) fn above<'a>(&self, certificates: impl Iterator<Item = &'a Examined>) -> Vec<TrustAnchor<'_>> {
        let mut places: Vec<usize> =
            certificates.flat_map(|below| self.places_above(below.certificate())).copied().collect();
        places.sort_unstable();
        places.dedup();
        places.into_iter().filter_map(|place| self.trust.get(place)).map(borrowed).collect()
    }

    /// Every certificate that makes the anchor which was found above `certificate`: the same name and key may be certified
    /// more than once.
    pub(super) fn behind<'a, 'b>(
        &'a self,
        found: &'b TrustAnchor<'b>,
        certificate: &Certificate,
    ) -> impl Iterator<Item = &'a Arc<Anchor>> + use<'a, 'b> {
        let places = self.places_above(certificate).iter();
        let same = places.filter(move |place| self.trust.get(**place).is_some_and(|trust| trust == found));
        same.filter_map(|place| self.anchors.get(*place))
    }

    /// Whether an anchor constrains names.
    pub(super) fn constrains_names(&self) -> bool {
        self.constrained
    }

    /// Anchors that bear the name of its issuer, whatever their key.
    pub(super) fn issuers_of<'a>(
        &'a self,
        certificate: &Certificate,
    ) -> impl Iterator<Item = &'a Arc<Anchor>> + use<'a> {
        self.places_above(certificate).iter().filter_map(|place| self.anchors.get(*place))
    }

    fn places_above(&self, certificate: &Certificate) -> &[usize] {
        self.places.get(certificate.tbs_certificate().issuer()).map(Vec::as_slice).unwrap_or_default()
    }
}

/// The same anchor without a copy of its parts.
fn borrowed<'a>(trust: &'a TrustAnchor<'_>) -> TrustAnchor<'a> {
    TrustAnchor {
        subject: Der::from_slice(&trust.subject),
        subject_public_key_info: Der::from_slice(&trust.subject_public_key_info),
        name_constraints: trust.name_constraints.as_deref().map(Der::from_slice),
    }
}

impl Anchor {
    fn new(der: CertificateDer<'static>, now: UnixTime) -> Result<(Self, TrustAnchor<'static>), Unusable> {
        let examined = Decoded::read(der.to_vec()).and_then(Examined::of);
        let examined = examined.map_err(|why| unusable(&format!("a certificate is malformed: {why}")))?;
        let subject = name::text(examined.certificate().tbs_certificate().subject());
        if !examined.is_authority() {
            return Err(unusable(&format!("{subject} is no certificate authority")));
        }
        if examined.valid.until < now {
            return Err(unusable(&format!("{subject} has expired")));
        }
        let trust = anchor_from_trusted_cert(&der)
            .map(|trust| trust.to_owned())
            .map_err(|error| unusable(&format!("{subject} cannot be an anchor ({error:?})")))?;
        let (thumbprint, issuer) = (Thumbprint::of(&der), Issuer::of(examined.certificate()).map(Arc::new));
        Ok((Self { examined, thumbprint, issuer, subject }, trust))
    }

    /// Why no path can end here, whatever the rules.
    fn barred(&self, now: UnixTime) -> Option<Unusable> {
        let Self { examined, subject, .. } = self;
        if now < examined.valid.from {
            let from = examined.certificate().tbs_certificate().validity().not_before;
            let what = format!("{subject} is not valid yet, not before {from}");
            return Some(Unusable { what, remedy: Remedy::Clock });
        }
        let denial = examined.hold_as_anchor(0, now).into_iter().find_map(Result::err)?;
        Some(unusable(&format!("no path can end in {subject}: {}", denial.detail().unwrap_or_default())))
    }
}

impl fmt::Debug for Truststore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.anchors().map(|(subject, _)| subject)).finish()
    }
}

fn unusable(what: &str) -> Unusable {
    Unusable { what: what.to_owned(), remedy: Remedy::Another }
}

/// All public web roots together take less than 1 MiB.
const MAX_BYTES: usize = 16 * 1024 * 1024;
const SEQUENCE: u8 = 0x30;
const PEM_BEGIN: &[u8] = b"-----BEGIN ";
const PEM_CERTIFICATE: &[u8] = b"-----BEGIN CERTIFICATE-----";
/// OpenSSL's: the one carries trust settings that would be lost, the other is an old name.
const OTHER_LABELS: [&[u8]; 2] = [b"-----BEGIN TRUSTED CERTIFICATE-----", b"-----BEGIN X509 CERTIFICATE-----"];
const OWN_STORE: &str = "holds a private key and its certificates, but no trusted certificate; a truststore is wanted";
const JCEKS_MAGIC: &[u8] = &[0xce, 0xce, 0xce, 0xce];

#[cfg(test)]
mod tests;
