//! The claims of an access token (RFC 7519, section 4; RFC 9068, section 2.2), each at most once.

mod names;

use std::{fmt, sync::Arc, time::Duration};

use rustls_pki_types::UnixTime;

use self::names::Names;
use crate::{
    thumbprint::Thumbprint,
    token::{
        json::{Members, Value},
        kinds::Kinds,
    },
};

/// Claims of a token whose signature holds. Times and audience are not yet compared.
///
/// Prints its issuer and digest alone: a subject is a person.
#[derive(Clone)]
pub struct Claims {
    issuer: Option<Box<str>>,
    subject: Option<Box<str>>,
    audiences: Box<[Box<str>]>,
    expires: Option<UnixTime>,
    not_before: Option<UnixTime>,
    issued_at: Option<UnixTime>,
    jti_sha256: Option<Thumbprint>,
    client_id: Option<Box<str>>,
    scope: Option<Box<str>>,
    grant: Option<Grant>,
    confirmation: Option<Thumbprint>,
    key_confirmation: KeyConfirmation,
    consent_id: Option<Arc<str>>,
    kinds: Kinds,
    /// Every claim with a value, for the required ones.
    names: Names,
}

/// `cnf.jkt` (RFC 9449, section 6.1). A malformed one is told only to who asks: where DPoP is not used it is not looked at.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum KeyConfirmation {
    /// There is none.
    Absent,
    /// It is no thumbprint.
    Malformed,
    /// SHA-256 thumbprint of the key (RFC 7638).
    Key(Thumbprint),
}

impl KeyConfirmation {
    /// What both say. Two that do not agree are no thumbprint.
    pub(super) fn and(self, other: Self) -> Self {
        match (self, other) {
            (one, Self::Absent) | (Self::Absent, one) => one,
            (one, other) if one == other => one,
            _ => Self::Malformed,
        }
    }
}

/// Who obtained the token: the client for itself, or for a user.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Grant {
    /// The client for itself.
    Application,
    /// A user's.
    User,
}

impl Claims {
    /// Reads the payload's members: known claims of the right type. Unknown claims are not looked at. `consent`: the name of
    /// the claim that holds the consent's identifier, where one is configured; anything but a text there is no consent.
    ///
    /// # Errors
    /// Why it is `token_malformed`.
    pub(super) fn read(payload: &Members<'_>, consent: Option<&str>) -> Result<Self, &'static str> {
        let subject = payload.text("sub", "`sub` is not a string")?;
        let client_id = match payload.text("client_id", "`client_id` is not a string")? {
            None => payload.text("azp", "`azp` is not a string")?,
            some => some,
        };
        let jti = payload.text("jti", "`jti` is not a string")?;
        Ok(Self {
            issuer: payload.text("iss", "`iss` is not a string")?.map(Box::from),
            audiences: audiences(payload)?,
            expires: time(payload, "exp", "`exp` is not a time")?,
            not_before: time(payload, "nbf", "`nbf` is not a time")?,
            issued_at: time(payload, "iat", "`iat` is not a time")?,
            jti_sha256: jti.map(|jti| Thumbprint::of(jti.as_bytes())),
            scope: scope(payload)?,
            grant: grant(payload, subject, client_id)?,
            confirmation: confirmation(payload)?,
            key_confirmation: key_confirmation(payload),
            consent_id: consent
                .and_then(|claim| payload.get(claim)?.as_str())
                .filter(|id| !id.is_empty())
                .map(Arc::from),
            kinds: Kinds::of(payload)?,
            names: Names::of(payload),
            subject: subject.map(Box::from),
            client_id: client_id.map(Box::from),
        })
    }

    /// `iss`.
    pub fn issuer(&self) -> Option<&str> {
        self.issuer.as_deref()
    }

    /// `sub`.
    pub fn subject(&self) -> Option<&str> {
        self.subject.as_deref()
    }

    /// `client_id`, else `azp`.
    pub fn client_id(&self) -> Option<&str> {
        self.client_id.as_deref()
    }

    /// `scope` or `scp`, as one string with single spaces.
    pub fn scope(&self) -> Option<&str> {
        self.scope.as_deref()
    }

    /// `exp`.
    pub fn expires(&self) -> Option<UnixTime> {
        self.expires
    }

    /// SHA-256 of `jti`, for the audit line, where it is written like a thumbprint.
    pub fn jti_sha256(&self) -> Option<&Thumbprint> {
        self.jti_sha256.as_ref()
    }

    /// `cnf["x5t#S256"]`.
    pub fn confirmation(&self) -> Option<&Thumbprint> {
        self.confirmation.as_ref()
    }

    /// `cnf.jkt`.
    pub fn key_confirmation(&self) -> KeyConfirmation {
        self.key_confirmation
    }

    /// The consent's identifier, out of the configured claim. It comes from the token and is not bounded otherwise.
    pub fn consent_id(&self) -> Option<&Arc<str>> {
        self.consent_id.as_ref()
    }

    /// `aut` where present, else whether `sub` is the client (RFC 9068, section 2.2). None: the token does not tell.
    pub fn grant(&self) -> Option<Grant> {
        self.grant
    }

    /// What kind of token it is said to be.
    pub(super) fn kinds(&self) -> &Kinds {
        &self.kinds
    }

    /// `aud`, one or more; empty when absent.
    pub(super) fn audiences(&self) -> &[Box<str>] {
        &self.audiences
    }

    /// `nbf`.
    pub(super) fn not_before(&self) -> Option<UnixTime> {
        self.not_before
    }

    /// `iat`.
    pub(super) fn issued_at(&self) -> Option<UnixTime> {
        self.issued_at
    }

    /// How many texts are kept apart in memory, about.
    pub(super) fn texts(&self) -> usize {
        self.names.texts() + self.audiences.len()
    }

    /// Whether the claim is there and not `null`.
    pub(super) fn has(&self, name: &str) -> bool {
        self.names.has(name)
    }
}

impl fmt::Debug for Claims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { issuer, jti_sha256, .. } = self;
        f.debug_struct("Claims").field("issuer", issuer).field("jti_sha256", jti_sha256).finish_non_exhaustive()
    }
}

