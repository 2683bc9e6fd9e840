//! The certificate against the key set of the organisation.

use base64::{Engine, prelude::BASE64_STANDARD};

use crate::{
    certificate::ClientCertificate,
    denial::{Denial, RegistrationError::InvalidClientMetadata},
    registration::{RegistrationKnowledge, RegistrationStop, keys, statement::Statement},
    thumbprint::Thumbprint,
    token::{self, json::Value},
};

/// Proof that the organisation publishes the certificate, its key, or an authority above it, if it publishes any.
///
/// Only [`Publication::find`] makes one. A statement that names no `org_jwks_endpoint` leaves nothing to compare with: the
/// directory signed it so.
pub(super) struct Publication(());

impl Publication {
    /// Looks for the certificate in the key set that the statement names.
    pub(super) fn find(
        statement: &Statement<'_>,
        certificate: Option<&ClientCertificate>,
        known: &dyn RegistrationKnowledge,
    ) -> Result<Self, RegistrationStop> {
        let Some(place) = &statement.organization_keys else { return Ok(Self(())) };
        let certificate =
            certificate.ok_or(Denial::CertificateMissing { why: "the key set of the organisation has to hold it" })?;
        let document = keys::document(place, known)?;
        let published = token::jwks(&document).map_err(|_| Denial::KeysUnavailable)?;
        if published.iter().any(|jwk| publishes(jwk, certificate)) {
            return Ok(Self(()));
        }
        let why = "neither the certificate nor an authority above it is in the key set of the organisation";
        Err(InvalidClientMetadata.refusal(why).into())
    }
}

/// By the certificate in it (RFC 7517, section 4.7), by its thumbprint (section 4.9), or by the key itself.
///
/// `use` and `key_ops` are not looked at: they say what the key signs, and here it signs the handshake.
fn publishes(jwk: &Value<'_>, certificate: &ClientCertificate) -> bool {
    let chain = jwk.get("x5c").and_then(|chain| chain.as_list()?.first()?.as_str());
    let shown = chain.and_then(|first| BASE64_STANDARD.decode(first).ok());
    let thumbprint = jwk.get("x5t#S256").and_then(Value::as_str).and_then(Thumbprint::parse);
    shown.is_some_and(|der| certificate.has_on_its_path(&Thumbprint::of(&der)))
        || thumbprint.is_some_and(|thumbprint| thumbprint.matches(certificate.thumbprint()))
        || token::key_identifier(jwk).is_some_and(|key| key == *certificate.key_identifier())
}
