//! The search for a path where webpki refuses more than RFC 5280 does: under name constraints, over self-issued
//! intermediates, which count for no path length and are held to no name constraint, and over more than six; and for what
//! is wrong with the paths that there are, where webpki looks at purposes before it looks for one.

use std::{sync::Arc, time::Duration};

use rustls_pki_types::{CertificateDer, UnixTime};
use webpki::{EndEntityCert, Error, KeyUsage};
use x509_cert::Version;

use super::{Candidate, Held, rooted::Rooted};
use crate::{
    certificate::{examined::Examined, truststore::Anchor},
    validity::Validity,
};

/// A path that holds although webpki found none, and when it is in date.
///
/// Everything that webpki checks is checked here, too: names and signatures by [`Examined::is_issued_by`], the rest by
/// [`Candidate::hold_path`], which also checks the paths that webpki found.
pub(super) fn path<'a>(candidate: &'a Candidate<'_>, rooted: &Rooted<'a>, error: &Error) -> Option<Held<'a>> {
    let Candidate { leaf, sent, trust, at, .. } = candidate;
    let constrained = trust.constrains_names() || sent.iter().any(|issuer| issuer.name_constraints.is_some());
    let self_issued = sent.iter().any(Examined::is_self_issued);
    let of_version_3 = |below: &Examined| below.certificate().tbs_certificate().version() == Version::V3;
    if !(constrained || self_issued || *error == Error::MaximumPathDepthExceeded)
        || !sent.iter().chain([*leaf]).all(of_version_3)
        || !leaf.valid.holds(*at)
    {
        return None;
    }
    let mut search = Search::new(candidate, certified(rooted).collect(), false);
    let (anchor, valid) = search.extend(Link { certificate: leaf, certified: true })?;
    Some(Held { intermediates: search.intermediates(), anchor, valid })
}

/// Notes as refused why the last path does not hold that leads to an anchor by its names and signatures; those that are
/// too weak to be verified count. There is none that holds.
pub(super) fn note_refusals<'a>(candidate: &'a Candidate<'_>, rooted: &Rooted<'a>) {
    let weak = rooted.weak().into_iter().map(|certificate| Link { certificate, certified: false });
    let issuers = weak.chain(certified(rooted)).collect();
    // Whatever it finds, webpki has refused.
    let _ = Search::new(candidate, issuers, true).extend(Link { certificate: candidate.leaf, certified: true });
}

fn certified<'a>(rooted: &Rooted<'a>) -> impl Iterator<Item = Link<'a>> {
    rooted.certified.iter().map(|certificate| Link { certificate, certified: true })
}

/// A certificate of a path that is looked for.
#[derive(Clone, Copy)]
struct Link<'a> {
    certificate: &'a Examined,
    /// Whether an authority certified it, so that its key may be computed with; of the leaf that is asked. Where nobody did,
    /// its signature was tried before.
    certified: bool,
}

struct Search<'a> {
    candidate: &'a Candidate<'a>,
    issuers: Vec<Link<'a>>,
    /// Places among the issuers, from the leaf upwards, each at most once.
    path: Vec<usize>,
    /// How many signatures may still be checked.
    signatures: usize,
    /// Whether what is too weak to be verified is taken for verified, and what nobody vouches for is not verified but taken
    /// by its name: nothing is believed then.
    weak: bool,
}

impl<'a> Search<'a> {
    fn new(candidate: &'a Candidate<'a>, issuers: Vec<Link<'a>>, weak: bool) -> Self {
        Self { candidate, issuers, path: Vec::new(), signatures: MAX_SIGNATURES, weak }
    }

