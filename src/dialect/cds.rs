//! Consumer Data Standards, Australia: the error response structure.
//!
//! The standards give OAuth's errors precedence over their own where a client or a token is refused; what they say there
//! stands in `WWW-Authenticate`, and the body says no more than that the error is an expected one.

use std::borrow::Cow;

use serde::Serialize;

use crate::{
    denial::Denial,
    dialect::{Body, JSON, Refusal},
};

#[derive(Serialize)]
struct Document<'a> {
    errors: [Error<'a>; 1],
}

/// All three members are mandatory, and the title is the one that the standards give the code.
#[derive(Serialize)]
struct Error<'a> {
    code: &'a str,
    title: &'a str,
    detail: Cow<'a, str>,
}

pub(super) fn write(refusal: &Refusal<'_>) -> Body {
    let told = CONSENT_CODES.into_iter().find(|(known, _)| refusal.consent_code() == Some(known));
    let (code, title) = told.unwrap_or_else(|| match code(refusal.denial) {
        code if !refusal.is_fault_of_this_side() || code == UNAVAILABLE => code,
        _ => UNEXPECTED,
    });
    Body::json(JSON, &Document { errors: [Error { code, title, detail: refusal.text() }] })
}

fn code(denial: &Denial) -> Code {
    match denial {
        Denial::HeaderTooLarge { .. } | Denial::TokenRepeated => INVALID_HEADER,
        Denial::RegistrationInvalid { .. } => INVALID_FIELD,
        Denial::RouteUnknown => NOT_FOUND,
        Denial::AuthorityNotAllowed => NOT_ACTIVE,
        Denial::ScopeInsufficient { .. } | Denial::ConsentMissing | Denial::ConsentRefused { .. } => INVALID_CONSENT,
        Denial::RequestMalformed { .. }
        | Denial::PathAmbiguous { .. }
        | Denial::MethodNotAllowed { .. }
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
        | Denial::RoleMissing
        | Denial::TokenMissing { .. }
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
        | Denial::ProofMissing
        | Denial::ProofInvalid { .. }
        | Denial::ProofReplayed
        | Denial::GrantWrong
        | Denial::ClientMismatch
        | Denial::BodyTooLarge => EXPECTED,
        Denial::RevocationUnknown { .. }
        | Denial::KeysUnavailable
        | Denial::IntrospectionUnavailable
        | Denial::ConsentUnavailable
        | Denial::AuditUnavailable
        | Denial::Overloaded => UNAVAILABLE,
        Denial::BackendUnreachable | Denial::BackendTimeout => UNEXPECTED,
    }
}

/// The standards' code and its title.
type Code = (&'static str, &'static str);

const EXPECTED: Code = ("urn:au-cds:error:cds-all:GeneralError/Expected", "Expected Error Encountered");
const UNEXPECTED: Code = ("urn:au-cds:error:cds-all:GeneralError/Unexpected", "Unexpected Error Encountered");
const UNAVAILABLE: Code = ("urn:au-cds:error:cds-all:Service/Unavailable", "Service Unavailable");
const INVALID_FIELD: Code = ("urn:au-cds:error:cds-all:Field/Invalid", "Invalid Field");
const INVALID_HEADER: Code = ("urn:au-cds:error:cds-all:Header/Invalid", "Invalid Header");
const NOT_FOUND: Code = ("urn:au-cds:error:cds-all:Resource/NotFound", "Resource Not Found");
const NOT_ACTIVE: Code = ("urn:au-cds:error:cds-all:Authorisation/AdrStatusNotActive", "ADR Status Is Not Active");
const INVALID_CONSENT: Code = ("urn:au-cds:error:cds-all:Authorisation/InvalidConsent", "Consent Is Invalid");
const REVOKED_CONSENT: Code = ("urn:au-cds:error:cds-all:Authorisation/RevokedConsent", "Consent Is Revoked");

/// Passed on when the consent service names one.
const CONSENT_CODES: [Code; 3] = [INVALID_CONSENT, REVOKED_CONSENT, NOT_ACTIVE];
