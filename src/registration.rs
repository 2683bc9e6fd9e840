//! Dynamic client registration (RFC 7591, UK Open Banking profile): the request is held to a verified software statement.

use std::sync::Arc;

use rustls_pki_types::UnixTime;

use crate::{
    certificate::ClientCertificate,
    denial::{Denial, RegistrationError},
    token::{Algorithm, SingleUse, Use},
};

/// What registrations are held to.
#[derive(Clone, Debug)]
pub struct RegistrationRules {
    /// `iss` of software statements.
    pub directory_issuer: String,
    /// One of these must be in the request's `aud`.
    pub audiences: Vec<String>,
    /// Where a verified statement may point: host names or IP addresses, lower case; empty: nowhere.
    pub allowed_hosts: Vec<String>,
    /// What the certificate's subject must say of who is registered.
    pub subject: SubjectRule,
    /// Of statements, of requests, and of what clients are registered to sign with.
    pub algorithms: Vec<Algorithm>,
    /// Difference between clocks, in seconds.
    pub clock_skew: u64,
}

/// What the certificate's subject must say of who is registered.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum SubjectRule {
    /// CN is the software's identifier, OU the organisation's.
    #[default]
    Obie,
    /// `organizationIdentifier` is the organisation's.
    OrganizationIdentifier,
    /// Nothing.
    Off,
}

/// Proof that a registration request holds.
///
/// Only [`RegistrationRules::verify`] makes one.
#[derive(Clone, Debug)]
pub struct Registration(());

/// Why there is no registration.
#[derive(Clone, Debug)]
pub enum RegistrationStop {
    /// Refused.
    Deny(Denial),
    /// The key set at an address has to be known.
    Keys(KeysAt),
    /// Whether this was used before has to be known.
    Use(SingleUse),
}

/// Where a key set is.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum KeysAt {
    /// The configured directory's.
    Directory,
    /// At an address that a verified software statement names, on an allowed host.
    Named(Arc<str>),
}

/// What the shell found out.
pub trait RegistrationKnowledge {
    /// The document of a key set; the inner none: it is not to be had; the outer one: nobody was asked.
    fn keys(&self, at: &KeysAt) -> Option<Option<Arc<[u8]>>>;
    /// Whether something was used before.
    fn used(&self, what: &SingleUse) -> Option<Use>;
}

impl RegistrationRules {
    /// Verifies the whole body of a registration request, in the order: statement, its keys, request, claims, certificate.
    ///
    /// # Errors
    /// `registration_invalid`, `keys_unavailable`, or what has to be known first.
    pub fn verify(
        &self,
        _body: &[u8],
        _certificate: Option<&ClientCertificate>,
        _known: &dyn RegistrationKnowledge,
        _now: UnixTime,
    ) -> Result<Registration, RegistrationStop> {
        let (error, why) = (RegistrationError::InvalidClientMetadata, "registrations are not read yet");
        Err(RegistrationStop::Deny(Denial::RegistrationInvalid { error, why }))
    }
}
