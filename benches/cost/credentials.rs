//! Certificates and tokens bound to them, of the sizes that banks see.

use std::time::SystemTime;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer, DnType, IsCa, KeyIdMethod,
    KeyPair, KeyUsagePurpose, RevokedCertParams, SerialNumber,
};
use ring::digest::{SHA256, digest};
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::provider::{RsaKey, provider};

/// Issues clients' certificates.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(crate) fn new() -> Self {
        Self::named("Benchmark authority")
    }

    pub(crate) fn named(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().expect("a key");
        Self(CertifiedIssuer::self_signed(params, key).expect("an authority"))
    }

    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    pub(crate) fn der(&self) -> &[u8] {
        self.0.der()
    }

    /// A list of so many certificates that no client has, in DER.
    pub(crate) fn crl(&self, entries: usize) -> Vec<u8> {
        let now = OffsetDateTime::now_utc();
        let revoked = |number: usize| RevokedCertParams {
            serial_number: SerialNumber::from(number as u64),
            revocation_time: now,
            reason_code: None,
            invalidity_date: None,
        };
        let list = CertificateRevocationListParams {
            this_update: now,
            next_update: now + time::Duration::days(1),
            crl_number: SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs: (1..=entries).map(revoked).collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        list.signed_by(&self.0).expect("a CRL").der().to_vec()
    }

    /// A new client, whose certificate is about 1.7 KB in percent-encoded PEM.
    pub(crate) fn client(&self) -> Client {
        let certificate = provider().signed_by(&RsaKey::new(), &self.0).expect("a certificate");
        Client {
            forwarded: utf8_percent_encode(&certificate.pem(), ESCAPED).to_string(),
            der: certificate.der().to_vec(),
        }
    }
}

/// Who calls the bank.
pub(crate) struct Client {
    /// The certificate as nginx forwards it.
    pub(crate) forwarded: String,
    pub(crate) der: Vec<u8>,
}

impl Client {
    /// What a token bound to this client says; `number` makes it one of its own.
    pub(crate) fn claims(&self, number: u64) -> Value {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("a clock after 1970").as_secs();
        json!({
            "iss": "https://as.bank.example", "aud": "https://api.bank.example", "sub": "user-0815",
            "client_id": "tpp-1", "iat": now, "nbf": now, "exp": now + 86_400,
            "jti": format!("b0a7e0c6-31a3-4a0a-9d3f-{number:012x}"),
            "scope": "accounts payments", "consent_id": "urn:bank:consent:93bac548",
            "cnf": {"x5t#S256": BASE64_URL_SAFE_NO_PAD.encode(digest(&SHA256, &self.der))},
        })
    }

    /// The request, as nginx would forward it.
    pub(crate) fn request(&self, token: &str) -> Vec<u8> {
        format!(
            "GET /accounts/22289/balances?from=2026-01-01 HTTP/1.1\r\nHost: api.bank.example\r\nUser-Agent: tpp/1.0\r\n\
             Accept: application/json\r\nX-Forwarded-For: 203.0.113.7\r\nX-Forwarded-Proto: https\r\n\
             x-fapi-interaction-id: 93bac548-d2de-4546-b106-880a5018460d\r\nX-SSL-Client-Cert: {}\r\n\
             Authorization: Bearer {token}\r\n\r\n",
            self.forwarded
        )
        .into_bytes()
    }
}

/// What nginx escapes: all but the unreserved characters.
pub(crate) const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
