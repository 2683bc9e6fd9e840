//! What the token is bound to instead of the certificate.

use base64::{
    Engine,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use der::{Decode, Encode};
use rustls_pki_types::UnixTime;
use x509_cert::Certificate;

use super::mistake;
use crate::{
    certificate::{PathRules, Truststore, inspect},
    explain::{Evidence, Mistake},
    thumbprint::Thumbprint,
};

/// What the token is bound to instead of the certificate.
pub(super) fn confirmation(evidence: &Evidence<'_>, trust: &Truststore) -> Option<Mistake> {
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
