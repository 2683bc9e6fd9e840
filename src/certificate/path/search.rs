//! The search for a path where webpki refuses more than RFC 5280 does: under name constraints, and over self-issued
//! intermediates, which count for no path length and are held to no name constraint.

use x509_cert::Version;

use super::{Candidate, Window};
use crate::certificate::examined::Examined;

/// A path that holds although webpki found none, and when it is in date.
///
/// Everything that webpki checks is checked here, too: names and signatures by [`Examined::is_issued_by`], the rest by
/// [`Candidate::hold_path`], which also checks the paths that webpki found.
pub(super) fn path(candidate: &Candidate<'_>) -> Option<(Vec<Examined>, Window)> {
    let Candidate { leaf, sent, trust, at, .. } = candidate;
    let constrained = sent.iter().chain(trust.examined()).any(|issuer| issuer.name_constraints.is_some());
    let self_issued = sent.iter().any(Examined::is_self_issued);
    let of_version_3 = |below: &Examined| below.certificate.tbs_certificate().version() == Version::V3;
    if !(constrained || self_issued)
        || !sent.iter().chain([*leaf]).all(of_version_3)
        || !leaf.in_date(*at)
        || sent.len() > MAX_INTERMEDIATES
    {
        return None;
    }
    let mut search = Search { candidate, path: Vec::new(), signatures: MAX_SIGNATURES };
    let valid = search.extend(leaf)?;
    let path = search.path.iter().filter_map(|place| sent.get(*place)).cloned().collect();
    Some((path, valid))
}

struct Search<'a> {
    candidate: &'a Candidate<'a>,
    /// Places among the intermediates that came along, from the leaf upwards, each at most once.
    path: Vec<usize>,
    /// How many signatures may still be checked.
    signatures: usize,
}

impl<'a> Search<'a> {
    /// Goes on from the last certificate of the path: to an anchor if one holds, else to each intermediate in turn.
    fn extend(&mut self, last: &'a Examined) -> Option<Window> {
        for anchor in self.candidate.trust.all() {
            if self.issued(last, &anchor.examined)? {
                let intermediates: Vec<_> =
                    self.path.iter().filter_map(|place| self.candidate.sent.get(*place)).collect();
                match self.candidate.hold_path(&intermediates, anchor) {
                    Ok(valid) => return Some(valid),
                    Err(denial) => self.candidate.refused.replace(Some(denial)),
                };
            }
        }
        for (place, issuer) in self.candidate.sent.iter().enumerate() {
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
