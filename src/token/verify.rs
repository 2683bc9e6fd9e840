//! From a bearer token to an access token: issuer, signature, audience, times, type.

use std::sync::Arc;

use rustls_pki_types::UnixTime;

use crate::{
    denial::Denial,
    lookup::Lookup,
    token::{Algorithm, BearerToken, Claims, KeySet},
};

/// The issuers whose tokens are taken, and what is demanded of a token.
#[derive(Debug)]
pub struct Issuers {
    /// The configured issuers, in order; [`KeyRing`] uses the same order.
    pub issuers: Vec<Issuer>,
    /// Demanded of every token.
    pub rules: TokenRules,
}

/// One issuer.
#[derive(Clone, Debug)]
pub struct Issuer {
    /// `iss`, compared byte for byte.
    pub issuer: Arc<str>,
    /// One of these must be in `aud`.
    pub audiences: Vec<String>,
}

/// Demanded of every token.
#[derive(Clone, Debug)]
pub struct TokenRules {
    /// Accepted algorithms.
    pub algorithms: Vec<Algorithm>,
    /// Difference between clocks, in seconds.
    pub clock_skew: u64,
    /// Accepted `typ`, lower case, without `application/`; "" accepts an absent one.
    pub types: Vec<String>,
    /// Claims that must be there.
    pub required_claims: Vec<Arc<str>>,
}

/// A snapshot of the keys of every issuer, and the memory of signatures that held under them.
///
/// The memory is a field of the keys, so new keys empty it. It holds signatures and claims only: issuer, audience, times,
/// and type are compared on every hit.
pub struct KeyRing {
    /// In the order of [`Issuers::issuers`]; none: never fetched.
    sets: Vec<Option<Arc<KeySet>>>,
    // cache: keyed by the whole token bytes
}

impl KeyRing {
    /// `cache_bytes`: memory for the cache, at most; 0 switches it off.
    pub fn new(sets: Vec<Option<Arc<KeySet>>>, cache_bytes: u64) -> Self {
        todo!()
    }

    /// The key set of each issuer.
    pub fn sets(&self) -> &[Option<Arc<KeySet>>] {
        &self.sets
    }
}

/// A token whose issuer, signature, audience, times, and type hold. Whether it is bound to anything is not said.
///
/// Only [`Issuers::verify`] makes one. Cheap to clone.
#[derive(Clone, Debug)]
pub struct AccessToken(Arc<Claims>);

impl AccessToken {
    /// The claims.
    pub fn claims(&self) -> &Claims {
        &self.0
    }
}

/// Why there is no token.
#[derive(Debug)]
pub enum TokenStop {
    /// Refused.
    Deny(Denial),
    /// The token names a key that issuer number `issuer` does not have yet.
    UnknownKey {
        /// Index into [`Issuers::issuers`].
        issuer: usize,
    },
}

impl Issuers {
    /// Verifies in the order issuer, algorithm, key, signature, audience, times, type, other claims: the first that is
    /// wrong answers.
    ///
    /// The first value tells whether the signature was remembered; none when it did not come to that.
    pub fn verify(
        &self,
        bearer: BearerToken<'_>,
        keys: &KeyRing,
        now: UnixTime,
    ) -> (Option<Lookup>, Result<AccessToken, TokenStop>) {
        todo!()
    }
}
