//! From a bearer token to an access token: issuer, signature, audience, times, type.

use std::sync::Arc;

use rustls_pki_types::UnixTime;
use serde_json::Value;

use crate::{
    denial::Denial,
    lookup::Lookup,
    token::{
        Algorithm, BearerToken, Claims, Inquiry, Introspection, KeyRing,
        json::{self, Members},
        jws::Jws,
        key_ring::Signed,
        keys::KeyStop,
    },
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
    /// How its JWTs are verified.
    pub verify: Verify,
    /// Whether it can be asked about tokens that cannot be read (RFC 7662).
    pub introspects: bool,
}

/// How the JWTs of an issuer are verified. What is no JWT can only be introspected.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Verify {
    /// By their signature.
    #[default]
    Jwt,
    /// By asking the issuer.
    Introspection,
    /// By both, and both have to hold.
    Both,
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
    /// Where the consent's identifier stands; none: no consent is ever asked for.
    pub consent_claim: Option<Arc<str>>,
}

/// A token whose issuer, signature, audience, times, and type hold. Whether it is bound to anything is not said.
///
/// Only [`Issuers::verify`] makes one. Cheap to clone.
#[derive(Clone, Debug)]
pub struct AccessToken(Proven);

/// Who says what the token says.
#[derive(Clone, Debug)]
enum Proven {
    /// The issuer's signature.
    Signed(Arc<Signed>),
}

impl AccessToken {
    /// The claims.
    pub fn claims(&self) -> &Claims {
        let Proven::Signed(signed) = &self.0;
        &signed.claims
    }

    /// Why it is bound to nothing, for a refusal.
    pub fn unbound(&self) -> &'static str {
        "the token has no cnf that counts"
    }

    /// `jwt` or `opaque`, for the record.
    pub fn kind(&self) -> &'static str {
        "jwt"
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
    /// An issuer has to be asked about the token.
    Ask(Arc<Inquiry>),
}

impl From<Denial> for TokenStop {
    fn from(denial: Denial) -> Self {
        Self::Deny(denial)
    }
}

impl Issuers {
    /// Verifies in the order issuer, algorithm, key, signature, audience, times, type, other claims: the first that is
    /// wrong answers. What cannot be read is malformed before any of them; a claim of the wrong type only once the
    /// signature holds, because before that nothing but `iss` is looked at.
    ///
    /// The first value tells whether the signature was remembered; none when it did not come to that. `recall` knows what
    /// issuers said when they were asked.
    pub fn verify(
        &self,
        bearer: BearerToken<'_>,
        keys: &KeyRing,
        _recall: &dyn Fn(&Inquiry) -> Option<Introspection>,
        now: UnixTime,
    ) -> (Option<Lookup>, Result<AccessToken, TokenStop>) {
        if let Some(signed) = keys.recall(bearer)
            && let Some(issuer) = self.remembered_issuer(&signed)
        {
            return (Some(Lookup::Hit), self.accept(issuer, signed, now));
        }
        let mut lookup = None;
        let accepted =
            self.open(bearer, keys, &mut lookup).and_then(|(issuer, signed)| self.accept(issuer, signed, now));
        if let Ok(AccessToken(Proven::Signed(signed))) = &accepted {
            keys.remember(bearer, signed);
        }
        (lookup, accepted)
    }

    /// The issuer of a remembered token, if it is still the one whose keys made the signature.
    fn remembered_issuer(&self, signed: &Signed) -> Option<&Issuer> {
        self.issuers.get(signed.issuer).filter(|issuer| signed.claims.issuer() == Some(&issuer.issuer))
    }

    /// Issuer, algorithm, key, signature; then the claims are read.
    fn open(
        &self,
        bearer: BearerToken<'_>,
        keys: &KeyRing,
        lookup: &mut Option<Lookup>,
    ) -> Result<(&Issuer, Arc<Signed>), TokenStop> {
        let jws = Jws::parse(bearer.as_str()).map_err(malformed)?;
        let payload = json::members(&jws.payload)
            .ok_or_else(|| malformed("the payload is not one JSON object with each member once"))?;
        let (place, issuer) = self.issuer(&payload)?;
        let algorithm = self.rules.algorithm(&jws.header.algorithm)?;
        let set = keys.of(place).ok_or(Denial::KeysUnavailable)?;
        *lookup = Some(Lookup::Miss);
        set.verify(algorithm, jws.header.kid.as_deref(), jws.signed, &jws.signature).map_err(|stop| match stop {
            KeyStop::Unknown => TokenStop::UnknownKey { issuer: place },
            KeyStop::Unfit => Denial::TokenKeyUnknown { why: "the key of that kid is for another algorithm" }.into(),
            KeyStop::Ambiguous => Denial::TokenKeyUnknown { why: "no kid, and several keys fit" }.into(),
            KeyStop::SignatureInvalid => Denial::TokenSignatureInvalid.into(),
        })?;
        let claims = Claims::read(&payload, self.rules.consent_claim.as_deref()).map_err(malformed)?;
        Ok((issuer, Arc::new(Signed { claims, typ: jws.header.typ, algorithm, issuer: place })))
    }