    /// Goes on from the last certificate of the path: to an anchor if one holds, else to each intermediate in turn.
    fn extend(&mut self, last: Link<'a>) -> Option<(&'a Arc<Anchor>, Validity)> {
        for anchor in self.candidate.trust.issuers_of(last.certificate.certificate()) {
            let above = Link { certificate: &anchor.examined, certified: true };
            if self.issued(last, above)? && is_distrusted(&anchor.examined) != Some(true) {
                match self.candidate.hold_path(&self.intermediates(), anchor, self.is_certified()) {
                    Ok(valid) => return Some((anchor, valid)),
                    Err(denial) => self.candidate.refused.replace(Some(denial)),
                };
            }
        }
        for place in 0..self.issuers.len() {
            let issuer = *self.issuers.get(place)?;
            if !self.path.contains(&place)
                && self.issued(last, issuer)?
                && is_distrusted(issuer.certificate) == Some(false)
            {
                self.path.push(place);
                if let Some(found) = self.extend(issuer) {
                    return Some(found);
                }
                self.path.pop();
            }
        }
        None
    }

    /// None when too many signatures were checked: then no path is found at all.
    fn issued(&mut self, below: Link<'_>, issuer: Link<'_>) -> Option<bool> {
        if !below.certificate.names(issuer.certificate) {
            return Some(false);
        }
        self.signatures = self.signatures.checked_sub(1)?;
        let vouched = issuer.certified && issuer.certificate.is_authority();
        let verified = vouched && below.certified && below.certificate.is_issued_by(issuer.certificate);
        let weak = || !vouched || issuer.certificate.signs_weakly(below.certificate);
        Some(verified || (self.weak && weak()))
    }

    fn is_certified(&self) -> bool {
        self.path.iter().filter_map(|place| self.issuers.get(*place)).all(|link| link.certified)
    }

    /// Those of the path, from the leaf upwards.
    fn intermediates(&self) -> Vec<&'a Examined> {
        self.path.iter().filter_map(|place| self.issuers.get(*place)).map(|link| link.certificate).collect()
    }
}

/// Whether webpki distrusts the key: it knows authorities that lost theirs, and asks for them before anything else.
///
/// None for a certificate that webpki does not read; an anchor may be one, because its extensions are judged here.
fn is_distrusted(certificate: &Examined) -> Option<bool> {
    let der = CertificateDer::from(certificate.decoded.der());
    let certificate = EndEntityCert::try_from(&der).ok()?;
    let (any_time, usage) = (UnixTime::since_unix_epoch(Duration::ZERO), KeyUsage::client_auth());
    let verdict = certificate.verify_for_usage(&[], &[], &[], any_time, usage, None, None);
    Some(matches!(verdict, Err(Error::CertDistrusted)))
}

/// About 2 ms, with keys that authorities certified.
const MAX_SIGNATURES: usize = 32;

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests state what they need")]

    use base64::{Engine, prelude::BASE64_STANDARD};
    use rcgen::{PKCS_ECDSA_P384_SHA384, PublicKeyData, SignatureAlgorithm};

    use super::*;
    use crate::certificate::mint::{Authority, examined, plain};

    /// A key on the list of webpki (`EMDVTLSCAG3C`): a point on P-384.
    const LOST: &str = "BDp6eGLIxE0yTd1pAzpngsDv7v5AVeaKEj+gNxujvZGUUU7hcqQz42MPAr0YgDfZ\
                        5RSfm3fblKKB35h7L+qIi3S9/o/aTBCZ7myhlWb+PvDl9rCaVWzMi6UFYd8bKkQdAQ==";

    struct Lost(Vec<u8>);

    impl PublicKeyData for Lost {
        fn der_bytes(&self) -> &[u8] {
            &self.0
        }

        fn algorithm(&self) -> &'static SignatureAlgorithm {
            &PKCS_ECDSA_P384_SHA384
        }
    }

    #[test]
    fn key_that_was_lost_is_distrusted_whoever_certified_it() {
        let root = Authority::root("Root", plain);
        let sound = root.intermediate("Issuer", plain);
        let lost = root.client_with(&Lost(BASE64_STANDARD.decode(LOST).unwrap()), plain);
        assert_eq!(is_distrusted(&examined(&lost).unwrap()), Some(true));
        assert_eq!(is_distrusted(&examined(&sound.der).unwrap()), Some(false));
        assert_eq!(is_distrusted(&examined(&root.der).unwrap()), Some(false));
    }
}
