//! OAuth's own errors (RFC 6749, section 5.2; RFC 7591, section 3.2.2; RFC 9449, section 12.2).

use serde::Serialize;

use crate::{
    denial::Denial,
    dialect::{Body, JSON, Refusal},
};

#[derive(Serialize)]
struct Error<'a> {
    error: &'a str,
    error_description: &'a str,
}

pub(super) fn write(refusal: &Refusal<'_>) -> Body {
    let error_description = &described(&refusal.text());
    let error = if refusal.is_fault_of_this_side() { "temporarily_unavailable" } else { error(refusal.denial) };
    Body::json(JSON, &Error { error, error_description })
}

/// A certificate stands for the client here, as in RFC 8705; a role is the client's right, not its identity.
fn error(denial: &Denial) -> &'static str {
    match denial {
        Denial::CertificateMissing { .. }
        | Denial::CertificateRepeated
        | Denial::CertificateMalformed { .. }
        | Denial::CertificateUntrusted { .. }
        | Denial::CertificateExpired { .. }
        | Denial::CertificateNotYetValid { .. }
        | Denial::CertificateWrongPurpose { .. }
        | Denial::CertificateWeak { .. }
        | Denial::CertificateRevoked { .. }
        | Denial::CertificateNotQualified { .. }
        | Denial::AuthorityNotAllowed => "invalid_client",
        Denial::TokenMissing { .. }
        | Denial::TokenMalformed { .. }
        | Denial::TokenAlgorithmRefused { .. }
        | Denial::TokenKeyUnknown { .. }
        | Denial::TokenSignatureInvalid
        | Denial::TokenIssuerUnknown { .. }
        | Denial::TokenAudienceWrong { .. }
        | Denial::TokenTypeWrong { .. }
        | Denial::TokenClaimMissing { .. }
        | Denial::TokenExpired { .. }
        | Denial::TokenNotYetValid { .. }
        | Denial::TokenInactive
        | Denial::BindingMissing { .. }
        | Denial::BindingMismatch { .. }
        | Denial::ClientMismatch => "invalid_token",
        Denial::ProofInvalid { nonce: Some(_), .. } => "use_dpop_nonce",
        Denial::ProofMissing | Denial::ProofInvalid { nonce: None, .. } | Denial::ProofReplayed => "invalid_dpop_proof",
        Denial::ScopeInsufficient { .. } => "insufficient_scope",
        Denial::RegistrationInvalid { error, .. } => error.code(),
        Denial::RequestMalformed { .. }
        | Denial::PathAmbiguous { .. }
        | Denial::HeaderTooLarge { .. }
        | Denial::RouteUnknown
        | Denial::MethodNotAllowed { .. }
        | Denial::PeerUntrusted { .. }
        | Denial::RoleMissing
        | Denial::TokenRepeated
        | Denial::GrantWrong
        | Denial::ConsentMissing
        | Denial::ConsentRefused { .. }
        | Denial::BodyTooLarge => "invalid_request",
        Denial::RevocationUnknown { .. }
        | Denial::KeysUnavailable
        | Denial::IntrospectionUnavailable
        | Denial::ConsentUnavailable
        | Denial::AuditUnavailable
        | Denial::BackendUnreachable
        | Denial::BackendTimeout
        | Denial::Overloaded => "temporarily_unavailable",
    }
}

/// `error_description` is ASCII without quotation mark and backslash: RFC 6749, section 5.2 allows nothing else.
fn described(text: &str) -> String {
    text.chars().map(|c| if matches!(c, ' '..='!' | '#'..='[' | ']'..='~') { c } else { '?' }).collect()
}
