//! A token that is believed, and who says what it says.

use std::{borrow::Cow, sync::Arc};

use crate::{
    thumbprint::Thumbprint,
    token::{Claims, claims::KeyConfirmation, key_ring::Signed},
};

/// A token whose issuer, signature, audience, times, and type hold. Whether it is bound to anything is not said.
///
/// Only [`super::Issuers::verify`] makes one. Cheap to clone.
#[derive(Clone, Debug)]
pub struct AccessToken(pub(super) Proven);

/// Who says what the token says.
#[derive(Clone, Debug)]
pub(super) enum Proven {
    /// The issuer's signature.
    Signed(Arc<Signed>),
    /// The issuer, when it was asked; with its name, which the answer need not hold, and what the token says of itself.
    Introspected(Arc<Claims>, Arc<str>, Unverified),
    /// Both, and the signed claims are used.
    Both(Arc<Signed>, Arc<Claims>),
}

/// What a JWT says that it is bound to, where its signature was not looked at. It binds nothing, and is held to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unverified {
    pub(super) confirmation: Option<Thumbprint>,
    pub(super) key_confirmation: KeyConfirmation,
}

impl Unverified {
    /// What is no JWT says nothing.
    pub(super) const NOTHING: Self = Self { confirmation: None, key_confirmation: KeyConfirmation::Absent };
}

impl AccessToken {
    /// The claims. What counts of its scope is [`Self::scope`].
    pub fn claims(&self) -> &Claims {
        match &self.0 {
            Proven::Signed(signed) | Proven::Both(signed, _) => &signed.claims,
            Proven::Introspected(told, ..) => told,
        }
    }

    /// The scopes that count, as one string: where signature and issuer both tell some, those that both do.
    pub fn scope(&self) -> Option<Cow<'_, str>> {
        let signed = self.claims().scope()?;
        let Some(told) = self.corroborated().and_then(Claims::scope).filter(|told| *told != signed) else {
            return Some(Cow::Borrowed(signed));
        };
        let both: Vec<_> = signed.split(' ').filter(|scope| told.split(' ').any(|told| told == *scope)).collect();
        Some(Cow::Owned(both.join(" ")))
    }

    /// Who issued it: `iss`, or who was asked about it.
    pub fn issuer(&self) -> Option<&str> {
        match &self.0 {
            Proven::Introspected(_, issuer, _) => Some(issuer),
            Proven::Signed(_) | Proven::Both(..) => self.claims().issuer(),
        }
    }

    /// Every `cnf["x5t#S256"]`: two where signature and issuer both name one, or the issuer and the token itself, which need
    /// not agree.
    pub fn confirmations(&self) -> impl Iterator<Item = &Thumbprint> {
        self.proven_confirmations().chain(self.unverified().and_then(|said| said.confirmation.as_ref()))
    }

    /// Whether its issuer bound it to a certificate.
    pub fn is_bound_to_certificate(&self) -> bool {
        self.proven_confirmations().next().is_some()
    }

    fn proven_confirmations(&self) -> impl Iterator<Item = &Thumbprint> {
        [self.claims().confirmation(), self.corroborated().and_then(Claims::confirmation)].into_iter().flatten()
    }

    /// `cnf.jkt`. Two that do not agree are no thumbprint.
    pub fn key_confirmation(&self) -> KeyConfirmation {
        let said = self.unverified().map_or(KeyConfirmation::Absent, |said| said.key_confirmation);
        self.proven_key_confirmation().and(said)
    }

    /// Whether its issuer bound it to a key.
    pub fn is_bound_to_key(&self) -> bool {
        matches!(self.proven_key_confirmation(), KeyConfirmation::Key(_))
    }

    fn proven_key_confirmation(&self) -> KeyConfirmation {
        let told = self.corroborated().map_or(KeyConfirmation::Absent, Claims::key_confirmation);
        self.claims().key_confirmation().and(told)
    }

    /// Whether its issuer says that it comes with a proof of a key, whatever it says of the key.
    pub fn is_proven_by_key(&self) -> bool {
        [Some(self.claims()), self.corroborated()].into_iter().flatten().any(|said| said.kinds().are_proven_by_key())
    }

    /// Why it is bound to nothing, for a refusal.
    pub fn unbound(&self) -> &'static str {
        match &self.0 {
            Proven::Introspected(told, ..) if !told.has("cnf") => "introspection omitted cnf",
            Proven::Introspected(..) => "introspection gave no cnf that counts",
            _ if self.is_bound_to_certificate() => "the token has x5t#S256 alone, which does not count here",
            _ if self.is_bound_to_key() => "the token has jkt alone, which does not count here",
            Proven::Signed(_) | Proven::Both(..) => "the token has no cnf with a thumbprint",
        }
    }

    /// `jwt` where its signature was verified, else `opaque`, for the record.
    pub fn kind(&self) -> &'static str {
        match &self.0 {
            Proven::Signed(_) | Proven::Both(..) => "jwt",
            Proven::Introspected(..) => "opaque",
        }
    }

    fn unverified(&self) -> Option<&Unverified> {
        match &self.0 {
            Proven::Introspected(.., said) => Some(said),
            Proven::Signed(_) | Proven::Both(..) => None,
        }
    }

    /// What the issuer said besides.
    fn corroborated(&self) -> Option<&Claims> {
        match &self.0 {
            Proven::Both(_, told) => Some(told),
            Proven::Signed(_) | Proven::Introspected(..) => None,
        }
    }
}
