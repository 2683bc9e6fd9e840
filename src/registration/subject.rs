//! The certificate's subject against the statement: who connects is who is registered.

use crate::{
    certificate::{ClientCertificate, organization::Organization},
    denial::{Denial, RegistrationError::InvalidClientMetadata},
    registration::{SubjectRule, statement::Statement},
    token::json::Value,
};

/// Proof that the certificate's subject is the statement's, as far as the rule asks. Only [`Subject::hold`] makes one.
pub(super) struct Subject(());

impl Subject {
    /// Holds the subject to the rule. The certificate itself was verified before.
    pub(super) fn hold(
        rule: SubjectRule,
        statement: &Statement<'_>,
        certificate: Option<&ClientCertificate>,
    ) -> Result<Self, Denial> {
        let shown = || certificate.ok_or(Denial::CertificateMissing { why: "`subject_rule` needs it" });
        match rule {
            SubjectRule::Off => {}
            SubjectRule::Obie => obie(statement, shown()?)?,
            SubjectRule::OrganizationIdentifier => organization(statement, shown()?)?,
        }
        Ok(Self(()))
    }
}

/// As the directory of Open Banking (UK) issues transport certificates: CN is `software_id`, OU is `org_id`, each once.
fn obie(statement: &Statement<'_>, certificate: &ClientCertificate) -> Result<(), Denial> {
    let org_id = statement.org_id.as_deref().ok_or(InvalidClientMetadata.refusal(NO_ORG_ID))?;
    let common_name =
        certificate.common_name().ok_or(InvalidClientMetadata.refusal("the certificate's subject has not one CN"))?;
    let unit = certificate
        .organizational_unit()
        .ok_or(InvalidClientMetadata.refusal("the certificate's subject has not one OU"))?;
    hold(common_name == statement.software_id, "CN of the certificate is not `software_id` of the software statement")?;
    hold(unit == org_id, "OU of the certificate is not `org_id` of the software statement")
}

/// `organizationIdentifier` is the organisation's: `org_id` itself, `org_id` in the scheme of Open Finance Brasil, or a
/// registration among `organisation_competent_authority_claims` (ETSI TS 119 495, section 5.2.1: country, authority,
/// number).
fn organization(statement: &Statement<'_>, certificate: &ClientCertificate) -> Result<(), Denial> {
    let none = "the certificate's subject has no organizationIdentifier";
    let written = certificate.organization_identifier().ok_or(InvalidClientMetadata.refusal(none))?;
    let org_id = statement.org_id.as_deref();
    let named = match Organization::read(written) {
        _ if org_id == Some(written) => true,
        Some(Organization::OpenFinanceBrasil { id }) => org_id == Some(id),
        Some(Organization::PaymentServiceProvider { country, authority, id }) => {
            registered(statement, country, authority, id)
        }
        Some(Organization::OpenBankingDirectory { id }) => registered(statement, "GB", "OB", id),
        _ => false,
    };
    hold(named, "organizationIdentifier of the certificate is no registration in the software statement")
}

/// Whether an authority's claim, or one of several, is this registration. One that says it is not active does not count.
fn registered(statement: &Statement<'_>, country: &str, authority: &str, id: &str) -> bool {
    let claims = match statement.claim("organisation_competent_authority_claims") {
        Some(Value::List(claims)) => claims.as_slice(),
        Some(claim) => std::slice::from_ref(claim),
        None => &[],
    };
    claims.iter().any(|claim| {
        let text = |name: &str| claim.get(name).map(|value| value.as_str().unwrap_or_default());
        text("status").is_none_or(|status| status.eq_ignore_ascii_case("active"))
            && text("registration_id") == Some(id)
            && text("authority_id").is_some_and(|named| is_authority(named, country, authority))
    })
}

/// `GB-FCA`, or as the directory of Open Banking (UK) writes its own: `FCAGBR`, `FCA`. Without a country it is British.
fn is_authority(named: &str, country: &str, authority: &str) -> bool {
    match named.split_once('-') {
        Some(parts) => parts == (country, authority),
        None => country == "GB" && named.strip_suffix("GBR").unwrap_or(named) == authority,
    }
}

fn hold(holds: bool, why: &'static str) -> Result<(), Denial> {
    holds.then_some(()).ok_or(InvalidClientMetadata.refusal(why))
}

const NO_ORG_ID: &str = "the software statement has no `org_id` to compare OU of the certificate with";