pub(crate) type Read<T> = Result<T, &'static str>;

/// A NumericDate. Its fraction is dropped, because the clock has none either.
///
/// After the year 9999 are only times in milliseconds, which would make a token last for ever.
pub(crate) fn time(payload: &Members<'_>, name: &str, wrong: &'static str) -> Read<Option<UnixTime>> {
    let Some(value) = payload.get(name) else { return Ok(None) };
    let seconds = match (value.as_u64(), value.as_f64()) {
        (Some(seconds), _) if seconds <= LATEST => seconds,
        (None, Some(seconds)) if (0.0..=LATEST as f64).contains(&seconds) => seconds as u64,
        _ => return Err(wrong),
    };
    Ok(Some(UnixTime::since_unix_epoch(Duration::from_secs(seconds))))
}

/// `aud`, one or more; empty when absent.
pub(crate) fn audiences(payload: &Members<'_>) -> Read<Box<[Box<str>]>> {
    let wrong = "`aud` is not a string or a list of strings";
    match payload.get("aud") {
        None => Ok(Box::default()),
        Some(Value::Text(one)) => Ok(Box::new([(&**one).into()])),
        Some(Value::List(list)) => list.iter().map(|one| one.as_str().map(Box::from).ok_or(wrong)).collect(),
        Some(_) => Err(wrong),
    }
}

/// `scope` (RFC 9068, section 2.2.3) or, where there is none, `scp`: a string, or a list with one scope an element.
///
/// An element with a space in it could be read as one scope or as two.
fn scope(payload: &Members<'_>) -> Read<Option<Box<str>>> {
    let wrong = "`scope` is not a string or a list of scopes";
    let scopes: Vec<&str> = match payload.get("scope").or_else(|| payload.get("scp")) {
        None => return Ok(None),
        Some(Value::Text(text)) if !text.split(' ').any(str::is_empty) => return Ok(Some((&**text).into())),
        Some(Value::Text(text)) => text.split(' ').filter(|scope| !scope.is_empty()).collect(),
        Some(Value::List(list)) => list
            .iter()
            .map(|scope| scope.as_str().filter(|scope| !scope.is_empty() && !scope.contains(' ')).ok_or(wrong))
            .collect::<Read<_>>()?,
        Some(_) => return Err(wrong),
    };
    Ok(Some(scopes.join(" ").into()))
}

/// An `aut` that is neither of the two known words tells nothing, and `sub` is then not asked.
fn grant(payload: &Members<'_>, subject: Option<&str>, client_id: Option<&str>) -> Read<Option<Grant>> {
    if let Some(aut) = payload.text("aut", "`aut` is not a string")? {
        return Ok(match aut {
            "APPLICATION" => Some(Grant::Application),
            "APPLICATION_USER" => Some(Grant::User),
            _ => None,
        });
    }
    let both = subject.zip(client_id);
    Ok(both.map(|(subject, client_id)| if subject == client_id { Grant::Application } else { Grant::User }))
}

/// `cnf` (RFC 7800) with `x5t#S256` (RFC 8705, section 3.1).
pub(super) fn confirmation(payload: &Members<'_>) -> Read<Option<Thumbprint>> {
    let members = match payload.get("cnf") {
        None => return Ok(None),
        Some(Value::Object(members)) => members,
        Some(_) => return Err("`cnf` is not an object with each member once"),
    };
    let wrong = "`x5t#S256` is not 43 characters of base64url";
    match members.get("x5t#S256") {
        None => Ok(None),
        Some(value) => value.as_str().and_then(Thumbprint::parse).ok_or(wrong).map(Some),
    }
}

/// `cnf.jkt`.
pub(super) fn key_confirmation(payload: &Members<'_>) -> KeyConfirmation {
    match payload.get("cnf").and_then(|cnf| cnf.get("jkt")) {
        None => KeyConfirmation::Absent,
        Some(value) => {
            value.as_str().and_then(Thumbprint::parse).map_or(KeyConfirmation::Malformed, KeyConfirmation::Key)
        }
    }
}

/// The last second of the year 9999.
const LATEST: u64 = 253_402_300_799;

#[cfg(test)]
mod tests;
