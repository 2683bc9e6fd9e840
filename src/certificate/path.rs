//! RFC 5280, section 6: from the presented certificate to an anchor.
//!
//! rustls-webpki finds and verifies the path: names, signatures, dates, basicConstraints, extended key usage, name
//! constraints. On every path it finds, this module checks what it leaves out; one that fails makes it look for another.
//! Only where names are constrained or an intermediate is self-issued, which webpki refuses more than RFC 5280 does,
//! `search` looks again. Both see only intermediates that are `rooted`, but for one that is alone.

mod rooted;
mod search;

use std::{
    cell::{Cell, RefCell},
    sync::Arc,
};

use rustls_pki_types::{CertificateDer, UnixTime};
use webpki::{EndEntityCert, Error, KeyUsage};

use rooted::Rooted;

use crate::{
    certificate::{
        Decoded, Presented, Truststore, constraints,
        examined::{Examined, ISSUER_OUT_OF_DATE, Policies, untrusted},
        name,
        signature::ALGORITHMS,
        truststore::Anchor,
    },
    denial::Denial,
    quoted::Quoted,
    validity::Validity,
};

/// What is demanded of a path beyond RFC 5280.
#[derive(Clone, Copy, Debug)]
pub struct PathRules {
    /// RSA modulus, at least.
    pub minimum_rsa_bits: usize,
    /// Intermediates that a client may send, and that a path may have, at most.
    pub max_intermediates: usize,
    /// Whether the leaf must carry EKU clientAuth. An EKU without clientAuth is refused in any case.
    pub require_client_auth: bool,
}

/// What holds where the configuration says nothing.
impl Default for PathRules {
    fn default() -> Self {
        Self { minimum_rsa_bits: 2048, max_intermediates: 5, require_client_auth: true }
    }
}

/// Proof that a path was found and holds. Only [`verify`] makes one.
#[derive(Debug)]
pub struct VerifiedPath {
    pub(super) leaf: Examined,
    /// In the order from the leaf to the anchor, which is not among them.
    pub(super) intermediates: Vec<Decoded>,
    /// One certificate of the anchor's name and key.
    pub(super) anchor: Arc<Anchor>,
    /// When every certificate of the path is in date.
    pub(super) valid: Validity,
}

/// A path that holds, without its leaf.
struct Held<'a> {
    intermediates: Vec<&'a Examined>,
    anchor: &'a Arc<Anchor>,
    valid: Validity,
}

/// Finds a path from `presented` to an anchor and checks it whole.
///
/// The intermediates that came along are material: nothing is believed because it was sent. There is no shortcut for a
/// self-issued certificate, nor for one that stands in the truststore itself.
///
/// # Errors
/// `certificate_malformed`, `_untrusted`, `_expired`, `_not_yet_valid`, `_wrong_purpose`, `_weak`.
/// The leaf's own dates answer for the leaf only; an issuer's are `certificate_untrusted`.
pub fn verify(
    presented: &Presented,
    trust: &Truststore,
    rules: &PathRules,
    now: UnixTime,
) -> Result<VerifiedPath, Denial> {
    let malformed = |why| Denial::CertificateMalformed { why };
    let leaf = Examined::of(presented.leaf.clone()).map_err(malformed)?;
    let sent = presented.intermediates.iter().map(|sent| Examined::of(sent.clone()).map_err(malformed));
    let sent = sent.collect::<Result<Vec<_>, _>>()?;

    // A certificate out of date is judged at the end of its time that is nearest, and refused for its dates once there is a
    // path: a stranger's is untrusted before it is expired.
    let at = now.max(leaf.valid.from).min(leaf.valid.until);
    let candidate = Candidate {
        leaf: &leaf,
        sent: &sent,
        trust,
        rules,
        now,
        at,
        refused: RefCell::default(),
        compared: constraints::Budget::new(),
    };
    match candidate.path() {
        Ok(Held { intermediates, anchor, valid }) => {
            let anchor = Arc::clone(anchor);
            let intermediates = intermediates.into_iter().map(|issuer| issuer.decoded.clone()).collect();
            Ok(VerifiedPath { leaf, intermediates, anchor, valid })
        }
        // Its issuers may since have been renewed: then its own dates say more.
        Err(denial) if denial == ISSUER_OUT_OF_DATE => Err(leaf.hold_dates(now).err().unwrap_or(denial)),
        Err(denial) => Err(denial),
    }
}