    /// The issuer that the token names, with its place.
    fn issuer(&self, payload: &Members) -> Result<(usize, &Issuer), TokenStop> {
        let named = match payload.get("iss") {
            None => return Err(self.rules.absent("iss", Denial::TokenIssuerUnknown).into()),
            Some(Value::String(named)) => named,
            Some(_) => return Err(malformed("`iss` is not a string")),
        };
        let known = self.issuers.iter().enumerate().find(|(_, issuer)| *issuer.issuer == **named);
        known.ok_or_else(|| Denial::TokenIssuerUnknown.into())
    }

    /// Everything that is compared, whether the signature was remembered or not.
    fn accept(&self, issuer: &Issuer, signed: Arc<Signed>, now: UnixTime) -> Result<AccessToken, TokenStop> {
        // The allow-list may have changed since the signature was remembered.
        self.rules.allow(signed.algorithm)?;
        self.rules.audience(issuer, &signed.claims)?;
        self.rules.times(&signed.claims, now)?;
        self.rules.typ(signed.typ.as_deref())?;
        self.rules.required(&signed.claims)?;
        Ok(AccessToken(Proven::Signed(signed)))
    }
}

impl TokenRules {
    fn algorithm(&self, name: &str) -> Result<Algorithm, Denial> {
        let algorithm =
            Algorithm::named(name).ok_or_else(|| Denial::TokenAlgorithmRefused { algorithm: printable(name) })?;
        self.allow(algorithm).map(|()| algorithm)
    }

    fn allow(&self, algorithm: Algorithm) -> Result<(), Denial> {
        let refused = || Denial::TokenAlgorithmRefused { algorithm: algorithm.name().to_owned() };
        self.algorithms.contains(&algorithm).then_some(()).ok_or_else(refused)
    }

    fn audience(&self, issuer: &Issuer, claims: &Claims) -> Result<(), Denial> {
        if !claims.has("aud") {
            return Err(self.absent("aud", Denial::TokenAudienceWrong));
        }
        let meant = claims.audiences().iter().any(|named| issuer.audiences.iter().any(|ours| **ours == **named));
        meant.then_some(()).ok_or(Denial::TokenAudienceWrong)
    }

    /// A token without `exp` passes where the configuration does not require it.
    fn times(&self, claims: &Claims, now: UnixTime) -> Result<(), Denial> {
        let (now, skew) = (now.as_secs(), self.clock_skew);
        match claims.expires().map(|time| time.as_secs()) {
            Some(expired) if now >= expired.saturating_add(skew) => return Err(Denial::TokenExpired { expired }),
            None if self.requires("exp") => return Err(missing("exp")),
            _ => {}
        }
        for valid_from in [claims.not_before(), claims.issued_at()].into_iter().flatten().map(|time| time.as_secs()) {
            if now.saturating_add(skew) < valid_from {
                return Err(Denial::TokenNotYetValid { valid_from });
            }
        }
        Ok(())
    }

    fn typ(&self, typ: Option<&str>) -> Result<(), Denial> {
        let accepted = self.types.iter().any(|accepted| accepted == typ.unwrap_or_default());
        accepted.then_some(()).ok_or(Denial::TokenTypeWrong)
    }

    fn required(&self, claims: &Claims) -> Result<(), Denial> {
        match self.required_claims.iter().find(|name| !claims.has(name)) {
            Some(claim) => Err(Denial::TokenClaimMissing { claim: Arc::clone(claim) }),
            None => Ok(()),
        }
    }

    fn requires(&self, name: &str) -> bool {
        self.required_claims.iter().any(|required| **required == *name)
    }

    /// The refusal of a token without a claim that is compared.
    fn absent(&self, name: &str, otherwise: Denial) -> Denial {
        if self.requires(name) { missing(name) } else { otherwise }
    }
}

fn missing(name: &str) -> Denial {
    Denial::TokenClaimMissing { claim: name.into() }
}

fn malformed(why: &'static str) -> TokenStop {
    TokenStop::Deny(Denial::TokenMalformed { why })
}

/// A stranger's word, cut and cleaned for the log.
fn printable(word: &str) -> String {
    word.chars().filter(char::is_ascii_graphic).take(LONGEST_WORD).collect()
}

/// Longer than any registered algorithm.
const LONGEST_WORD: usize = 32;

#[cfg(test)]
mod tests;
