//! Issuers' keys (RFC 7517, 7518, 8037) and the algorithms they may be used with.

use crate::token::{
    json::{self, Value},
    jwk::Key,
};

/// JWS algorithms certbound knows: asymmetric ones only. `none` and HS* have no name here.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(missing_docs, reason = "the names of RFC 7518 and RFC 8037")]
pub enum Algorithm {
    PS256,
    PS384,
    PS512,
    ES256,
    ES384,
    EdDSA,
    RS256,
    RS384,
    RS512,
}

impl Algorithm {
    /// Every algorithm.
    pub const ALL: [Self; 9] = [
        Self::PS256,
        Self::PS384,
        Self::PS512,
        Self::ES256,
        Self::ES384,
        Self::EdDSA,
        Self::RS256,
        Self::RS384,
        Self::RS512,
    ];

    /// Its registered name.
    pub fn name(self) -> &'static str {
        match self {
            Self::PS256 => "PS256",
            Self::PS384 => "PS384",
            Self::PS512 => "PS512",
            Self::ES256 => "ES256",
            Self::ES384 => "ES384",
            Self::EdDSA => "EdDSA",
            Self::RS256 => "RS256",
            Self::RS384 => "RS384",
            Self::RS512 => "RS512",
        }
    }

    /// The algorithm of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|a| a.name() == name)
    }
}

/// The usable public keys of one issuer. Equality tells whether a refresh changed anything.
#[derive(Debug, Eq, PartialEq)]
pub struct KeySet {
    keys: Vec<Key>,
    left_out: Vec<String>,
}

impl KeySet {
    /// Reads a JWK set. Keys that cannot verify a signature of ours are left out; duplicates of a `kid` are kept.
    ///
    /// # Errors
    /// What is wrong: not a JWK set, over [`Self::MAX_BYTES`], over [`Self::MAX_KEYS`].
    pub fn parse(json: &[u8]) -> Result<Self, String> {
        let list = jwks(json)?;
        let mut set = Self { keys: Vec::new(), left_out: Vec::new() };
        for (place, jwk) in list.iter().enumerate() {
            match Key::read(jwk) {
                Ok(key) => set.keys.push(key),
                Err(why) => set.left_out.push(format!("key {}: {why}", place + 1)),
            }
        }
        Ok(set)
    }

    /// How many keys can be used.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether no key is listed, not even one that was left out: there is nothing to verify with, and an issuer that publishes
    /// keys has published none yet.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty() && self.left_out.is_empty()
    }

    /// Whether a key can be used.
    pub fn is_usable(&self) -> bool {
        !self.keys.is_empty()
    }

    /// Whether a key may verify signatures of any of these algorithms.
    pub fn serves(&self, algorithms: &[Algorithm]) -> bool {
        self.keys.iter().any(|key| algorithms.iter().any(|algorithm| key.fits(*algorithm)))
    }

    /// Which keys were left out, by their place in the document, and why: for the log. Holds nothing of the key.
    pub fn left_out(&self) -> &[String] {
        &self.left_out
    }

    /// Verifies a signature with the keys that the header may mean.
    ///
    /// With a `kid`: each key of that `kid`, where type and `alg` fit. Without: the only key that fits.
    pub(crate) fn verify(
        &self,
        algorithm: Algorithm,
        kid: Option<&str>,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), KeyStop> {
        let named = || self.keys.iter().filter(|key| kid.is_none() || key.kid() == kid);
        let mut fitting = named().filter(|key| key.fits(algorithm)).peekable();
        if fitting.peek().is_none() {
            let known = kid.is_some() && named().next().is_some();
            return Err(if known { KeyStop::Unfit } else { KeyStop::Unknown });
        }
        if kid.is_none() && named().filter(|key| key.fits(algorithm)).nth(1).is_some() {
            return Err(KeyStop::Ambiguous);
        }
        let holds = fitting.any(|key| key.verify(algorithm, message, signature));
        holds.then_some(()).ok_or(KeyStop::SignatureInvalid)
    }

    /// A larger document is not read.
    pub const MAX_BYTES: usize = 512 * 1024;

    /// A document with more keys is not read.
    pub const MAX_KEYS: usize = 100;
}

/// The elements of a JWK set (RFC 7517, section 5), none of them read. Members that are null are left out: some libraries
/// write out what a key does not have.
///
/// # Errors
/// What is wrong: not a JWK set, over [`KeySet::MAX_BYTES`], over [`KeySet::MAX_KEYS`].
pub(crate) fn jwks(json: &[u8]) -> Result<Vec<Value<'_>>, String> {
    if json.len() > KeySet::MAX_BYTES {
        return Err(format!("over {} bytes", KeySet::MAX_BYTES));
    }
    // RFC 8259, section 8.1: it may be passed over. Some editors begin every text with it.
    let json = json.strip_prefix(b"\xef\xbb\xbf").unwrap_or(json);
    let mut document = json::members(json).ok_or("not one JSON object with each member once")?;
    match document.remove("keys") {
        Some(Value::List(list)) if list.len() > KeySet::MAX_KEYS => Err(format!("over {} keys", KeySet::MAX_KEYS)),
        Some(Value::List(mut list)) => {
            list.iter_mut().for_each(Value::drop_nulls);
            Ok(list)
        }
        _ => Err("not a JWK set: no list `keys`".to_owned()),
    }
}

/// Why no key verified a signature.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum KeyStop {
    /// No key of that `kid`, or without one no key for the algorithm: a newer set may have it.
    Unknown,
    /// The key of that `kid` is for another algorithm.
    Unfit,
    /// No `kid`, and several keys for the algorithm.
    Ambiguous,
    /// None of them made it.
    SignatureInvalid,
}

#[cfg(test)]
mod tests;
