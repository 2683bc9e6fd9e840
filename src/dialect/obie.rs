//! The error codes of UK Open Banking, which version 4 abbreviates.
//!
//! The standard has none for certificates and roles: those are unexpected errors, and the message says which.

use crate::{denial::Denial, dialect::Refusal};

/// One code under its two names.
#[derive(Clone, Copy)]
pub(super) struct ErrorCode {
    pub(super) v3: &'static str,
    pub(super) v4: &'static str,
}

pub(super) fn code(refusal: &Refusal<'_>) -> ErrorCode {
    if refusal.is_fault_of_this_side() {
        return UNEXPECTED;
    }
    match refusal.denial {
        Denial::PathAmbiguous { .. } | Denial::RegistrationInvalid { .. } => FIELD_INVALID,
        Denial::RouteUnknown => NOT_FOUND,
        Denial::TokenMissing { .. } | Denial::ProofMissing => HEADER_MISSING,
        Denial::TokenExpired { .. } => TOKEN_EXPIRED,
        Denial::RequestMalformed { .. }
        | Denial::HeaderTooLarge { .. }
        | Denial::TokenRepeated
        | Denial::TokenMalformed { .. }
        | Denial::TokenAlgorithmRefused { .. }
        | Denial::TokenKeyUnknown { .. }
        | Denial::TokenSignatureInvalid
        | Denial::TokenIssuerUnknown { .. }
        | Denial::TokenAudienceWrong { .. }
        | Denial::TokenTypeWrong { .. }
        | Denial::TokenClaimMissing { .. }
        | Denial::TokenNotYetValid { .. }
        | Denial::TokenInactive
        | Denial::BindingMissing { .. }
        | Denial::BindingMismatch { .. }
        | Denial::ProofInvalid { .. }
        | Denial::ProofReplayed
        | Denial::ScopeInsufficient { .. }
        | Denial::GrantWrong
        | Denial::ClientMismatch => HEADER_INVALID,
        Denial::ConsentMissing | Denial::ConsentRefused { .. } => CONSENT_STATUS,
        Denial::BodyTooLarge => INVALID_FORMAT,
        Denial::MethodNotAllowed { .. }
        | Denial::PeerUntrusted { .. }
        | Denial::CertificateMissing { .. }
        | Denial::CertificateRepeated
        | Denial::CertificateMalformed { .. }
        | Denial::CertificateUntrusted { .. }
        | Denial::CertificateExpired { .. }
        | Denial::CertificateNotYetValid { .. }
        | Denial::CertificateWrongPurpose { .. }
        | Denial::CertificateWeak { .. }
        | Denial::CertificateRevoked { .. }
        | Denial::CertificateNotQualified { .. }
        | Denial::AuthorityNotAllowed
        | Denial::RoleMissing
        | Denial::RevocationUnknown { .. }
        | Denial::KeysUnavailable
        | Denial::IntrospectionUnavailable
        | Denial::ConsentUnavailable
        | Denial::AuditUnavailable
        | Denial::BackendUnreachable
        | Denial::BackendTimeout
        | Denial::Overloaded => UNEXPECTED,
    }
}

/// The consent service's own code, where it is one of the standard's form: `UK.OBIE.` and words, or `U` and three digits.
pub(super) fn consent_code<'a>(refusal: &'a Refusal<'_>) -> Option<&'a str> {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'.';
    let is_named = |name: &str| {
        let has_words = name.split('.').all(|word| !word.is_empty());
        name.len() <= LONGEST_NAME && has_words && name.bytes().all(is_word)
    };
    let is_number = |number: &str| number.len() == 3 && number.bytes().all(|byte| byte.is_ascii_digit());
    refusal.consent_code().filter(|code| {
        code.strip_prefix("UK.OBIE.").is_some_and(is_named) || code.strip_prefix('U').is_some_and(is_number)
    })
}

const FIELD_INVALID: ErrorCode = ErrorCode { v3: "UK.OBIE.Field.Invalid", v4: "U002" };
const HEADER_INVALID: ErrorCode = ErrorCode { v3: "UK.OBIE.Header.Invalid", v4: "U006" };
const HEADER_MISSING: ErrorCode = ErrorCode { v3: "UK.OBIE.Header.Missing", v4: "U007" };
const CONSENT_STATUS: ErrorCode = ErrorCode { v3: "UK.OBIE.Resource.InvalidConsentStatus", v4: "U009" };
const INVALID_FORMAT: ErrorCode = ErrorCode { v3: "UK.OBIE.Resource.InvalidFormat", v4: "U010" };
const NOT_FOUND: ErrorCode = ErrorCode { v3: "UK.OBIE.Resource.NotFound", v4: "U011" };
/// Version 4 takes the reason from ISO 20022, version 3 has none of its own.
const TOKEN_EXPIRED: ErrorCode = ErrorCode { v3: "UK.OBIE.Header.Invalid", v4: "TKXP" };
const UNEXPECTED: ErrorCode = ErrorCode { v3: "UK.OBIE.UnexpectedError", v4: "U000" };

/// Longer than every name of the standard.
const LONGEST_NAME: usize = 64;

pub(super) const MEDIA_TYPE: &str = "application/json; charset=utf-8";
