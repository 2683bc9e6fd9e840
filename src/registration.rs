//! Dynamic client registration (RFC 7591, UK Open Banking profile): the request is held to a verified software statement.

mod document;
mod keys;
mod metadata;
mod publication;
mod request;
mod roles;
mod statement;
mod subject;

use std::sync::Arc;

use rustls_pki_types::UnixTime;

use self::{
    metadata::Metadata,
    publication::Publication,
    request::{Once, UnverifiedRequest},
    roles::Roles,
    statement::Statement,
    subject::Subject,
};
use crate::{
    certificate::ClientCertificate,
    denial::Denial,
    token::{Algorithm, SingleUse, Use},
};

/// What registrations are held to.
#[derive(Clone, Debug)]
pub struct RegistrationRules {
    /// `iss` of software statements.
    pub directory_issuer: String,
    /// One of these must be in the request's `aud`.
    pub audiences: Vec<String>,
    /// Where a verified statement may point: host names in lower case, or IP addresses in the form of RFC 5952;
    /// empty: nowhere.
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
    /// A key is missing in the set at an address: a newer one may have it.
    NewerKeys(KeysAt),
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
    /// The document of a key set, the latest; the inner none: it is not to be had; the outer one: nobody was asked.
    fn keys(&self, at: &KeysAt) -> Option<Option<Arc<[u8]>>>;
    /// Whether it was asked for anew, because a key was missing in it.
    fn asked_anew(&self, at: &KeysAt) -> bool;
    /// Whether something was used before.
    fn used(&self, what: &SingleUse) -> Option<Use>;
}

impl RegistrationRules {
    /// A larger body is not read, in bytes.
    pub const MAX_BODY: usize = 64 * 1024;

    /// Verifies the whole body of a registration request, to register or to change a registration, in the order statement,
    /// request, metadata, subject, organisation, roles, single use: the first that is wrong answers.
    ///
    /// The directory's keys come from the configuration. Only a statement that they verified says where the software's keys
    /// are, and only on allowed hosts it is believed.
    ///
    /// # Errors
    /// `registration_invalid` with the code of RFC 7591, section 3.2.2, `keys_unavailable`, `certificate_missing`,
    /// `certificate_not_qualified`, `body_too_large`, or what has to be known first.
    pub fn verify(
        &self,
        body: &[u8],
        certificate: Option<&ClientCertificate>,
        known: &dyn RegistrationKnowledge,
        now: UnixTime,
    ) -> Result<Registration, RegistrationStop> {
        let (mut request_room, mut statement_room) = (Vec::new(), Vec::new());
        let request = UnverifiedRequest::read(body, &mut request_room)?;
        let statement = request.statement()?;
        let statement = Statement::verify(&statement, &mut statement_room, self, known, now)?;
        let request = request.verify(&statement, self, known, now)?;
        let metadata = Metadata::read(&request, &statement, &self.algorithms)?;
        let subject = Subject::hold(self.subject, &statement, certificate)?;
        let publication = Publication::find(&statement, certificate, known)?;
        let roles = Roles::hold(&metadata, &statement, certificate)?;
        let once = request.once(known)?;
        Ok(Registration::of(metadata, subject, publication, roles, once))
    }
}

impl Registration {
    /// Takes every proof, so that no check can be left out.
    fn of(_: Metadata, _: Subject, _: Publication, _: Roles, _: Once) -> Self {
        Self(())
    }
}

impl From<Denial> for RegistrationStop {
    fn from(denial: Denial) -> Self {
        Self::Deny(denial)
    }
}

#[cfg(test)]
mod tests;
