//! The certificate that a load balancer shows when it connects by mTLS.

use std::{fmt, sync::Arc, time::Duration};

use der::{Decode, asn1::Ia5String};
use rustls_pki_types::{CertificateDer, TrustAnchor, UnixTime};
use webpki::{ALL_VERIFICATION_ALGS, EndEntityCert, KeyUsage, anchor_from_trusted_cert};
use x509_cert::{
    Certificate,
    ext::pkix::{BasicConstraints, SubjectAltName, name::GeneralName},
};

use super::shown::{Judgement, Shown};
use crate::validity::Validity;

/// The certificate authorities and names of load balancers that do mTLS with certbound.
///
/// Checks the path, the dates of every certificate on it, and the name. Does not ask about revocation: a balancer's
/// certificate is withdrawn by changing the configured authority or name.
pub struct Balancers {
    authorities: Vec<Authority>,
    names: Vec<String>,
    /// Tells these apart from those of another configuration, to which a connection may show the same certificates.
    identity: Arc<()>,
}

struct Authority {
    anchor: TrustAnchor<'static>,
    valid: Validity,
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
        Ok(Self { authorities, names, identity: Arc::new(()) })
    }

    /// Whether `shown` leads to an authority now and names an allowed load balancer. Looked at once in a connection, until
    /// a date of any certificate comes that could change it.
    ///
    /// # Errors
    /// Why it does not.
    pub(super) fn recognise(&self, shown: &Shown, now: UnixTime) -> Result<(), &'static str> {
        let (leaf, intermediates) = shown.split_first().ok_or("the peer showed no certificate")?;
        let intermediates = intermediates.get(..MOST_INTERMEDIATES).unwrap_or(intermediates);
        shown.judged(&self.identity, now, || self.judge(leaf, intermediates, now)).verdict
    }

    pub(super) fn judge(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Judgement {
        if let Some(holds) = self.path(leaf, intermediates, now) {
            let named = self.names_match(leaf).then_some(());
            return Judgement { verdict: named.ok_or("the peer's certificate has none of `client_names`"), holds };
        }
        let dates = |der: &CertificateDer<'_>| Certificate::from_der(der).ok().map(|read| Validity::of(&read));
        let verdict = Err(match dates(leaf).is_some_and(|valid| !valid.holds(now)) {
            true => "the peer's certificate is out of date",
            false => "the peer's certificate leads to no authority of `client_ca_file`",
        });
        let sent = [leaf].into_iter().chain(intermediates).filter_map(dates);
        let all = sent.chain(self.authorities.iter().map(|authority| authority.valid));
        Judgement { verdict, holds: Validity { from: now, until: next_change(all, now) } }
    }

    /// When a path from `leaf` to an authority is valid, if there is one now.
    fn path(&self, leaf: &CertificateDer<'_>, intermediates: &[CertificateDer<'_>], now: UnixTime) -> Option<Validity> {
        // webpki takes an anchor's dates for granted.
        let current: Vec<_> = self.authorities.iter().filter(|authority| authority.valid.holds(now)).collect();
        let anchors: Vec<_> = current.iter().map(|authority| authority.anchor.clone()).collect();
        let usage = KeyUsage::client_auth();
        let end = EndEntityCert::try_from(leaf).ok()?;
        let path = end.verify_for_usage(ALL_VERIFICATION_ALGS, &anchors, intermediates, now, usage, None, None).ok()?;
        let anchor = path.anchor();
        let of = |der: &[u8]| Some(Validity::of(&Certificate::from_der(der).ok()?));
        let mut valid = of(leaf)?;
        for issuer in path.intermediate_certificates() {
            valid = valid.and(of(&issuer.der())?);
        }
        let same = |authority: &&&Authority| authority.anchor == *anchor;
        Some(valid.and(current.iter().find(same)?.valid))
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
        Ok(Self { anchor, valid: Validity::of(&certificate) })
    }
}

fn alternative_names(leaf: &[u8]) -> Option<Vec<GeneralName>> {
    let certificate = Certificate::from_der(leaf).ok()?;
    let (_, SubjectAltName(names)) = certificate.tbs_certificate().get_extension().ok()??;
    Some(names)
}

/// The last second from `now` on before one of these begins or ends.
fn next_change(dates: impl Iterator<Item = Validity>, now: UnixTime) -> UnixTime {
    let before = |begin: UnixTime| begin.as_secs().checked_sub(1).map(Duration::from_secs);
    let last = |valid: Validity| [before(valid.from).map(UnixTime::since_unix_epoch), Some(valid.until)];
    dates.flat_map(last).flatten().filter(|last| now <= *last).min().unwrap_or(now)
}

/// Of those that are shown, as many from the leaf upwards are looked at: webpki tries them in every order.
const MOST_INTERMEDIATES: usize = 4;
