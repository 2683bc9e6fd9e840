//! The search for a path under name constraints.

use rustls_pki_types::UnixTime;
use x509_cert::Version;

use super::Candidate;
use crate::certificate::examined::Examined;

/// A path that holds although webpki found none, and when it is in date.
///
/// Looks only where an issuer that could be on the path has name constraints. Everything that webpki checks is checked
/// here, too: names and signatures by [`Examined::is_issued_by`], the rest by [`Candidate::hold_path`], which also
/// checks paths that webpki found. Dates of the leaf, its version, and an empty extendedKeyUsage are left to webpki's
/// own answer: a certificate that fails them is not searched for.
pub(super) fn constrained(
    candidate: &Candidate<'_>,
    sent: &[Examined],
) -> Option<(Vec<Examined>, (UnixTime, UnixTime))> {
    let anchors = || candidate.trust.examined();
    let leaf = candidate.leaf;
    let concerned = sent.iter().chain(anchors()).any(|issuer| issuer.name_constraints.is_some());
    let of_version_3 =
        sent.iter().chain([leaf]).all(|below| below.certificate.tbs_certificate().version() == Version::V3);
    if !concerned || !of_version_3 || !leaf.in_date(candidate.at) || sent.len() > MAX_INTERMEDIATES {
        return None;
    }
    let mut search = Search { candidate, sent, path: Vec::new(), signatures: MAX_SIGNATURES };
    let valid = search.extend(leaf)?;
    let path = search.path.iter().filter_map(|place| sent.get(*place)).cloned().collect();
    Some((path, valid))
}

struct Search<'a> {
    candidate: &'a Candidate<'a>,
    sent: &'a [Examined],
    /// Places in `sent`, from the leaf upwards, each at most once.
    path: Vec<usize>,
    /// How many signatures may still be checked.
    signatures: usize,
}

impl<'a> Search<'a> {
    /// Goes on from the last certificate of the path: to an anchor if one holds, else to each intermediate in turn.
    fn extend(&mut self, last: &'a Examined) -> Option<(UnixTime, UnixTime)> {
        for anchor in self.candidate.trust.all() {
            if self.issued(last, &anchor.examined)? {
                let intermediates: Vec<_> = self.path.iter().filter_map(|place| self.sent.get(*place)).collect();
                match self.candidate.hold_path(&intermediates, anchor) {
                    Ok(valid) => return Some(valid),
                    Err(denial) => self.candidate.refused.replace(Some(denial)),
                };
            }
        }
        for (place, issuer) in self.sent.iter().enumerate() {
            if !self.path.contains(&place) && self.issued(last, issuer)? {
                self.path.push(place);
                if let Some(valid) = self.extend(issuer) {
                    return Some(valid);
                }
                self.path.pop();
            }
        }
        None
    }

    /// None when too many signatures were checked: then no path is found at all.
    fn issued(&mut self, below: &Examined, issuer: &Examined) -> Option<bool> {
        if below.certificate.tbs_certificate().issuer() != issuer.certificate.tbs_certificate().subject() {
            return Some(false);
        }
        self.signatures = self.signatures.checked_sub(1)?;
        Some(below.is_issued_by(issuer))
    }
}

/// As many as webpki takes.
const MAX_INTERMEDIATES: usize = 6;
/// About 2 ms.
const MAX_SIGNATURES: usize = 32;
