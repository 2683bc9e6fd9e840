//! The registration request: signed by the software, for this server, for now, for once.

use std::{borrow::Cow, time::Duration};

use rustls_pki_types::UnixTime;

use crate::{
    denial::{Denial, RegistrationError::InvalidSoftwareStatement},
    registration::{
        RegistrationKnowledge, RegistrationRules, RegistrationStop,
        document::{Claims, REQUEST, Unverified},
        statement::Statement,
    },
    token::{Purpose, SingleUse, Use, json::Value},
};

/// A request that names a statement. Neither is believed.
pub(super) struct UnverifiedRequest<'a>(Unverified<'a>);

/// A request that the statement's software signed, for this server, in its time.
///
/// Only [`UnverifiedRequest::verify`] makes one. What it asks for is not looked at, nor whether it came before.
pub(super) struct Request<'a> {
    pub(super) claims: Claims<'a>,
    single_use: SingleUse,
}

/// Proof that the request comes for the first time. Only [`Request::once`] makes one.
pub(super) struct Once(());

impl<'a> UnverifiedRequest<'a> {
    /// Reads the body: one compact JWS and nothing else.
    pub(super) fn read(body: &'a [u8], room: &'a mut Vec<u8>) -> Result<Self, Denial> {
        if body.len() > RegistrationRules::MAX_BODY {
            return Err(Denial::BodyTooLarge);
        }
        let text = std::str::from_utf8(body).map_err(|_| REQUEST.refusal("the request is not text"))?;
        Unverified::read(&REQUEST, text, room).map(Self)
    }

    /// `software_statement`.
    pub(super) fn statement(&self) -> Result<Cow<'a, str>, Denial> {
        match self.0.claim("software_statement") {
            Some(Value::Text(statement)) => Ok(statement.clone()),
            None => Err(REQUEST.refusal("`software_statement` is missing")),
            Some(_) => Err(InvalidSoftwareStatement.refusal("`software_statement` is not a text")),
        }
    }

    /// Verifies in the order algorithm, signature, issuer, audience, times, identifier.
    ///
    /// `iss` is the statement's `software_id`; its `software_client_id` is another register's name and does not do.
    pub(super) fn verify(
        self,
        statement: &Statement<'_>,
        rules: &RegistrationRules,
        known: &dyn RegistrationKnowledge,
        now: UnixTime,
    ) -> Result<Request<'a>, RegistrationStop> {
        let claims = self.0.verify(&rules.algorithms, &statement.software_keys, known)?;
        let issuer = claims.text("iss", "`iss` is missing or not a text")?;
        claims.hold(issuer == statement.software_id, "`iss` is not `software_id` of the software statement")?;
        let audiences = claims.audiences()?;
        claims.hold(!audiences.is_empty(), "`aud` is missing")?;
        let meant = audiences.iter().any(|named| rules.audiences.iter().any(|ours| **ours == **named));
        claims.hold(meant, "`aud` does not name this server")?;
        let until = in_date(&claims, rules.clock_skew, now)?;
        let identifier = claims.text("jti", "`jti` is missing or not a text")?;
        let single_use = SingleUse::new(Purpose::Registration, issuer.as_bytes(), identifier, until);
        Ok(Request { claims, single_use })
    }
}

impl Request<'_> {
    /// Asked last: a request that is refused for another reason is not spent.
    ///
    /// Where nobody knows whether it was used, the request itself has no fault that its client could mend: it can come again,
    /// as where there is no room to remember it.
    pub(super) fn once(&self, known: &dyn RegistrationKnowledge) -> Result<Once, RegistrationStop> {
        let why = match known.used(&self.single_use) {
            Some(Use::First) => return Ok(Once(())),
            None => return Err(RegistrationStop::Use(self.single_use)),
            Some(Use::NoRoom | Use::Unknown) => return Err(Denial::Overloaded.into()),
            Some(Use::Again) => "`jti` was used before",
        };
        Err(self.claims.refusal(why).into())
    }
}

/// When it is refused for its age: until then it has to be remembered, and so it may not be for ever.
fn in_date(claims: &Claims<'_>, skew: u64, now: UnixTime) -> Result<UnixTime, Denial> {
    let now = now.as_secs();
    let expires = claims.time("exp", "`exp` is not a time")?.ok_or(claims.refusal("`exp` is missing"))?;
    let until = expires.saturating_add(skew);
    claims.hold(now < until, "`exp` has passed")?;
    claims.hold(expires <= now.saturating_add(LONGEST_LIFETIME), "`exp` is more than a day ahead")?;
    let issued = claims.time("iat", "`iat` is not a time")?.ok_or(claims.refusal("`iat` is missing"))?;
    claims.hold(issued <= now.saturating_add(skew), "`iat` is in the future")?;
    let from = claims.time("nbf", "`nbf` is not a time")?;
    claims.hold(from.is_none_or(|from| from <= now.saturating_add(skew)), "`nbf` is in the future")?;
    Ok(UnixTime::since_unix_epoch(Duration::from_secs(until)))
}

/// A request that is good for longer is refused, in seconds.
const LONGEST_LIFETIME: u64 = 24 * 3600;
