//! Mistakes that are made again and again, told by their traces.

mod confirmation;
mod header;

use rustls_pki_types::UnixTime;

use crate::{
    certificate::{
        PathRules, Truststore,
        inspect::{self, Description},
    },
    denial::Denial,
    explain::{Evidence, Mistake},
    gate::Findings,
};

/// Every mistake whose traces are there. `denial` is the refusal that the request met.
pub fn mistakes(
    evidence: &Evidence<'_>,
    denial: Option<&Denial>,
    found: &Findings,
    trust: &Truststore,
) -> Vec<Mistake> {
    let mut mistakes = Vec::new();
    mistakes.extend(untrusted_peer(evidence, denial));
    mistakes.extend(header::header(evidence, denial));
    mistakes.extend(path(evidence, denial, trust));
    mistakes.extend(confirmation::confirmation(evidence, trust));
    mistakes.extend(binding(evidence, denial, found));
    mistakes
}

fn mistake(code: &'static str, text: impl Into<String>) -> Option<Mistake> {
    Some(Mistake { code, text: text.into() })
}

fn untrusted_peer(evidence: &Evidence<'_>, denial: Option<&Denial>) -> Option<Mistake> {
    let shown = evidence.header.is_some() || !evidence.certificates.is_empty();
    let refused = matches!(denial, Some(Denial::CertificateMissing { .. } | Denial::PeerUntrusted { .. }));
    if evidence.peer_trusted || !shown || !refused {
        return None;
    }
    let text = "the header arrived from an address that is no trusted load balancer, so what it says is gone; \
                add the balancer's network to load_balancer.trusted_networks";
    mistake("peer_untrusted", text)
}

/// Why no path was found.
fn path(evidence: &Evidence<'_>, denial: Option<&Denial>, trust: &Truststore) -> Option<Mistake> {
    if !matches!(denial, Some(Denial::CertificateUntrusted { .. } | Denial::CertificateWrongPurpose { .. })) {
        return None;
    }
    let shown = inspect::describe(&evidence.certificates, &PathRules::default(), UnixTime::now());
    let shown: Vec<_> = shown.into_iter().flatten().collect();
    let leaf = shown.first()?;
    if trust.skipped(&leaf.thumbprint) {
        let text = format!(
            "the truststore holds this very certificate, which is no authority's, and not its issuer; \
             put the certificate of `{}` there",
            leaf.issuer
        );
        return mistake("truststore_holds_the_leaf", text);
    }
    if leaf.as_anchor.is_some() && shown.iter().skip(1).any(|other| other.as_anchor.is_none()) {
        let text = "the chain is in the wrong order: its first certificate is an authority's; write the leaf first";
        return mistake("chain_in_wrong_order", text);
    }
    let anchors: Vec<_> = trust.named().collect();
    let above = |below: &&Description| below.issued_by.and_then(|place| shown.get(place));
    let top = std::iter::successors(Some(leaf), above).take(shown.len()).last()?;
    // Authorities that certified each other have no top.
    if above(&top).is_some_and(|issuer| !std::ptr::eq(issuer, top)) {
        return None;
    }
    if anchors.iter().any(|(_, subject)| *subject == top.issuer) || top.subject == top.issuer {
        return None;
    }
    let text = format!(
        "the certificate of `{}`, which issued `{}`, is neither in the truststore nor was it sent along: \
         have the balancer forward the chain, or put it into the truststore",
        top.issuer, top.subject
    );
    mistake("intermediate_missing", text)
}

/// What the token is bound to at all.
fn binding(evidence: &Evidence<'_>, denial: Option<&Denial>, found: &Findings) -> Option<Mistake> {
    let opaque = found.token.as_ref().is_some_and(|token| token.kind() == "opaque");
    match denial? {
        // Only where "jkt" counts.
        Denial::ProofMissing if evidence.confirms("jkt") => mistake(
            "dpop_token_on_mtls_route",
            "the token is bound to a DPoP key, and came without a proof of it: \
             present it by the DPoP scheme with a proof, or obtain a token by mutual TLS",
        ),
        Denial::BindingMissing { .. } if evidence.confirms("jkt") => mistake(
            "dpop_token_on_mtls_route",
            "the token is bound to a DPoP key, and this request shows a certificate: \
             obtain the token by mutual TLS, or add \"jkt\" to token.binding and send a proof",
        ),
        Denial::BindingMissing { .. } if evidence.confirms("jwk") => mistake(
            "token_bound_to_public_key",
            "the token is bound to a public key, cnf.jwk; have it bound to the certificate, by cnf[\"x5t#S256\"]",
        ),
        Denial::BindingMissing { .. } if opaque && evidence.confirms_nothing() => mistake(
            "introspection_without_cnf",
            "the authorization server's answer to introspection leaves out cnf, so nothing says what the token is bound to; \
             have the server return it (RFC 8705, section 3.2)",
        ),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certificate::mint::{Authority, plain, trusting};

    #[test]
    fn authorities_that_certified_each_other_have_no_top() {
        let [one, other, anchor] = ["One", "Other", "Anchor"].map(|name| Authority::root(name, plain));
        let crossed = [one.certified_again(&other, plain), other.certified_again(&one, plain)];
        let certificates = [vec![one.client(plain)], crossed.to_vec()].concat();
        let mut evidence = Evidence::of(None, None, None, []);
        evidence.certificates = certificates;
        let denial = Denial::CertificateUntrusted { why: "a test", issuer: None };

        assert_eq!(path(&evidence, Some(&denial), &trusting(&[&anchor.der])), None);
    }
}
