//! What an authorization server says of a token that cannot be read (RFC 7662).

use std::{fmt, sync::Arc};

use rustls_pki_types::UnixTime;
use sha2::{Digest, Sha256};

use crate::token::{
    Claims,
    json::{self, Members, Value},
    jws::media_type,
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
    /// `active` is `true`; nothing in the rest has been compared with anything.
    Active(Arc<Introspected>),
}

/// The rest of an answer about an active token.
#[derive(Debug)]
pub struct Introspected {
    /// Read as from a JWT.
    pub(super) claims: Claims,
    /// What kind of token it is about, by the members that say so: lower case, without `application/`.
    pub(super) kinds: Kinds,
}

/// The members that say what kind of token something is, and what they say.
pub(super) type Kinds = Vec<(&'static str, Box<str>)>;

/// RFC 7662, section 2.2, has the first; Hydra writes the second, Keycloak the third. With what is wrong with other values.
const KIND_MEMBERS: [(&str, &str); 3] = [
    ("token_type", "`token_type` is not a string"),
    ("token_use", "`token_use` is not a string"),
    ("typ", "`typ` is not a string"),
];

/// What `members` say of the token's kind; `null` says nothing.
///
/// # Errors
/// The member that is not a string.
pub(super) fn kinds(members: &Members<'_>) -> Result<Kinds, &'static str> {
    let said = |name| members.get(name).filter(|value| !value.is_null());
    let said = KIND_MEMBERS.into_iter().filter_map(|(name, wrong)| Some((name, said(name)?, wrong)));
    said.map(|(name, value, wrong)| Ok((name, media_type(value.as_str().ok_or(wrong)?)))).collect()
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
        let read = || Ok(Introspected { kinds: kinds(&members)?, claims: Claims::read(&members, consent)? });
        Ok(read().map_or_else(Self::Malformed, |told| Self::Active(Arc::new(told))))
    }
}

impl Introspected {
    /// Whether it comes with a proof of the key that it is bound to (RFC 9449, section 6.2).
    pub(super) fn is_proven_by_key(&self) -> bool {
        self.kinds.iter().any(|(_, kind)| **kind == *"dpop")
    }

    /// `exp`, beyond which the answer is not kept.
    pub fn expires(&self) -> Option<UnixTime> {
        self.claims.expires()
    }
}

impl fmt::Debug for Inquiry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inquiry").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
