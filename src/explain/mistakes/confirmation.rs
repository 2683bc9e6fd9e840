//! What the token is bound to instead of the certificate.

use base64::{
    Engine,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use const_oid::{ObjectIdentifier, db};
use der::{Decode, Encode, Sequence, asn1::UintRef};
use rustls_pki_types::UnixTime;
use spki::SubjectPublicKeyInfoOwned;
use x509_cert::Certificate;

use super::mistake;
use crate::{
    certificate::{PathRules, Profile, Truststore, inspect},
    explain::{Evidence, Mistake},
    thumbprint::Thumbprint,
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
    found.extend(jwk(key).map(|jwk| Thumbprint::of(jwk.as_bytes())));
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

/// The members without which there is no key, in the order of their names (RFC 7638, section 3.2; RFC 8037, section 2).
fn jwk(key: &SubjectPublicKeyInfoOwned) -> Option<String> {
    let octets = key.subject_public_key.as_bytes()?;
    let encode = |octets: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(octets);
    match key.algorithm.oid {
        db::rfc5912::RSA_ENCRYPTION => {
            let RsaPublicKey { modulus, exponent } = RsaPublicKey::from_der(octets).ok()?;
            let (n, e) = (encode(modulus.as_bytes()), encode(exponent.as_bytes()));
            Some(format!(r#"{{"e":"{e}","kty":"RSA","n":"{n}"}}"#))
        }
        db::rfc5912::ID_EC_PUBLIC_KEY => {
            let crv = match key.algorithm.parameters.as_ref()?.decode_as::<ObjectIdentifier>().ok()? {
                db::rfc5912::SECP_256_R_1 => "P-256",
                db::rfc5912::SECP_384_R_1 => "P-384",
                _ => return None,
            };
            let point = octets.strip_prefix(&[4])?;
            let (x, y) = point.split_at(point.len() / 2);
            Some(format!(r#"{{"crv":"{crv}","kty":"EC","x":"{}","y":"{}"}}"#, encode(x), encode(y)))
        }
        db::rfc8410::ID_ED_25519 => Some(format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, encode(octets))),
        _ => None,
    }
}

#[derive(Sequence)]
struct RsaPublicKey<'a> {
    modulus: UintRef<'a>,
    exponent: UintRef<'a>,
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
        assert_eq!(Thumbprint::of(jwk(&key).unwrap().as_bytes()).to_string(), thumbprint);
    }

    fn member(key: &Value, name: &str) -> Vec<u8> {
        BASE64_URL_SAFE_NO_PAD.decode(key["jwk"][name].as_str().unwrap()).unwrap()
    }

    #[test]
    fn key_of_a_certificate_has_the_thumbprint_of_its_jwk() {
        let [rsa, okp] = [RFC_7638, RFC_8037].map(|text| serde_json::from_str::<Value>(text).unwrap());
        let (n, e) = (member(&rsa, "n"), member(&rsa, "e"));
        let key = RsaPublicKey { modulus: UintRef::new(&n).unwrap(), exponent: UintRef::new(&e).unwrap() };
        let thumbprint = rsa["thumbprint_sha256"].as_str().unwrap();
        check(db::rfc5912::RSA_ENCRYPTION, Some(Any::null()), &key.to_der().unwrap(), thumbprint);
        let thumbprint = okp["thumbprint_sha256"].as_str().unwrap();
        check(db::rfc8410::ID_ED_25519, None, &member(&okp, "x"), thumbprint);
    }
}
