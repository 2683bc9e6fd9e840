//! Berlin Group NextGenPSD2, version 1.3: `tppMessages`.

use std::borrow::Cow;

use serde::Serialize;

use crate::{
    denial::Denial,
    dialect::{Body, JSON, Refusal},
};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    tpp_messages: [TppMessage<'a>; 1],
}

#[derive(Serialize)]
struct TppMessage<'a> {
    category: &'a str,
    code: &'a str,
    text: Cow<'a, str>,
}

pub(super) fn write(refusal: &Refusal<'_>) -> Body {
    let told = CONSENT_CODES.into_iter().find(|known| refusal.consent_code() == Some(known));
    let code = told.unwrap_or_else(|| match refusal.is_fault_of_this_side() {
        true => UNAVAILABLE,
        false => code(refusal.denial),
    });
    let message = TppMessage { category: "ERROR", code, text: refusal.text() };
    Body::json(JSON, &Document { tpp_messages: [message] })
}

/// `TOKEN_UNKNOWN`: not found to be a token of ours. `TOKEN_INVALID`: one, but not for this client or this service.
fn code(denial: &Denial) -> &'static str {
    match denial {
        Denial::RequestMalformed { .. }
        | Denial::PathAmbiguous { .. }
        | Denial::HeaderTooLarge { .. }
        | Denial::TokenRepeated
        | Denial::RegistrationInvalid { .. }
        | Denial::BodyTooLarge => "FORMAT_ERROR",
        Denial::RouteUnknown => "RESOURCE_UNKNOWN",
        Denial::MethodNotAllowed { .. } => "SERVICE_INVALID",
        Denial::PeerUntrusted { .. } => "SERVICE_BLOCKED",
        Denial::CertificateMissing { .. } => "CERTIFICATE_MISSING",
        Denial::CertificateExpired { .. } => "CERTIFICATE_EXPIRED",
        Denial::CertificateRevoked { .. } => "CERTIFICATE_REVOKED",
        Denial::CertificateRepeated
        | Denial::CertificateMalformed { .. }
        | Denial::CertificateUntrusted { .. }
        | Denial::CertificateNotYetValid { .. }
        | Denial::CertificateWrongPurpose { .. }
        | Denial::CertificateWeak { .. }
        | Denial::CertificateNotQualified { .. } => "CERTIFICATE_INVALID",
        Denial::AuthorityNotAllowed => "CERTIFICATE_BLOCKED",
        Denial::RoleMissing => "ROLE_INVALID",
        Denial::TokenExpired { .. } => "TOKEN_EXPIRED",
        Denial::TokenMissing { .. }
        | Denial::TokenMalformed { .. }
        | Denial::TokenAlgorithmRefused { .. }
        | Denial::TokenKeyUnknown { .. }
        | Denial::TokenSignatureInvalid
        | Denial::TokenIssuerUnknown { .. }
        | Denial::TokenInactive => "TOKEN_UNKNOWN",
        Denial::TokenAudienceWrong { .. }
        | Denial::TokenTypeWrong { .. }
        | Denial::TokenClaimMissing { .. }
        | Denial::TokenNotYetValid { .. }
        | Denial::BindingMissing { .. }
        | Denial::BindingMismatch { .. }
        | Denial::ProofMissing
        | Denial::ProofInvalid { .. }
        | Denial::ProofReplayed
        | Denial::ClientMismatch => "TOKEN_INVALID",
        Denial::ScopeInsufficient { .. } | Denial::GrantWrong => "FORBIDDEN",
        Denial::ConsentMissing => "CONSENT_UNKNOWN",
        Denial::ConsentRefused { .. } => "CONSENT_INVALID",
        Denial::RevocationUnknown { .. }
        | Denial::KeysUnavailable
        | Denial::IntrospectionUnavailable
        | Denial::ConsentUnavailable
        | Denial::AuditUnavailable
        | Denial::BackendUnreachable
        | Denial::BackendTimeout
        | Denial::Overloaded => UNAVAILABLE,
    }
}

const UNAVAILABLE: &str = "SERVICE_UNAVAILABLE";

/// Passed on when the consent service names one.
const CONSENT_CODES: [&str; 3] = ["CONSENT_UNKNOWN", "CONSENT_INVALID", "CONSENT_EXPIRED"];
