//! What was shown, read more kindly than the gate reads it: for finding mistakes, and for nothing else.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::{Map, Value};

use crate::certificate::inspect;

/// The certificates and the token of one request, as far as they can be read at all.
#[derive(Default)]
pub struct Evidence<'a> {
    /// The header's value, as it was captured.
    pub header: Option<&'a [u8]>,
    /// The certificate's file, as it is.
    pub file: Option<&'a [u8]>,
    /// Certificates in the order in which they were shown.
    pub certificates: Vec<Vec<u8>>,
    /// Whether the connection comes from a trusted load balancer.
    pub peer_trusted: bool,
    /// Each `cnf` that somebody said belongs to the token. No signature is looked at.
    confirmations: Vec<Map<String, Value>>,
}

impl<'a> Evidence<'a> {
    /// Reads what can be read. `introspected`: what issuers said of the token.
    pub fn of<'b>(
        header: Option<&'a [u8]>,
        file: Option<&'a [u8]>,
        token: Option<&str>,
        introspected: impl IntoIterator<Item = &'b [u8]>,
    ) -> Self {
        let told = introspected.into_iter().filter_map(confirmation);
        let signed = token.and_then(payload).and_then(|payload| confirmation(&payload));
        Self {
            header,
            file,
            certificates: file.or(header).and_then(|shown| inspect::read(shown).ok()).unwrap_or_default(),
            peer_trusted: true,
            confirmations: told.chain(signed).collect(),
        }
    }

    /// A member of each `cnf` that has it, whatever its form.
    pub(super) fn confirmations(&self, member: &str) -> impl Iterator<Item = &Value> {
        self.confirmations.iter().filter_map(move |cnf| cnf.get(member)).filter(|value| !value.is_null())
    }

    pub(super) fn confirms(&self, member: &str) -> bool {
        self.confirmations(member).next().is_some()
    }

    /// Whether there is no `cnf` with anything in it.
    pub(super) fn confirms_nothing(&self) -> bool {
        self.confirmations.iter().all(Map::is_empty)
    }
}

fn payload(token: &str) -> Option<Vec<u8>> {
    BASE64_URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?.trim_end_matches('=')).ok()
}

fn confirmation(claims: &[u8]) -> Option<Map<String, Value>> {
    match serde_json::from_slice::<Map<String, Value>>(claims).ok()?.remove("cnf")? {
        Value::Object(cnf) => Some(cnf),
        _ => None,
    }
}
