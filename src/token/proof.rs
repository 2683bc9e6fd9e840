//! DPoP proofs (RFC 9449): the client holds the key that its token is bound to.

mod address;

use std::{sync::Arc, time::Duration};

use http::{HeaderMap, HeaderName};
use rustls_pki_types::UnixTime;

use crate::{
    denial::Denial,
    thumbprint::Thumbprint,
    token::{
        Algorithm, BearerToken, Nonces, claims,
        json::{self, Members, Value},
        jwk::Key,
        jws::Jws,
        nonce::Age,
        single_use::{Purpose, SingleUse},
    },
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
    /// Whose nonce a proof has to hold; none: it needs none.
    pub nonces: Option<Nonces>,
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

/// A proof whose signature, method, address, time, and token hold. Whether it was used before is not said, nor whether its
/// key is the one that the token names.
///
/// Only [`ProofRules::verify`] makes one.
#[derive(Clone, Debug)]
pub struct Proof {
    key: Thumbprint,
    single_use: SingleUse,
    next_nonce: Option<Arc<str>>,
}

impl ProofRules {
    /// Verifies the one `DPoP` header against the token that it comes with, in the order of RFC 9449, section 4.3: form,
    /// type, algorithm, key, signature, method, address, nonce, time, token, identifier. The first that is wrong answers.
    ///
    /// # Errors
    /// `proof_missing` without the header; `proof_invalid`, with a nonce where the next proof has to hold it.
    pub fn verify(
        &self,
        headers: &HeaderMap,
        called: Called<'_>,
        bearer: BearerToken<'_>,
        now: UnixTime,
    ) -> Result<Proof, Denial> {
        let mut room = Vec::new();
        let jws = Jws::parse(only(headers)?, &mut room).map_err(invalid)?;
        let key = self.signer(&jws)?;
        let claims = json::members(jws.payload)
            .ok_or_else(|| invalid("the payload is not one JSON object with each member once"))?;
        if text(&claims, "htm")? != called.method.as_str() {
            return Err(invalid("`htm` is another method"));
        }
        if !address::names(text(&claims, "htu")?, &called) {
            return Err(invalid("`htu` is another address than the one that was called"));
        }
        let next_nonce = self.nonce(&claims, now)?;
        let until = self.time(&claims, now)?;
        is_for(&claims, bearer)?;
        let jti = text(&claims, "jti")?;
        if !(1..=LONGEST_JTI).contains(&jti.len()) {
            return Err(invalid("`jti` is not of 1 to 256 bytes"));
        }
        // The key is the maker: identifiers of different clients may be equal.
        Ok(Proof { key, single_use: SingleUse::new(Purpose::Proof, key.as_bytes(), jti, until), next_nonce })
    }

    /// The accepted algorithms as `algs` of a challenge names them (RFC 9449, section 7.1).
    pub fn algorithm_names(&self) -> Arc<str> {
        self.algorithms.iter().map(|algorithm| algorithm.name()).collect::<Vec<_>>().join(" ").into()
    }

    /// The key in the proof, with which it is signed.
    fn signer(&self, jws: &Jws<'_>) -> Result<Thumbprint, Denial> {
        if jws.header.typ.as_deref() != Some("dpop+jwt") {
            return Err(invalid("`typ` is not `dpop+jwt`"));
        }
        let algorithm = Algorithm::named(&jws.header.algorithm).filter(|named| self.algorithms.contains(named));
        let algorithm = algorithm.ok_or_else(|| invalid("`alg` is not accepted"))?;
        let jwk = jws.header.jwk.as_ref().ok_or_else(|| invalid("the header has no `jwk`"))?;
        let key = Key::read(jwk).map_err(|_| invalid("`jwk` is not one public key that is known here"))?;
        let holds = key.verify(algorithm, jws.signed, jws.signature);
        holds.then(|| key.thumbprint()).ok_or_else(|| invalid("the signature is not of the key in it"))
    }

    /// The nonce for the next proof, where this one's is about to end.
    fn nonce(&self, claims: &Members<'_>, now: UnixTime) -> Result<Option<Arc<str>>, Denial> {
        let Some(nonces) = &self.nonces else { return Ok(None) };
        let age = claims.get("nonce").and_then(Value::as_str).and_then(|nonce| nonces.age(nonce, now));
        match age {
            Some(Age::Current) => Ok(None),
            Some(Age::Previous) => Ok(Some(nonces.current(now))),
            None => {
                let why = match claims.get("nonce").is_some() {
                    true => "`nonce` is not one that was handed out lately",
                    false => "`nonce` is missing",
                };
                Err(Denial::ProofInvalid { why, nonce: Some(nonces.current(now)) })
            }
        }
    }

    /// From when on the proof is refused for its age, on clocks that differ by the skew too.
    fn time(&self, claims: &Members<'_>, now: UnixTime) -> Result<UnixTime, Denial> {
        let issued = claims::time(claims, "iat", "`iat` is not a time").map_err(invalid)?;
        let issued = issued.ok_or_else(|| invalid("a claim is missing"))?.as_secs();
        let now = now.as_secs();
        if issued > now.saturating_add(self.clock_skew) {
            return Err(invalid("`iat` is in the future"));
        }
        let last = issued.saturating_add(self.max_age);
        if now > last {
            return Err(invalid("`iat` is too long ago"));
        }
        // A proof needs neither; one that says it is held to it (RFC 7519, sections 4.1.4 and 4.1.5).
        let expires = claims::time(claims, "exp", "`exp` is not a time").map_err(invalid)?;
        if expires.is_some_and(|expires| now >= expires.as_secs().saturating_add(self.clock_skew)) {
            return Err(invalid("`exp` is past"));
        }
        let begins = claims::time(claims, "nbf", "`nbf` is not a time").map_err(invalid)?;
        if begins.is_some_and(|begins| begins.as_secs() > now.saturating_add(self.clock_skew)) {
            return Err(invalid("`nbf` is in the future"));
        }
        let until = last.saturating_add(self.clock_skew).saturating_add(1);
        Ok(UnixTime::since_unix_epoch(Duration::from_secs(until)))
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

    /// The nonce that the client is to use from now on; none: it has the current one, or needs none.
    pub fn next_nonce(&self) -> Option<&Arc<str>> {
        self.next_nonce.as_ref()
    }
}

/// The only `DPoP` header.
fn only(headers: &HeaderMap) -> Result<&str, Denial> {
    let mut values = headers.get_all(HEADER).iter();
    let value = values.next().ok_or(Denial::ProofMissing)?;
    if values.next().is_some() {
        return Err(invalid("more than one DPoP header was sent"));
    }
    if value.len() > LONGEST_PROOF {
        return Err(invalid("longer than any proof that is read"));
    }
    value.to_str().map_err(|_| invalid("not ASCII"))
}

/// `ath`: the proof was made for this very token, compared in constant time.
fn is_for(claims: &Members<'_>, bearer: BearerToken<'_>) -> Result<(), Denial> {
    // Written like a thumbprint, which is what it is: of the token (RFC 9449, section 4.2).
    let named = Thumbprint::parse(text(claims, "ath")?).ok_or_else(|| invalid("`ath` is no digest"))?;
    let holds = named.matches(&Thumbprint::of(bearer.as_str().as_bytes()));
    holds.then_some(()).ok_or_else(|| invalid("`ath` is the digest of another token"))
}

fn text<'a>(claims: &'a Members<'_>, name: &str) -> Result<&'a str, Denial> {
    let text = claims.text(name, "a claim is not a string").map_err(invalid)?;
    text.ok_or_else(|| invalid("a claim is missing"))
}

fn invalid(why: &'static str) -> Denial {
    Denial::ProofInvalid { why, nonce: None }
}

const HEADER: HeaderName = HeaderName::from_static("dpop");

/// Twice what an RSA key of 8192 bits with its signature takes.
const LONGEST_PROOF: usize = 8 * 1024;

const LONGEST_JTI: usize = 256;

#[cfg(test)]
mod tests;