/// The certificates that a path may be made of, and what one is held to.
struct Candidate<'a> {
    leaf: &'a Examined,
    /// The intermediates that came along.
    sent: &'a [Examined],
    trust: &'a Truststore,
    rules: &'a PathRules,
    now: UnixTime,
    /// When the path is judged: now, or when the leaf was in date.
    at: UnixTime,
    /// Why the latest path was refused whose names and signatures hold.
    refused: RefCell<Option<Denial>>,
    compared: constraints::Budget,
}

impl Candidate<'_> {
    /// A path that holds.
    fn path(&self) -> Result<Held<'_>, Denial> {
        let leaf = CertificateDer::from(self.leaf.decoded.der());
        let leaf = EndEntityCert::try_from(&leaf).map_err(|error| unreadable(&error))?;
        // One alone has one place, and webpki verifies from the anchor down: it is verified once.
        if let [alone] = self.sent
            && let Ok(found) = self.by_webpki(&leaf, &[alone])
        {
            return Ok(found);
        }
        let rooted = Rooted::among(self.sent, self.trust);
        let rooted = rooted.ok_or_else(|| self.without_a_path(reason(&Error::MaximumSignatureChecksExceeded)))?;
        match self.by_webpki(&leaf, &rooted.certified) {
            Ok(found) => Ok(found),
            Err(error) => search::path(self, &rooted, &error).ok_or_else(|| self.denial(&rooted, &error)),
        }
    }

    /// The path over `intermediates` that webpki finds.
    fn by_webpki(&self, leaf: &EndEntityCert<'_>, intermediates: &[&Examined]) -> Result<Held<'_>, Error> {
        let sent: Vec<_> = intermediates.iter().map(|sent| CertificateDer::from(sent.decoded.der())).collect();
        let anchors = self.trust.above(intermediates.iter().copied().chain([self.leaf]));
        let held = Cell::new(None);
        // webpki goes on looking after an error.
        let hold = |path: &webpki::VerifiedPath<'_>| match self.hold_found(path) {
            Ok(found) => {
                held.set(Some(found));
                Ok(())
            }
            Err(denial) => {
                self.refused.replace(Some(denial));
                Err(Error::UnknownIssuer)
            }
        };
        leaf.verify_for_usage(ALGORITHMS, &anchors, &sent, self.at, KeyUsage::client_auth(), None, Some(&hold))?;
        held.take().ok_or(Error::UnknownIssuer)
    }

    /// One certificate of the anchor's name and key has to do: an older one of the same key may have run out.
    fn hold_found(&self, path: &webpki::VerifiedPath<'_>) -> Result<Held<'_>, Denial> {
        let intermediates = self.issuers(path)?;
        let mut refused = untrusted("the path ends in no anchor");
        let last = intermediates.last().copied().unwrap_or(self.leaf);
        for anchor in self.trust.behind(path.anchor(), last.certificate()) {
            match self.hold_path(&intermediates, anchor, true) {
                Ok(valid) => return Ok(Held { intermediates, anchor, valid }),
                Err(denial) => refused = denial,
            }
        }
        Err(refused)
    }

    /// The intermediates of a path that webpki found.
    fn issuers(&self, path: &webpki::VerifiedPath<'_>) -> Result<Vec<&Examined>, Denial> {
        let sent = |der: &[u8]| {
            let found = self.sent.iter().find(|sent| sent.decoded.der() == der);
            found.ok_or(untrusted("an intermediate of the path was not sent"))
        };
        path.intermediate_certificates().map(|issuer| sent(&issuer.der())).collect()
    }

    /// Everything but names and signatures, for a whole path, in the order in which it answers; when it is in date.
    /// `certified`: whether authorities certified all intermediates; what others say of names says nothing.
    fn hold_path(&self, intermediates: &[&Examined], anchor: &Anchor, certified: bool) -> Result<Validity, Denial> {
        let Self { leaf, rules, .. } = self;
        let anchor = &anchor.examined;
        let issuers = || intermediates.iter().copied().chain([anchor]);

        // It is a path.
        if intermediates.len() > rules.max_intermediates {
            return Err(untrusted("the path has more intermediates than are taken"));
        }
        leaf.hold_profile()?;
        leaf.hold_critical_extensions(Policies::OfPath)?;
        leaf.hold_kind()?;
        let mut below = 0;
        for issuer in intermediates {
            issuer.hold_critical_extensions(Policies::OfPath)?;
            issuer.hold_kind()?;
            issuer.hold_issuer(below, self.at)?;
            below += usize::from(!issuer.is_self_issued());
        }
        anchor.hold_critical_extensions(Policies::OfAnchor)?;
        anchor.hold_kind()?;
        anchor.hold_issuer(below, self.at)?;
        let path: Vec<_> = [*leaf].into_iter().chain(issuers()).collect();
        if certified {
            constraints::hold(&path, &self.compared).map_err(untrusted)?;
        }

        // In date, for client authentication, and strong enough.
        leaf.hold_dates(self.now)?;
        leaf.hold_purpose(rules.require_client_auth)?;
        issuers().try_for_each(Examined::hold_issuer_purpose)?;
        path.iter().try_for_each(|certificate| certificate.hold_strength(rules.minimum_rsa_bits))?;
        path.split_last().into_iter().flat_map(|(_, signed)| signed).try_for_each(|signed| signed.hold_signature())?;
        Ok(issuers().fold(leaf.valid, |valid, issuer| valid.and(issuer.valid)))
    }

    /// The refusal for a certificate without a path that holds: of the path whose names and signatures hold, or else that
    /// there is none.
    fn denial<'a>(&'a self, rooted: &Rooted<'a>, error: &Error) -> Denial {
        let refused = self.refused.take().or_else(|| {
            search::note_refusals(self, rooted);
            self.refused.take()
        });
        refused.unwrap_or_else(|| match error {
            Error::UnknownIssuer if rooted.has_forged() => self.without_a_path(FORGED),
            error => self.without_a_path(reason(error)),
        })
    }

    fn without_a_path(&self, why: &'static str) -> Denial {
        Denial::CertificateUntrusted { why, issuer: Some(self.uppermost_issuer()) }
    }

    /// Who is said to have issued the uppermost of what came along, by names alone.
    fn uppermost_issuer(&self) -> Quoted {
        let mut top = self.leaf.certificate().tbs_certificate();
        for _ in self.sent {
            let named = |issuer: &&Examined| issuer.certificate().tbs_certificate().subject() == top.issuer();
            let Some(issuer) = self.sent.iter().find(named) else { break };
            top = issuer.certificate().tbs_certificate();
        }
        Quoted::of(&name::text(top.issuer()))
    }
}

