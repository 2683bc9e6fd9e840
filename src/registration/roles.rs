//! PSD2 roles: what is asked for is within the statement, and the statement within the certificate.

use crate::{
    certificate::{ClientCertificate, qualified::Qualification},
    denial::{Denial, RegistrationError::InvalidClientMetadata},
    registration::{metadata::Metadata, statement::Statement},
};

/// Proof that the client asks for no role that it does not have. Only [`Roles::hold`] makes one.
pub(super) struct Roles(());

impl Roles {
    /// Holds the scopes to `software_roles`, and these to the certificate's PSD2 statement, where it has one: certificates
    /// of a directory have none, and there the directory's word is all there is.
    ///
    /// Whether the certificate has to have one is what `[eidas]` says.
    pub(super) fn hold(
        metadata: &Metadata,
        statement: &Statement<'_>,
        certificate: Option<&ClientCertificate>,
    ) -> Result<Self, Denial> {
        for (scope, role, _) in ROLES {
            let asked = scope.is_some_and(|scope| metadata.scopes().any(|asked| asked == scope));
            if asked && !statement.roles.iter().any(|has| has == role) {
                return Err(InvalidClientMetadata
                    .refusal("`scope` has one that `software_roles` of the software statement does not give"));
            }
        }
        if let Some(certificate) = certificate {
            hold_certificate(statement, certificate.qualification())?;
        }
        Ok(Self(()))
    }
}

/// Statements that cannot be read matter here, so they are a refusal. A role without a counterpart has nobody to back it.
fn hold_certificate(statement: &Statement<'_>, qualification: &Qualification) -> Result<(), Denial> {
    if *qualification == Qualification::Absent {
        return Ok(());
    }
    let Some(psd2) = &qualification.demanded()?.psd2 else { return Ok(()) };
    let backed = |role: &String| {
        let known = ROLES.iter().find(|(_, name, _)| name == role);
        known.is_some_and(|(_, _, psp)| psd2.roles.iter().any(|has| has.name() == *psp))
    };
    let why = "`software_roles` of the software statement has one that the certificate does not";
    statement.roles.iter().all(backed).then_some(()).ok_or(InvalidClientMetadata.refusal(why))
}

/// A scope, the role in a statement that gives it, and that role in a certificate (ETSI TS 119 495, annex A).
const ROLES: [(Option<&str>, &str, &str); 4] = [
    (Some("accounts"), "AISP", "PSP_AI"),
    (Some("payments"), "PISP", "PSP_PI"),
    (Some("fundsconfirmations"), "CBPII", "PSP_IC"),
    (None, "ASPSP", "PSP_AS"),
];
