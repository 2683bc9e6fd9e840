//! What an authorization server says of a token that cannot be read (RFC 7662).

use std::{fmt, sync::Arc};

use rustls_pki_types::UnixTime;
use sha2::{Digest, Sha256};

use crate::token::{
    Claims,
    json::{self, Value},
};

/// A token, and the issuer that is asked about it. The token itself cannot be printed.
#[derive(Clone, Eq, PartialEq)]
pub struct Inquiry {
    /// Index into [`crate::token::Issuers::issuers`].
    pub issuer: usize,
    /// SHA-256 of the token: the key under which answers are kept.
    pub digest: [u8; 32],
    token: Box<str>,
}

/// What is known of a token from its issuer.
#[derive(Clone, Debug)]
pub enum Introspection {
    /// The issuer gave no usable answer.
    Unavailable,
    /// `active` is anything but `true`.
    Inactive,
    /// `active` is `true`, and why the rest cannot be read.
    Malformed(&'static str),
    /// `active` is `true`; the rest is read as from a JWT, and has not been compared with anything.
    Active(Arc<Claims>),
}

/// Answers that the shell keeps.
pub trait Introspections: Sync {
    /// What is kept, if it still holds at `now`. Asks nobody.
    fn recall(&self, inquiry: &Inquiry, now: UnixTime) -> Option<Introspection>;
}

impl Inquiry {
    /// About `token`, to the issuer of that place.
    pub fn new(issuer: usize, token: &str) -> Self {
        Self { issuer, digest: Sha256::digest(token.as_bytes()).into(), token: token.into() }
    }

    /// The token, to be sent to its issuer and nowhere else.
    pub fn token(&self) -> &str {
        &self.token
    }
}

impl Introspection {
    /// Reads an answer, whose length the caller bounds. `consent`: as for a JWT, the claim of the consent's identifier.
    ///
    /// A member that is `null` is not there: many servers write out what they do not know.
    ///
    /// # Errors
    /// Why it is no answer at all.
    pub fn parse(answer: &[u8], consent: Option<&str>) -> Result<Self, &'static str> {
        let mut members = json::members(answer).ok_or("not one JSON object with each member once")?;
        if members.get("active") != Some(&Value::Bool(true)) {
            return Ok(Self::Inactive);
        }
        // But for `cnf`: whoever writes that down, in whatever way, does not say that the token is bound to nobody.
        members.retain(|name, value| name == "cnf" || !value.is_null());
        Ok(Claims::read(&members, consent).map_or_else(Self::Malformed, |told| Self::Active(Arc::new(told))))
    }
}

impl fmt::Debug for Inquiry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inquiry").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