/// Whether webpki reads a leaf at all.
///
/// # Errors
/// `certificate_malformed`, `_untrusted`.
pub(super) fn readable(leaf: &[u8]) -> Result<(), Denial> {
    let leaf = CertificateDer::from(leaf);
    EndEntityCert::try_from(&leaf).map(|_| ()).map_err(|error| unreadable(&error))
}

/// webpki's parser refuses what it will not process at all.
fn unreadable(error: &Error) -> Denial {
    match error {
        Error::UnsupportedCertVersion => untrusted("the certificate is not of version 3"),
        Error::UnsupportedCriticalExtension => untrusted("the certificate has a critical extension that is not known"),
        _ => Denial::CertificateMalformed { why: "the certificate cannot be read" },
    }
}

/// For the operator.
fn reason(error: &Error) -> &'static str {
    match error {
        Error::UnknownIssuer => "no issuer leads to an anchor",
        Error::UnsupportedCertVersion => "a certificate is not of version 3",
        Error::UnsupportedCriticalExtension => "an issuer has a critical extension that is not known",
        Error::NameConstraintViolation => "a name is outside an issuer's name constraints",
        Error::MalformedNameConstraint | Error::InvalidNetworkMaskConstraint => "name constraints cannot be read",
        Error::PathLenConstraintViolated => "the path is longer than an issuer allows",
        Error::EndEntityUsedAsCa => "an issuer of the path is no authority",
        Error::InvalidSignatureForPublicKey => "a signature is wrong",
        Error::CertExpired { .. } | Error::CertNotValidYet { .. } => "an issuer is out of date, and leads to no anchor",
        Error::UnsupportedSignatureAlgorithmContext(_) | Error::UnsupportedSignatureAlgorithmForPublicKeyContext(_) => {
            "a signature's algorithm is not accepted"
        }
        Error::MaximumSignatureChecksExceeded
        | Error::MaximumPathBuildCallsExceeded
        | Error::MaximumPathDepthExceeded
        | Error::MaximumNameConstraintComparisonsExceeded => "looking for a path took too much",
        _ => "no path holds",
    }
}

/// Of an intermediate that names an authority.
const FORGED: &str = "a signature is wrong, or its algorithm is not accepted";

#[cfg(test)]
mod limbo;
#[cfg(test)]
mod openssl;
#[cfg(test)]
mod rfc9440;
#[cfg(test)]
mod tests;
