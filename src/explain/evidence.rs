//! What was shown, read more kindly than the gate reads it: for finding mistakes, and for nothing else.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::{Map, Value};

use crate::certificate::{Profile, inspect};

/// The certificates and the token of one request, as far as they can be read at all.
#[derive(Default)]
pub struct Evidence<'a> {
    /// The header's value, as it was captured.
    pub header: Option<&'a [u8]>,
    /// The profile that reads it.
    pub profile: Option<Profile>,
    /// Certificates in the order in which they were shown.
    pub certificates: Vec<Vec<u8>>,
    /// Whether the connection comes from a trusted load balancer.
    pub peer_trusted: bool,
    /// The claims of a token that is a JWT. Its signature is not looked at.
    claims: Option<Map<String, Value>>,
}

impl<'a> Evidence<'a> {
    /// Reads what can be read.
    pub fn of(header: Option<(&'a [u8], Profile)>, file: Option<Vec<Vec<u8>>>, token: Option<&str>) -> Self {
        let shown = header.and_then(|(value, _)| inspect::read(value).ok());
        Self {
            header: header.map(|(value, _)| value),
            profile: header.map(|(_, profile)| profile),
            certificates: file.or(shown).unwrap_or_default(),
            peer_trusted: true,
            claims: token.and_then(claims),
        }
    }

    /// A member of `cnf`, whatever its form.
    pub(super) fn confirmation(&self, member: &str) -> Option<&str> {
        self.claims.as_ref()?.get("cnf")?.get(member)?.as_str()
    }
}

fn claims(token: &str) -> Option<Map<String, Value>> {
    let payload = token.split('.').nth(1)?;
    let payload = BASE64_URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?;
    serde_json::from_slice(&payload).ok()
}
