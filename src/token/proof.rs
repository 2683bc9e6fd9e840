//! DPoP proofs (RFC 9449): the client holds the key that its token is bound to.

use http::HeaderMap;
use rustls_pki_types::UnixTime;

use crate::{
    denial::Denial,
    thumbprint::Thumbprint,
    token::{AccessToken, Algorithm, single_use::SingleUse},
};

/// What is demanded of a proof.
#[derive(Clone, Debug)]
pub struct ProofRules {
    /// Accepted algorithms; for the challenge too.
    pub algorithms: Vec<Algorithm>,
    /// How old `iat` may be, in seconds.
    pub max_age: u64,
    /// How far in the future `iat` may be, in seconds.
    pub clock_skew: u64,
}

/// What the client called, as it called it: what `htm` and `htu` have to name.
#[derive(Clone, Copy, Debug)]
pub struct Called<'a> {
    /// `htm`.
    pub method: &'a http::Method,
    /// Scheme and authority, without a final slash.
    pub origin: &'a str,
    /// The exact path.
    pub path: &'a str,
}

/// A proof whose signature, method, address, time, and token hold. Whether it was used before is not said.
///
/// Only [`ProofRules::verify`] makes one.
#[derive(Clone, Debug)]
pub struct Proof {
    key: Thumbprint,
    single_use: SingleUse,
}

impl ProofRules {
    /// Verifies the one `DPoP` header against the token that it comes with.
    ///
    /// # Errors
    /// `proof_missing`, `proof_invalid`.
    pub fn verify(
        &self,
        _headers: &HeaderMap,
        _called: Called<'_>,
        _token: &AccessToken,
        _now: UnixTime,
    ) -> Result<Proof, Denial> {
        Err(Denial::ProofMissing)
    }
}

impl Proof {
    /// SHA-256 thumbprint of the proof's key (RFC 7638).
    pub fn key(&self) -> &Thumbprint {
        &self.key
    }

    /// Its `jti`, which may be used once.
    pub fn single_use(&self) -> &SingleUse {
        &self.single_use
    }
}
