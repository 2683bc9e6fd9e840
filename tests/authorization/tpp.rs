//! Clients of the bank, and what they get from the authorization server.

use std::collections::BTreeMap;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use rcgen::{DistinguishedName, DnType};
use serde_json::{Value, json};

use crate::support::pki::{Client, Pki};

/// A third-party provider.
pub(crate) struct Tpp {
    /// Its `client_id`.
    pub(crate) id: String,
    pub(crate) certificate: Client,
}

impl Tpp {
    pub(crate) fn new(id: &str) -> Self {
        let certificate = Pki::get().issuing.issue(id, |params| {
            let mut name = DistinguishedName::new();
            name.push(DnType::OrganizationName, "TPP Ltd");
            name.push(DnType::OrganizationalUnitName, ORGANISATION);
            name.push(DnType::CommonName, id);
            params.distinguished_name = name;
        });
        Self { id: id.to_owned(), certificate }
    }

    /// RFC 4514, as it is registered for `tls_client_auth` (RFC 8705, section 2.1.2).
    pub(crate) fn subject(&self) -> String {
        format!("CN={},OU={ORGANISATION},O=TPP Ltd", self.certificate.name)
    }

    /// As the authorization server is to know it: what binds its tokens, and what they are.
    pub(crate) fn registered(&self, binding: &str, format: &str) -> Value {
        json!({"id": self.id, "subject": self.subject(), "binding": binding, "format": format})
    }
}

/// An access token.
pub(crate) struct Token {
    /// What stands for it in the transcript.
    pub(crate) name: String,
    pub(crate) text: String,
}

/// Proofs of the key that a token is bound to (RFC 9449), each by its name.
pub(crate) type Proofs = BTreeMap<String, String>;

impl Token {
    /// Out of the token endpoint's answer.
    pub(crate) fn of(tpp: &Tpp, answer: &Value) -> Self {
        let text = answer["access_token"].as_str().expect("a token").to_owned();
        Self { name: format!("token of {}", tpp.id), text }
    }

    pub(crate) fn named(self, name: &str) -> Self {
        Self { name: name.to_owned(), ..self }
    }

    /// Header and claims, unbelieved; null where it is opaque.
    pub(crate) fn part(&self, place: usize) -> Value {
        let part = self.text.split('.').nth(place).and_then(|part| BASE64_URL_SAFE_NO_PAD.decode(part).ok());
        part.and_then(|json| serde_json::from_slice(&json).ok()).unwrap_or_default()
    }

    /// What it is, without what it is worth.
    pub(crate) fn description(&self) -> String {
        let (header, claims) = (self.part(0), self.part(1));
        let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        match claims["cnf"].as_object().and_then(|cnf| cnf.iter().next()) {
            None => "opaque".to_owned(),
            Some((member, value)) => {
                let (typ, alg, kid) = (word(&header["typ"]), word(&header["alg"]), word(&header["kid"]));
                let start: String = word(value).chars().take(8).collect();
                format!("{typ}, {alg} by {kid}, {member} {start}...")
            }
        }
    }
}

/// The organisation of every client here, as a directory would name it.
pub(crate) const ORGANISATION: &str = "0015800001ABCDEFGH";
