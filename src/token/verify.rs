//! From a bearer token to an access token: issuer, signature, audience, times, type.

mod access_token;

use std::sync::Arc;

use rustls_pki_types::UnixTime;

pub use self::access_token::AccessToken;
use self::access_token::{Proven, Unverified};
use crate::{
    denial::Denial,
    lookup::Lookup,
    quoted::Quoted,
    token::{
        Algorithm, BearerToken, Claims, Inquiry, Introspection, KeyRing, claims,
        json::{self, Members, Value},
        jws::Jws,
        key_ring::Signed,
        keys::KeyStop,
        kinds::Kinds,
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

/// Why there is no token.
#[derive(Debug)]
pub enum TokenStop {
    /// Refused.
    Deny(Denial),
    /// The token names a key that issuer number `issuer` does not have yet.
    UnknownKey {
        /// Index into [`Issuers::issuers`].
        issuer: usize,
        /// The key's identifier.
        kid: Option<Quoted>,
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
    /// What is no JWT is opaque, and the issuers that introspect are asked about it in their order. The same claims are
    /// held to the same rules in the same order; `token_type` stands in for `typ`.
    ///
    /// The first value tells whether the signature was remembered; none when it did not come to that. `recall` knows what
    /// issuers said when they were asked.
    pub fn verify(
        &self,
        bearer: BearerToken<'_>,
        keys: &KeyRing,
        recall: &dyn Fn(&Inquiry) -> Option<Introspection>,
        now: UnixTime,
    ) -> (Option<Lookup>, Result<AccessToken, TokenStop>) {
        let asking = Asking { bearer, recall, now };
        if let Some(signed) = keys.recall(bearer)
            && let Some(issuer) = self.remembered_issuer(&signed)
        {
            let held = self.accept(issuer, signed, now);
            return (Some(Lookup::Hit), held.and_then(|signed| self.conclude(issuer, signed, &asking)));
        }
        if self.is_opaque(bearer) {
            return (None, self.introspect_opaque(&asking));
        }
        let mut lookup = None;
        let verdict = self.open(bearer, keys, &mut lookup).and_then(|(place, issuer, signed)| {
            let signed = match signed {
                Opened::Signed(signed) => signed,
                Opened::Unverified(said) => return self.introspect(place, issuer, said, &asking),
            };
            let signed = self.accept(issuer, signed, now)?;
            keys.remember(bearer, &signed);
            self.conclude(issuer, signed, &asking)
        });
        (lookup, verdict)
    }

    /// The issuer of a remembered token, if it is still the one whose keys made the signature, and if that counts.
    fn remembered_issuer(&self, signed: &Signed) -> Option<&Issuer> {
        self.issuers
            .get(signed.issuer)
            .filter(|issuer| signed.claims.issuer() == Some(&issuer.issuer) && issuer.verify != Verify::Introspection)
    }

    /// Whether this is no JWT and there is someone to ask about it.
    fn is_opaque(&self, bearer: BearerToken<'_>) -> bool {
        self.issuers.iter().any(|issuer| issuer.introspects) && !Jws::is_one(bearer.as_str())
    }

    /// Issuer, algorithm, key, signature; then the claims are read. Unverified: the issuer has to be asked.
    fn open(
        &self,
        bearer: BearerToken<'_>,
        keys: &KeyRing,
        lookup: &mut Option<Lookup>,
    ) -> Result<(usize, &Issuer, Opened), TokenStop> {
        let mut room = Vec::new();
        let jws = Jws::parse(bearer.as_str(), &mut room).map_err(malformed)?;
        let payload = json::members(jws.payload)
            .ok_or_else(|| malformed("the payload is not one JSON object with each member once"))?;
        let (place, issuer) = self.issuer(&payload)?;
        if issuer.verify == Verify::Introspection {
            // What it says of itself can only refuse.
            if let Some(typ) = &jws.header.typ {
                self.rules.typ("typ", Some(typ))?;
            }
            self.rules.kinds(&Kinds::of(&payload).map_err(malformed)?)?;
            let confirmation = claims::confirmation(&payload).map_err(malformed)?;
            let said = Unverified { confirmation, key_confirmation: claims::key_confirmation(&payload) };
            return Ok((place, issuer, Opened::Unverified(said)));
        }
        let algorithm = self.rules.algorithm(&jws.header.algorithm)?;
        let set = keys.of(place).ok_or(Denial::KeysUnavailable)?;
        *lookup = Some(Lookup::Miss);
        let kid = jws.header.kid.as_deref();
        set.verify(algorithm, kid, jws.signed, jws.signature).map_err(|stop| match stop {
            KeyStop::Unknown => TokenStop::UnknownKey { issuer: place, kid: kid.map(Quoted::of) },
            KeyStop::Unfit => {
                let why = "the key of that kid is for another algorithm";
                Denial::TokenKeyUnknown { why, kid: kid.map(Quoted::of) }.into()
            }
            KeyStop::Ambiguous => Denial::TokenKeyUnknown { why: "no kid, and several keys fit", kid: None }.into(),
            KeyStop::SignatureInvalid => Denial::TokenSignatureInvalid.into(),
        })?;
        let claims = Claims::read(&payload, self.rules.consent_claim.as_deref()).map_err(malformed)?;
        let signed = Signed { claims, typ: jws.header.typ, algorithm, issuer: place };
        Ok((place, issuer, Opened::Signed(Arc::new(signed))))
    }

    /// The issuer that the token names, with its place.
    fn issuer(&self, payload: &Members<'_>) -> Result<(usize, &Issuer), TokenStop> {
        let named = match payload.get("iss") {
            None => return Err(self.rules.absent("iss", Denial::TokenIssuerUnknown { iss: None }).into()),
            Some(Value::Text(named)) => named,
            Some(_) => return Err(malformed("`iss` is not a string")),
        };
        let known = self.issuers.iter().enumerate().find(|(_, issuer)| *issuer.issuer == **named);
        known.ok_or_else(|| Denial::TokenIssuerUnknown { iss: Some(Quoted::of(named)) }.into())
    }

    /// Everything that is compared, whether the signature was remembered or not.
    fn accept(&self, issuer: &Issuer, signed: Arc<Signed>, now: UnixTime) -> Result<Arc<Signed>, TokenStop> {
        // The allow-list may have changed since the signature was remembered.
        self.rules.allow(signed.algorithm)?;
        self.rules.audience(issuer, &signed.claims)?;
        self.rules.times(&signed.claims, now)?;
        self.rules.typ("typ", signed.typ.as_deref())?;
        self.rules.kinds(signed.claims.kinds())?;
        self.rules.required(&signed.claims)?;
        Ok(signed)
    }

    /// Asks the issuer besides, where it has to be.
    fn conclude(&self, issuer: &Issuer, signed: Arc<Signed>, asking: &Asking<'_>) -> Result<AccessToken, TokenStop> {
        if issuer.verify != Verify::Both {
            return Ok(AccessToken(Proven::Signed(signed)));
        }
        let told = asking.told(&Inquiry::new(signed.issuer, asking.bearer.as_str()))?;
        self.hold(issuer, &told, false, asking.now)?;
        agree(&signed.claims, &told)?;
        Ok(AccessToken(Proven::Both(signed, told)))
    }

    /// The issuers that introspect are asked in turn; the first to whom the token is active has issued it.
    ///
    /// Where one has said so already, nobody is asked: that a token is not active is never remembered, so those before its
    /// issuer would have to say it of every request.
    fn introspect_opaque(&self, asking: &Asking<'_>) -> Result<AccessToken, TokenStop> {
        let issuers = || self.issuers.iter().enumerate().filter(|(_, issuer)| issuer.introspects);
        let mut inquiry = Inquiry::new(0, asking.bearer.as_str());
        for (place, issuer) in issuers() {
            inquiry.issuer = place;
            if let Some(Introspection::Active(told)) = (asking.recall)(&inquiry) {
                return self.believe(issuer, told, Unverified::NOTHING, asking.now);
            }
        }
        let mut otherwise = Denial::TokenInactive;
        for (place, issuer) in issuers() {
            inquiry.issuer = place;
            match asking.told(&inquiry) {
                Ok(told) => return self.believe(issuer, told, Unverified::NOTHING, asking.now),
                Err(TokenStop::Deny(Denial::TokenInactive)) => {}
                Err(TokenStop::Deny(unavailable @ Denial::IntrospectionUnavailable)) => otherwise = unavailable,
                Err(stop) => return Err(stop),
            }
        }
        Err(otherwise.into())
    }

    fn introspect(
        &self,
        place: usize,
        issuer: &Issuer,
        said: Unverified,
        asking: &Asking<'_>,
    ) -> Result<AccessToken, TokenStop> {
        let told = asking.told(&Inquiry::new(place, asking.bearer.as_str()))?;
        self.believe(issuer, told, said, asking.now)
    }

    /// An answer that stands for the whole token.
    fn believe(
        &self,
        issuer: &Issuer,
        told: Arc<Claims>,
        said: Unverified,
        now: UnixTime,
    ) -> Result<AccessToken, TokenStop> {
        self.hold(issuer, &told, true, now)?;
        Ok(AccessToken(Proven::Introspected(told, Arc::clone(&issuer.issuer), said)))
    }

    /// Holds an answer to the rules, in the order of a JWT's. `whole`: what is required has to be in it.
    fn hold(&self, issuer: &Issuer, claims: &Claims, whole: bool, now: UnixTime) -> Result<(), Denial> {
        let lacks = |name| whole && !claims.has(name) && self.rules.requires(name);
        if lacks("iss") {
            return Err(missing("iss"));
        }
        if let Some(named) = claims.issuer().filter(|named| **named != *issuer.issuer) {
            return Err(Denial::TokenIssuerUnknown { iss: Some(Quoted::of(named)) });
        }
        if lacks("aud") {
            return Err(missing("aud"));
        }
        if claims.has("aud") {
            self.rules.audience(issuer, claims)?;
        }
        if lacks("exp") {
            return Err(missing("exp"));
        }
        self.rules.dates(claims, now)?;
        self.rules.kinds(claims.kinds())?;
        if whole { self.rules.required(claims) } else { Ok(()) }
    }
}

/// The client and the subject that an answer names are the signed ones. What only one of the two names stands.
fn agree(signed: &Claims, told: &Claims) -> Result<(), TokenStop> {
    let differ = |one: Option<&str>, other: Option<&str>| one.zip(other).is_some_and(|(one, other)| one != other);
    if differ(signed.client_id(), told.client_id()) {
        return Err(malformed("introspection names another client than the token"));
    }
    if differ(signed.subject(), told.subject()) {
        return Err(malformed("introspection names another subject than the token"));
    }
    Ok(())
}

/// A JWT of a known issuer.
enum Opened {
    Signed(Arc<Signed>),
    Unverified(Unverified),
}

/// A token in question, and how to learn what was answered.
struct Asking<'a> {
    bearer: BearerToken<'a>,
    recall: &'a dyn Fn(&Inquiry) -> Option<Introspection>,
    now: UnixTime,
}

impl Asking<'_> {
    /// The answer about an active token.
    fn told(&self, inquiry: &Inquiry) -> Result<Arc<Claims>, TokenStop> {
        match (self.recall)(inquiry) {
            None => Err(TokenStop::Ask(Arc::new(inquiry.clone()))),
            Some(Introspection::Unavailable) => Err(Denial::IntrospectionUnavailable.into()),
            Some(Introspection::Inactive) => Err(Denial::TokenInactive.into()),
            Some(Introspection::Malformed(why)) => Err(malformed(why)),
            Some(Introspection::Active(told)) => Ok(told),
        }
    }
}

impl TokenRules {
    fn algorithm(&self, name: &str) -> Result<Algorithm, Denial> {
        let algorithm =
            Algorithm::named(name).ok_or_else(|| Denial::TokenAlgorithmRefused { algorithm: Quoted::of(name) })?;
        self.allow(algorithm).map(|()| algorithm)
    }

    fn allow(&self, algorithm: Algorithm) -> Result<(), Denial> {
        let refused = || Denial::TokenAlgorithmRefused { algorithm: Quoted::of(algorithm.name()) };
        self.algorithms.contains(&algorithm).then_some(()).ok_or_else(refused)
    }

    fn audience(&self, issuer: &Issuer, claims: &Claims) -> Result<(), Denial> {
        if !claims.has("aud") {
            return Err(self.absent("aud", Denial::TokenAudienceWrong { aud: None }));
        }
        let meant = claims.audiences().iter().any(|named| issuer.audiences.iter().any(|ours| **ours == **named));
        meant
            .then_some(())
            .ok_or_else(|| Denial::TokenAudienceWrong { aud: Some(Quoted::of(&claims.audiences().join(", "))) })
    }

    /// A token without `exp` passes where the configuration does not require it.
    fn times(&self, claims: &Claims, now: UnixTime) -> Result<(), Denial> {
        if claims.expires().is_none() && self.requires("exp") {
            return Err(missing("exp"));
        }
        self.dates(claims, now)
    }

    /// Those that are there.
    fn dates(&self, claims: &Claims, now: UnixTime) -> Result<(), Denial> {
        let (now, skew) = (now.as_secs(), self.clock_skew);
        if let Some(expired) = claims.expires().map(|time| time.as_secs())
            && now >= expired.saturating_add(skew)
        {
            return Err(Denial::TokenExpired { expired });
        }
        for valid_from in [claims.not_before(), claims.issued_at()].into_iter().flatten().map(|time| time.as_secs()) {
            if now.saturating_add(skew) < valid_from {
                return Err(Denial::TokenNotYetValid { valid_from });
            }
        }
        Ok(())
    }

    fn typ(&self, member: &'static str, typ: Option<&str>) -> Result<(), Denial> {
        let accepted = self.types.iter().any(|accepted| accepted == typ.unwrap_or_default());
        accepted.then_some(()).ok_or_else(|| Denial::TokenTypeWrong { member, said: typ.map(Quoted::of) })
    }

    /// The kind that is named outside the header. What is not said is taken.
    fn kinds(&self, said: &Kinds) -> Result<(), Denial> {
        said.others().try_for_each(|(member, kind)| self.typ(member, Some(kind)))
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

#[cfg(test)]
mod tests;
