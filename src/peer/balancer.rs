//! The certificate that a load balancer shows when it connects by mTLS.

use std::fmt;

use der::{Decode, asn1::Ia5String};
use rustls_pki_types::{CertificateDer, TrustAnchor, UnixTime};
use webpki::{ALL_VERIFICATION_ALGS, EndEntityCert, KeyUsage, anchor_from_trusted_cert};
use x509_cert::{
    Certificate,
    ext::pkix::{BasicConstraints, SubjectAltName, name::GeneralName},
};

use crate::memory::{Kept, Memory};

/// The certificate authorities and names of load balancers that do mTLS with certbound.
///
/// Checks the path, the dates of every certificate on it, and the name. Does not ask about revocation: a balancer's
/// certificate is withdrawn by changing the configured authority or name.
pub struct Balancers {
    authorities: Vec<Authority>,
    names: Vec<String>,
    /// Leaves that were recognised, and while their path holds; dates are compared on every hit.
    recognised: Memory<Vec<u8>, Window>,
}

struct Authority {
    anchor: TrustAnchor<'static>,
    window: Window,
}

/// Seconds since 1970, both ends included.
#[derive(Clone, Copy)]
struct Window {
    from: u64,
    until: u64,
}

impl Balancers {
    /// From DER certificates of the authorities and the DNS or URI SANs allowed; no names: any certificate of the
    /// authorities.
    ///
    /// # Errors
    /// Why one of `authorities` is none, in words for the operator.
    pub fn new(authorities: Vec<CertificateDer<'static>>, names: Vec<String>) -> Result<Self, &'static str> {
        if authorities.is_empty() {
            return Err("it holds no certificate");
        }
        let authorities = authorities.iter().map(Authority::read).collect::<Result<_, _>>()?;
        let recognised = Memory::new(REMEMBERED_BYTES, |kept: &Kept<Vec<u8>>, _| kept.key.len());
        Ok(Self { authorities, names, recognised })
    }

    /// Whether `shown`, leaf first, leads to an authority now and names an allowed load balancer.
    pub(super) fn recognise(&self, shown: &[CertificateDer<'_>], now: UnixTime) -> bool {
        let Some((leaf, intermediates)) = shown.split_first() else { return false };
        if self.recognised.recall(leaf).is_some_and(|window| window.holds(now)) {
            return true;
        }
        let Some(window) = self.path(leaf, intermediates, now).filter(|_| self.names_match(leaf)) else { return false };
        self.recognised.remember(leaf.to_vec(), window);
        true
    }

    /// The window of a path from `leaf` to an authority, if there is one now.
    fn path(&self, leaf: &CertificateDer<'_>, intermediates: &[CertificateDer<'_>], now: UnixTime) -> Option<Window> {
        // webpki takes an anchor's dates for granted.
        let current: Vec<_> = self.authorities.iter().filter(|authority| authority.window.holds(now)).collect();
        let anchors: Vec<_> = current.iter().map(|authority| authority.anchor.clone()).collect();
        let usage = KeyUsage::client_auth();
        let end = EndEntityCert::try_from(leaf).ok()?;
        let path = end.verify_for_usage(ALL_VERIFICATION_ALGS, &anchors, intermediates, now, usage, None, None).ok()?;
        let anchor = path.anchor();
        let mut window = Window::of(leaf)?;
        for issuer in path.intermediate_certificates() {
            window = window.and(Window::of(&issuer.der())?);
        }
        let same = |authority: &&&Authority| authority.anchor == *anchor;
        Some(window.and(current.iter().find(same)?.window))
    }

    fn names_match(&self, leaf: &[u8]) -> bool {
        self.names.is_empty() || alternative_names(leaf).is_some_and(|sent| sent.iter().any(|name| self.allows(name)))
    }

    /// DNS names compare without case; a wildcard in a certificate or in the configuration is only a character.
    fn allows(&self, sent: &GeneralName) -> bool {
        let is = |name: &Ia5String, test: fn(&str, &str) -> bool| self.names.iter().any(|own| test(own, name.as_str()));
        match sent {
            GeneralName::DnsName(name) => is(name, str::eq_ignore_ascii_case),
            GeneralName::UniformResourceIdentifier(name) => is(name, |own, sent| own == sent),
            _ => false,
        }
    }
}

impl fmt::Debug for Balancers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Balancers").field("names", &self.names).finish_non_exhaustive()
    }
}

impl Authority {
    fn read(der: &CertificateDer<'static>) -> Result<Self, &'static str> {
        let certificate = Certificate::from_der(der).map_err(|_| "it is not a certificate")?;
        // webpki would take any certificate for an anchor, a load balancer's own leaf included.
        match certificate.tbs_certificate().get_extension::<BasicConstraints>() {
            Ok(Some((_, constraints))) if constraints.ca => {}
            _ => return Err("it is not the certificate of an authority"),
        }
        let anchor = anchor_from_trusted_cert(der).map_err(|_| "it cannot be an anchor")?.to_owned();
        Ok(Self { anchor, window: Window::read(&certificate) })
    }
}

impl Window {
    fn of(der: &[u8]) -> Option<Self> {
        Certificate::from_der(der).ok().as_ref().map(Self::read)
    }

    fn read(certificate: &Certificate) -> Self {
        let validity = certificate.tbs_certificate().validity();
        let seconds = |time: x509_cert::time::Time| time.to_unix_duration().as_secs();
        Self { from: seconds(validity.not_before), until: seconds(validity.not_after) }
    }

    fn and(self, other: Self) -> Self {
        Self { from: self.from.max(other.from), until: self.until.min(other.until) }
    }

    fn holds(self, now: UnixTime) -> bool {
        (self.from..=self.until).contains(&now.as_secs())
    }
}

fn alternative_names(leaf: &[u8]) -> Option<Vec<GeneralName>> {
    let certificate = Certificate::from_der(leaf).ok()?;
    let (_, SubjectAltName(names)) = certificate.tbs_certificate().get_extension().ok()??;
    Some(names)
}

/// A bank has a handful of balancers; a larger fleet only costs a path more often.
const REMEMBERED_BYTES: u64 = 1 << 20;
