//! What the token is bound to instead of the certificate.

use base64::{
    Engine,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use const_oid::{ObjectIdentifier, db};
use der::{Decode, Encode, asn1::UintRef};
use rustls_pki_types::UnixTime;
use spki::SubjectPublicKeyInfoOwned;
use x509_cert::Certificate;

use super::mistake;
use crate::{
    certificate::{PathRules, Profile, Truststore, inspect},
    explain::{Evidence, Mistake},
    thumbprint::Thumbprint,
    token::PublicKey,
};

/// The first mistake in what signature and issuer name as `x5t#S256`.
pub(super) fn confirmation(evidence: &Evidence<'_>, trust: &Truststore) -> Option<Mistake> {
    let written = evidence.confirmations("x5t#S256");
    written.filter_map(|written| written.as_str()).find_map(|written| wrong(written, evidence, trust))
}

fn wrong(written: &str, evidence: &Evidence<'_>, trust: &Truststore) -> Option<Mistake> {
    let right = "x5t#S256 is the base64url of the 32 bytes of the SHA-256";
    if is_hex(written.as_bytes()) {
        return mistake("thumbprint_in_hex", format!("the thumbprint in the token is written in hex; {right}"));
    }
    let decoded = BASE64_URL_SAFE_NO_PAD.decode(written.trim_end_matches('=').replace('+', "-").replace('/', "_"));
    let decoded = decoded.ok()?;
    if is_hex(&decoded) {
        let text = format!("the thumbprint in the token is the base64 of a hex text; {right}");
        return mistake("thumbprint_in_base64_of_hex", text);
    }
    let is = |of: &Thumbprint| of.as_bytes() == decoded.as_slice();
    let leaf = evidence.certificates.first();
    if leaf.is_some_and(|leaf| is(&Thumbprint::of(leaf))) {
        return None;
    }
    if texts(evidence).iter().any(is) {
        let text = "the thumbprint in the token was made over a text of the certificate, such as its PEM; \
                    make it over the DER";
        return mistake("thumbprint_over_pem", text);
    }
    if leaf.is_some_and(|leaf| keys(leaf).iter().any(is)) {
        let text = "the token is bound to the public key; x5t#S256 is the hash of the whole certificate";
        return mistake("token_bound_to_public_key", text);
    }
    if issuers(evidence, trust).any(|issuer| is(&issuer)) {
        let text = "the token is bound to the certificate of an authority; bind it to the client's own";
        return mistake("token_bound_to_issuer", text);
    }
    None
}

/// A SHA-256 in hex, with or without colons.
fn is_hex(text: &[u8]) -> bool {
    let digits = || text.iter().filter(|byte| **byte != b':');
    digits().count() == 64 && digits().all(u8::is_ascii_hexdigit)
}

/// Over the certificate as it was shown, and in every form in which it is usually written.
fn texts(evidence: &Evidence<'_>) -> Vec<Thumbprint> {
    let mut found: Vec<_> = [evidence.header, evidence.file].into_iter().flatten().map(Thumbprint::of).collect();
    if let Some(leaf) = evidence.certificates.first() {
        let written = Profile::ALL.map(|profile| profile.encode(leaf, &[]).leaf);
        found.extend(written.iter().map(|value| Thumbprint::of(value.as_bytes())));
        found.extend(pem_texts("CERTIFICATE", leaf));
    }
    found
}

/// Over the key as the certificate has it, as PEM, without its algorithm, and as a JWK (RFC 7638).
fn keys(leaf: &[u8]) -> Vec<Thumbprint> {
    let Ok(certificate) = Certificate::from_der(leaf) else { return Vec::new() };
    let key = certificate.tbs_certificate().subject_public_key_info();
    let Ok(der) = key.to_der() else { return Vec::new() };
    let mut found = pem_texts("PUBLIC KEY", &der);
    found.extend([Thumbprint::of(&der), Thumbprint::of(key.subject_public_key.raw_bytes())]);
    found.extend(public_key(key).map(|key| key.thumbprint()));
    found
}

/// Of the anchors, and of the authorities that were shown.
fn issuers(evidence: &Evidence<'_>, trust: &Truststore) -> impl Iterator<Item = Thumbprint> {
    let shown = evidence.certificates.iter().skip(1).filter(|der| is_authority(der));
    trust.named().map(|(thumbprint, _)| thumbprint).chain(shown.map(|der| Thumbprint::of(der)))
}

fn is_authority(der: &[u8]) -> bool {
    let described = inspect::describe(&[der.to_vec()], &PathRules::default(), UnixTime::now());
    described.into_iter().flatten().any(|described| described.as_anchor.is_some())
}

/// Lines that end in LF, in CRLF, in a space, or not at all, with and without the last end, in their armour and without it.
fn pem_texts(label: &str, der: &[u8]) -> Vec<Thumbprint> {
    let base64 = BASE64_STANDARD.encode(der);
    let lines: Vec<&str> = base64.as_bytes().chunks(64).filter_map(|line| std::str::from_utf8(line).ok()).collect();
    let written = |end: &str| {
        let body = lines.join(end);
        let armoured = format!("-----BEGIN {label}-----{end}{body}{end}-----END {label}-----");
        [format!("{body}{end}"), body, format!("{armoured}{end}"), armoured]
    };
    ["\n", "\r\n", " ", ""].into_iter().flat_map(written).map(|text| Thumbprint::of(text.as_bytes())).collect()
}

/// The key without its certificate. None for one of a kind that is not accepted.
fn public_key(key: &SubjectPublicKeyInfoOwned) -> Option<PublicKey> {
    let octets = key.subject_public_key.as_bytes()?;
    let point = || octets.starts_with(&[4]).then(|| octets.to_vec());
    match key.algorithm.oid {
        db::rfc5912::RSA_ENCRYPTION => {
            let numbers = Vec::<UintRef<'_>>::from_der(octets).ok()?;
            let [n, e] = numbers.as_slice() else { return None };
            Some(PublicKey::Rsa { n: n.as_bytes().to_vec(), e: e.as_bytes().to_vec() })
        }
        db::rfc5912::ID_EC_PUBLIC_KEY => {
            match key.algorithm.parameters.as_ref()?.decode_as::<ObjectIdentifier>().ok()? {
                db::rfc5912::SECP_256_R_1 => point().map(PublicKey::P256),
                db::rfc5912::SECP_384_R_1 => point().map(PublicKey::P384),
                _ => None,
            }
        }
        db::rfc8410::ID_ED_25519 => Some(PublicKey::Ed25519(octets.to_vec())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests state what they need")]

    use der::{Any, asn1::BitString};
    use serde_json::Value;
    use spki::AlgorithmIdentifierOwned;

    use super::*;

    const RFC_7638: &str = include_str!("../../../tests/vectors/rfc/rfc7638.json");
    const RFC_8037: &str = include_str!("../../../tests/vectors/rfc/rfc8037.json");

    fn check(oid: ObjectIdentifier, parameters: Option<Any>, octets: &[u8], thumbprint: &str) {
        let algorithm = AlgorithmIdentifierOwned { oid, parameters };
        let key = SubjectPublicKeyInfoOwned { algorithm, subject_public_key: BitString::from_bytes(octets).unwrap() };
        assert_eq!(public_key(&key).unwrap().thumbprint().to_string(), thumbprint);
    }

    fn member(key: &Value, name: &str) -> Vec<u8> {
        BASE64_URL_SAFE_NO_PAD.decode(key["jwk"][name].as_str().unwrap()).unwrap()
    }

    #[test]
    fn key_of_a_certificate_has_the_thumbprint_of_its_jwk() {
        let [rsa, okp] = [RFC_7638, RFC_8037].map(|text| serde_json::from_str::<Value>(text).unwrap());
        let (n, e) = (member(&rsa, "n"), member(&rsa, "e"));
        let key = [&n, &e].map(|number| UintRef::new(number).unwrap());
        let thumbprint = rsa["thumbprint_sha256"].as_str().unwrap();
        check(db::rfc5912::RSA_ENCRYPTION, Some(Any::null()), &key.to_der().unwrap(), thumbprint);
        let thumbprint = okp["thumbprint_sha256"].as_str().unwrap();
        check(db::rfc8410::ID_ED_25519, None, &member(&okp, "x"), thumbprint);
    }
}
