//! Mistakes that are made again and again, told by their traces.

use base64::{
    Engine,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use der::{Decode, Encode};
use rustls_pki_types::UnixTime;
use x509_cert::Certificate;

use crate::{
    certificate::{PathRules, Truststore, inspect},
    denial::Denial,
    explain::{Evidence, Mistake},
    gate::Findings,
    thumbprint::Thumbprint,
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
    mistakes.extend(header(evidence, denial));
    mistakes.extend(path(evidence, denial, trust));
    mistakes.extend(confirmation(evidence, trust));
    mistakes.extend(binding(evidence, denial, found));
    mistakes
}

fn mistake(code: &'static str, text: impl Into<String>) -> Option<Mistake> {
    Some(Mistake { code, text: text.into() })
}

fn untrusted_peer(evidence: &Evidence<'_>, denial: Option<&Denial>) -> Option<Mistake> {
    let shown = evidence.header.is_some() || !evidence.certificates.is_empty();
    let refused = matches!(denial, Some(Denial::CertificateMissing | Denial::PeerUntrusted { .. }));
    if evidence.peer_trusted || !shown || !refused {
        return None;
    }
    let text = "the header arrived from an address that is no trusted load balancer, so what it says is gone; \
                add the balancer's network to load_balancer.trusted_networks";
    mistake("peer_untrusted", text)
}

/// What was done to the header's value on its way.
fn header(evidence: &Evidence<'_>, denial: Option<&Denial>) -> Option<Mistake> {
    if !matches!(denial, Some(Denial::CertificateMalformed { .. })) {
        return None;
    }
    let value = std::str::from_utf8(evidence.header?).ok()?;
    let reads = |text: &str| inspect::read(text.as_bytes()).is_ok();
    if value.contains("%25") && reads(&value.replace("%25", "%")) {
        let text = "the value is percent-encoded twice; have it encoded by the load balancer alone";
        return mistake("percent_encoded_twice", text);
    }
    if let Some(mended) = with_plus(value)
        && reads(&mended)
    {
        let text = "a `+` of the base64 became a space: something decoded the value as a form; \
                    decode percent-escapes only, or have the balancer write %2B";
        return mistake("plus_became_space", text);
    }
    if is_cut(value) {
        let text = "the value ends in the middle of the certificate: a limit on headers cut it short; \
                    raise the limit of the load balancer, and client_certificate.max_bytes";
        return mistake("header_cut_short", text);
    }
    None
}

/// The value with the spaces inside its base64 turned back; none where there is nothing to turn back.
fn with_plus(value: &str) -> Option<String> {
    let begin = ["-----BEGIN CERTIFICATE-----", "-----BEGIN%20CERTIFICATE-----"];
    let body = begin.iter().find_map(|begin| value.split_once(*begin)).map_or(value, |(_, body)| body);
    let (body, _) = body.split_once("-----END").unwrap_or((body, ""));
    let body = body.trim();
    // Line ends may have become spaces too, and stand every 64 characters.
    let lines_alone = body.split(' ').rev().skip(1).all(|line| line.len() == 64);
    if !body.contains(' ') || lines_alone {
        return None;
    }
    let base64: String = body.replace("%0A", "").replace("%0a", "").replace(' ', "+");
    let base64 = percent_encoding::percent_decode_str(&base64).decode_utf8().ok()?.replace('\n', "");
    let der = BASE64_STANDARD.decode(base64.trim_matches('+')).ok()?;
    Some(BASE64_STANDARD.encode(der))
}

/// Whether the value begins as a certificate and ends before it does.
fn is_cut(value: &str) -> bool {
    let decoded = percent_encoding::percent_decode_str(value).decode_utf8_lossy();
    if decoded.contains("-----BEGIN CERTIFICATE-----") {
        return !decoded.contains("-----END CERTIFICATE-----");
    }
    let base64: String = decoded.trim().trim_matches(':').chars().filter(|c| !c.is_ascii_whitespace()).collect();
    let whole = base64.get(..base64.len() / 4 * 4).unwrap_or_default();
    let Ok(der) = BASE64_STANDARD.decode(whole) else { return false };
    match der.as_slice() {
        [0x30, 0x82, high, low, rest @ ..] => usize::from(*high) << 8 | usize::from(*low) > rest.len(),
        _ => false,
    }
}

/// Why no path was found.
fn path(evidence: &Evidence<'_>, denial: Option<&Denial>, trust: &Truststore) -> Option<Mistake> {
    let refused = matches!(denial, Some(Denial::CertificateUntrusted { .. } | Denial::CertificateWrongPurpose { .. }));
    let shown = inspect::describe(&evidence.certificates, &PathRules::default(), UnixTime::now());
    let shown: Vec<_> = shown.into_iter().flatten().collect();
    let leaf = shown.first().filter(|_| refused)?;
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
    let mut top = leaf;
    while let Some(issuer) = top.issued_by.and_then(|place| shown.get(place)) {
        if std::ptr::eq(issuer, top) {
            break;
        }
        top = issuer;
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

/// What the token is bound to instead of the certificate.
fn confirmation(evidence: &Evidence<'_>, trust: &Truststore) -> Option<Mistake> {
    let written = evidence.confirmation("x5t#S256")?;
    let is_hex = |text: &[u8]| text.len() == 64 && text.iter().all(u8::is_ascii_hexdigit);
    let right = "x5t#S256 is the base64url of the 32 bytes of the SHA-256";
    let plain: String = written.chars().filter(|c| *c != ':').collect();
    if is_hex(plain.as_bytes()) {
        return mistake("thumbprint_in_hex", format!("the thumbprint in the token is written in hex; {right}"));
    }
    let decoded = BASE64_URL_SAFE_NO_PAD.decode(written.trim_end_matches('=').replace('+', "-").replace('/', "_"));
    let decoded = decoded.ok()?;
    if is_hex(&decoded) {
        let text = format!("the thumbprint in the token is the base64 of a hex text; {right}");
        return mistake("thumbprint_in_base64_of_hex", text);
    }
    let is = |bytes: &[u8]| Thumbprint::of(bytes).as_bytes() == decoded.as_slice();
    let leaf = evidence.certificates.first();
    if leaf.is_some_and(|leaf| pem_texts(leaf).iter().any(|text| is(text.as_bytes()))) {
        let text = "the thumbprint in the token was made over the PEM text; make it over the DER";
        return mistake("thumbprint_over_pem", text);
    }
    if leaf.and_then(|leaf| public_key(leaf)).is_some_and(|key| is(&key)) {
        let text = "the token is bound to the public key; x5t#S256 is the hash of the whole certificate";
        return mistake("token_bound_to_public_key", text);
    }
    let issuers = evidence.certificates.iter().skip(1).filter(|der| is_authority(der));
    let anchor = trust.named().any(|(thumbprint, _)| thumbprint.as_bytes() == decoded.as_slice());
    if anchor || issuers.map(Vec::as_slice).any(is) {
        let text = "the token is bound to the certificate of an authority; bind it to the client's own";
        return mistake("token_bound_to_issuer", text);
    }
    None
}

/// What the token is bound to at all.
fn binding(evidence: &Evidence<'_>, denial: Option<&Denial>, found: &Findings) -> Option<Mistake> {
    let opaque = found.token.as_ref().is_some_and(|token| token.kind() == "opaque");
    match denial? {
        Denial::BindingMissing { .. } if opaque => mistake(
            "introspection_without_cnf",
            "the authorization server's answer to introspection leaves out cnf, so nothing says what the token is bound to; \
             have the server return it (RFC 8705, section 3.2)",
        ),
        Denial::BindingMissing { .. } | Denial::ProofMissing if evidence.confirmation("jkt").is_some() => mistake(
            "dpop_token_on_mtls_route",
            "the token is bound to a DPoP key, and this request shows a certificate: \
             obtain the token by mutual TLS, or add \"jkt\" to token.binding and send a proof",
        ),
        _ => None,
    }
}

/// The ways in which a certificate is usually written as PEM.
fn pem_texts(der: &[u8]) -> Vec<String> {
    let base64 = BASE64_STANDARD.encode(der);
    let lines: Vec<&str> = base64.as_bytes().chunks(64).filter_map(|line| std::str::from_utf8(line).ok()).collect();
    let mut texts = vec![base64.clone()];
    for end in ["\n", "\r\n", ""] {
        let text = format!("-----BEGIN CERTIFICATE-----{end}{}{end}-----END CERTIFICATE-----", lines.join(end));
        texts.push(format!("{text}{end}"));
        texts.push(text);
    }
    texts
}

fn is_authority(der: &[u8]) -> bool {
    let described = inspect::describe(&[der.to_vec()], &PathRules::default(), UnixTime::now());
    described.into_iter().flatten().any(|described| described.as_anchor.is_some())
}

fn public_key(der: &[u8]) -> Option<Vec<u8>> {
    let certificate = Certificate::from_der(der).ok()?;
    certificate.tbs_certificate().subject_public_key_info().to_der().ok()
}
