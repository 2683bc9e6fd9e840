//! A certificate and a token bound to it, of the sizes that banks see.

use std::{fs, path::Path, time::SystemTime};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    SanType,
};
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use serde_json::{Value, json};

/// What one client needs.
pub(crate) struct Credentials {
    authority: String,
    keys: String,
    certificate: String,
    token: String,
    /// The claims of the token.
    pub(crate) claims: Value,
}

impl Credentials {
    /// Makes an authority, a client certificate of about 1.7 KB in percent-encoded PEM, and a token bound to it.
    pub(crate) fn mint() -> Self {
        let authority_key = KeyPair::generate().expect("a key");
        let mut authority = CertificateParams::default();
        authority.distinguished_name.push(DnType::CommonName, "Benchmark authority");
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        authority.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let authority_certificate = authority.self_signed(&authority_key).expect("an authority");
        let authority = Issuer::new(authority, authority_key);

        let key = KeyPair::generate().expect("a key");
        let mut client = CertificateParams::default();
        client.distinguished_name.push(DnType::OrganizationName, "A third party provider");
        client.distinguished_name.push(DnType::CommonName, "tpp-1");
        client.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        client.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        client.subject_alt_names = (0..10)
            .map(|n| SanType::URI(format!("https://tpp-1.example/{n}/{}", "a".repeat(24)).try_into().expect("ASCII")))
            .collect();
        let client = client.signed_by(&key, &authority).expect("a certificate");

        let (keys, token, claims) = token(client.der());
        Self {
            authority: authority_certificate.pem(),
            keys,
            certificate: utf8_percent_encode(&client.pem(), ESCAPED).to_string(),
            token,
            claims,
        }
    }

    /// Writes what the proxy's configuration names.
    pub(crate) fn write(&self, folder: &Path) {
        fs::write(folder.join("ca.pem"), &self.authority).expect("a truststore");
        fs::write(folder.join("jwks.json"), &self.keys).expect("a key set");
    }

    /// The request, as nginx would forward it.
    pub(crate) fn request(&self) -> Vec<u8> {
        self.request_with(&self.token)
    }

    /// The same with another token.
    pub(crate) fn request_with(&self, token: &str) -> Vec<u8> {
        format!(
            "GET /accounts/22289/balances?from=2026-01-01 HTTP/1.1\r\nHost: api.bank.example\r\nUser-Agent: tpp/1.0\r\n\
             Accept: application/json\r\nX-Forwarded-For: 203.0.113.7\r\nX-Forwarded-Proto: https\r\n\
             x-fapi-interaction-id: 93bac548-d2de-4546-b106-880a5018460d\r\nX-SSL-Client-Cert: {}\r\n\
             Authorization: Bearer {}\r\n\r\n",
            self.certificate, token
        )
        .into_bytes()
    }
}

/// A JWK set, an ES256 token under it, and the token's claims.
fn token(certificate: &[u8]) -> (String, String, Value) {
    let random = SystemRandom::new();
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).expect("a key");
    let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref(), &random).expect("a key pair");
    let (x, y) = key.public_key().as_ref()[1..].split_at(32);
    let encode = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
    let keys = json!({"keys": [{"kty": "EC", "crv": "P-256", "kid": "1", "alg": "ES256", "use": "sig",
        "x": encode(x), "y": encode(y)}]});
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("a clock after 1970").as_secs();
    let header = json!({"alg": "ES256", "typ": "at+jwt", "kid": "1"});
    let claims = json!({
        "iss": "https://as.bank.example", "aud": "https://api.bank.example", "sub": "user-0815", "client_id": "tpp-1",
        "iat": now, "nbf": now, "exp": now + 86_400, "jti": "b0a7e0c6-31a3-4a0a-9d3f-6a6f6a1d7d6e",
        "scope": "accounts payments", "consent_id": "urn:bank:consent:93bac548",
        "cnf": {"x5t#S256": encode(ring::digest::digest(&ring::digest::SHA256, certificate).as_ref())},
    });
    let signed = [encode(header.to_string().as_bytes()), encode(claims.to_string().as_bytes())].join(".");
    let signature = key.sign(&random, signed.as_bytes()).expect("a signature");
    (keys.to_string(), format!("{signed}.{}", encode(signature.as_ref())), claims)
}

/// What nginx escapes: all but the unreserved characters.
pub(crate) const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
