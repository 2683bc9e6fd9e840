//! Every refusal: its code, status, challenge, and title, one row each.

use std::{borrow::Cow, sync::Arc};

use crate::{quoted::Quoted, second::Second, thumbprint::Thumbprint};

/// Why a request was refused.
///
/// The caller sees the [`Row`], and what a protocol wants said: `allow`, `scope`, `nonce`, the error of a registration, and
/// the consent service's code and message. The other fields are facts for the log, and for the caller only where
/// `[errors] detail` is `full`; none holds a token, a whole certificate, or a path.
#[derive(Clone, Debug, Eq, PartialEq)]
#[expect(missing_docs, reason = "the row of each variant says what it means")]
pub enum Denial {
    RequestMalformed {
        why: &'static str,
    },
    PathAmbiguous {
        why: &'static str,
    },
    HeaderTooLarge {
        what: &'static str,
    },
    RouteUnknown,
    MethodNotAllowed {
        allow: Arc<str>,
    },
    PeerUntrusted {
        why: &'static str,
    },

    CertificateMissing {
        why: &'static str,
    },
    CertificateRepeated,
    CertificateMalformed {
        why: &'static str,
    },
    /// With whom the uppermost of what came along names as its issuer, where none leads to an anchor.
    CertificateUntrusted {
        why: &'static str,
        issuer: Option<Quoted>,
    },
    CertificateExpired {
        not_after: u64,
    },
    CertificateNotYetValid {
        not_before: u64,
    },
    CertificateWrongPurpose {
        why: &'static str,
    },
    CertificateWeak {
        why: &'static str,
    },
    /// With which of the path it is, and what its issuer says of it.
    CertificateRevoked {
        serial: String,
        since: u64,
        reason: Option<&'static str>,
    },
    CertificateNotQualified {
        why: &'static str,
    },
    RevocationUnknown {
        why: &'static str,
    },
    AuthorityNotAllowed,
    RoleMissing,

    TokenMissing {
        why: &'static str,
    },
    TokenRepeated,
    TokenMalformed {
        why: &'static str,
    },
    TokenAlgorithmRefused {
        algorithm: Quoted,
    },
    TokenKeyUnknown {
        why: &'static str,
        kid: Option<Quoted>,
    },
    TokenSignatureInvalid,
    TokenIssuerUnknown {
        iss: Option<Quoted>,
    },
    TokenAudienceWrong {
        aud: Option<Quoted>,
    },
    /// With the member that should say that it is an access token, and what it says.
    TokenTypeWrong {
        member: &'static str,
        said: Option<Quoted>,
    },
    TokenClaimMissing {
        claim: Arc<str>,
    },
    TokenExpired {
        expired: u64,
    },
    TokenNotYetValid {
        valid_from: u64,
    },
    TokenInactive,
    KeysUnavailable,
    IntrospectionUnavailable,

    BindingMissing {
        why: &'static str,
    },
    BindingMismatch {
        presented: Thumbprint,
        confirmed: Thumbprint,
    },
    ProofMissing,
    /// With the nonce that the next proof has to hold, where that was the fault (RFC 9449, section 9).
    ProofInvalid {
        why: &'static str,
        nonce: Option<Arc<str>>,
    },
    ProofReplayed,

    ScopeInsufficient {
        scope: Arc<str>,
    },
    GrantWrong,
    ConsentMissing,
    /// With the consent service's own code and message: cleaned, bounded, and not to be believed.
    ConsentRefused {
        code: Option<Arc<str>>,
        message: Option<Arc<str>>,
    },
    ConsentUnavailable,
    RegistrationInvalid {
        error: RegistrationError,
        why: &'static str,
    },
    ClientMismatch,

    BodyTooLarge,
    AuditUnavailable,
    BackendUnreachable,
    BackendTimeout,
    Overloaded,
}

/// What is wrong with a registration, in the words of RFC 7591, section 3.2.2.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(missing_docs, reason = "the codes of RFC 7591")]
pub enum RegistrationError {
    InvalidRedirectUri,
    InvalidClientMetadata,
    InvalidSoftwareStatement,
    UnapprovedSoftwareStatement,
}

impl RegistrationError {
    /// The error code.
    pub fn code(self) -> &'static str {
        match self {
            Self::InvalidRedirectUri => "invalid_redirect_uri",
            Self::InvalidClientMetadata => "invalid_client_metadata",
            Self::InvalidSoftwareStatement => "invalid_software_statement",
            Self::UnapprovedSoftwareStatement => "unapproved_software_statement",
        }
    }

    /// The refusal of a registration with this wrong.
    pub const fn refusal(self, why: &'static str) -> Denial {
        Denial::RegistrationInvalid { error: self, why }
    }
}

/// How a refusal looks from outside.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Row {
    /// The stable name: snake_case, subject first, never renamed.
    pub code: &'static str,
    /// The HTTP status, unless the operator overrides it.
    pub status: u16,
    /// What `WWW-Authenticate` says.
    pub challenge: Option<Challenge>,
    /// One sentence for the caller.
    pub title: &'static str,
}

/// `WWW-Authenticate` (RFC 6750, section 3; RFC 9449, section 7.1).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Challenge {
    /// `Bearer` without an error: no credentials that could be wrong (RFC 9110 wants a challenge on every 401).
    Bearer,
    /// `invalid_request`.
    InvalidRequest,
    /// `invalid_token`.
    InvalidToken,
    /// `insufficient_scope`, with the `scope` that would do.
    InsufficientScope,
    /// `DPoP` with `invalid_dpop_proof`, and `algs` (RFC 9449, section 7.1).
    InvalidProof,
    /// `DPoP` with `use_dpop_nonce`, and `algs` (RFC 9449, section 9). In the place of the row's, where the refusal has a nonce.
    UseNonce,
}

impl Challenge {
    /// The field value, as far as it depends neither on the refusal nor on the configuration: `scope` follows for
    /// [`Self::InsufficientScope`], `algs` for [`Self::InvalidProof`] and [`Self::UseNonce`]. What is wrong with a token
    /// that came by the `DPoP` scheme is said in that one, with `algs` too.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bearer => "Bearer",
            Self::InvalidRequest => r#"Bearer error="invalid_request""#,
            Self::InvalidToken => r#"Bearer error="invalid_token""#,
            Self::InsufficientScope => r#"Bearer error="insufficient_scope""#,
            Self::InvalidProof => r#"DPoP error="invalid_dpop_proof""#,
            Self::UseNonce => r#"DPoP error="use_dpop_nonce""#,
        }
    }
}

impl Denial {
    /// The row of the table.
    #[rustfmt::skip]
    pub fn row(&self) -> Row {
        use Challenge::{Bearer, InsufficientScope, InvalidProof, InvalidRequest, InvalidToken};
        match self {
            Self::RequestMalformed { .. }        => row("request_malformed", 400, None, "The request is not well formed"),
            Self::PathAmbiguous { .. }           => row("path_ambiguous", 400, None, "The path can be read in more than one way"),
            Self::HeaderTooLarge { .. }          => row("header_too_large", 431, None, "The header section or the certificate header is too large"),
            Self::RouteUnknown                   => row("route_unknown", 404, None, "No route leads here"),
            Self::MethodNotAllowed { .. }        => row("method_not_allowed", 405, None, "This route does not take this method"),
            Self::PeerUntrusted { .. }           => row("peer_untrusted", 403, None, "Requests are taken only from the load balancer"),

            Self::CertificateMissing { .. }      => row("certificate_missing", 401, Some(Bearer), "A client certificate is required"),
            Self::CertificateRepeated            => row("certificate_repeated", 400, None, "More than one client certificate was forwarded"),
            Self::CertificateMalformed { .. }    => row("certificate_malformed", 401, Some(Bearer), "The client certificate cannot be read"),
            Self::CertificateUntrusted { .. }    => row("certificate_untrusted", 401, Some(Bearer), "The client certificate does not lead to a trusted authority"),
            Self::CertificateExpired { .. }      => row("certificate_expired", 401, Some(Bearer), "The client certificate has expired"),
            Self::CertificateNotYetValid { .. }  => row("certificate_not_yet_valid", 401, Some(Bearer), "The client certificate is not valid yet"),
            Self::CertificateWrongPurpose { .. } => row("certificate_wrong_purpose", 401, Some(Bearer), "The certificate is not for client authentication"),
            Self::CertificateWeak { .. }         => row("certificate_weak", 401, Some(Bearer), "The certificate's key or signature is too weak"),
            Self::CertificateRevoked { .. }      => row("certificate_revoked", 401, Some(Bearer), "The client certificate is revoked"),
            Self::CertificateNotQualified { .. } => row("certificate_not_qualified", 401, Some(Bearer), "The client certificate is not qualified as required"),
            Self::RevocationUnknown { .. }       => row("revocation_unknown", 503, None, "Whether the client certificate is revoked cannot be found out now"),
            Self::AuthorityNotAllowed            => row("authority_not_allowed", 403, None, "The certificate names an authority that is not allowed"),
            Self::RoleMissing                    => row("role_missing", 403, None, "The certificate lacks the role that this route demands"),

            Self::TokenMissing { .. }            => row("token_missing", 401, Some(Bearer), "A bearer token is required"),
            Self::TokenRepeated                  => row("token_repeated", 400, Some(InvalidRequest), "More than one Authorization header was sent"),
            Self::TokenMalformed { .. }          => row("token_malformed", 401, Some(InvalidToken), "The access token cannot be read"),
            Self::TokenAlgorithmRefused { .. }   => row("token_algorithm_refused", 401, Some(InvalidToken), "The access token is signed with an algorithm that is not accepted"),
            Self::TokenKeyUnknown { .. }         => row("token_key_unknown", 401, Some(InvalidToken), "The access token is signed with an unknown key"),
            Self::TokenSignatureInvalid          => row("token_signature_invalid", 401, Some(InvalidToken), "The access token's signature is wrong"),
            Self::TokenIssuerUnknown { .. }      => row("token_issuer_unknown", 401, Some(InvalidToken), "The access token comes from an unknown issuer"),
            Self::TokenAudienceWrong { .. }      => row("token_audience_wrong", 401, Some(InvalidToken), "The access token is meant for another audience"),
            Self::TokenTypeWrong { .. }          => row("token_type_wrong", 401, Some(InvalidToken), "The token is not an access token"),
            Self::TokenClaimMissing { .. }       => row("token_claim_missing", 401, Some(InvalidToken), "The access token lacks a required claim"),
            Self::TokenExpired { .. }            => row("token_expired", 401, Some(InvalidToken), "The access token has expired"),
            Self::TokenNotYetValid { .. }        => row("token_not_yet_valid", 401, Some(InvalidToken), "The access token is not valid yet"),
            Self::TokenInactive                  => row("token_inactive", 401, Some(InvalidToken), "The access token is not active"),
            Self::KeysUnavailable                => row("keys_unavailable", 503, None, "The issuer's keys are not available now"),
            Self::IntrospectionUnavailable       => row("introspection_unavailable", 503, None, "The access token cannot be introspected now"),

            Self::BindingMissing { .. }          => row("binding_missing", 401, Some(InvalidToken), "The access token is not bound to a certificate"),
            Self::BindingMismatch { .. }         => row("binding_mismatch", 401, Some(InvalidToken), "The access token is bound to another certificate"),
            Self::ProofMissing                   => row("proof_missing", 401, Some(InvalidProof), "A DPoP proof is required"),
            Self::ProofInvalid { .. }            => row("proof_invalid", 401, Some(InvalidProof), "The DPoP proof is not valid"),
            Self::ProofReplayed                  => row("proof_replayed", 401, Some(InvalidProof), "The DPoP proof was used before"),

            Self::ScopeInsufficient { .. }       => row("scope_insufficient", 403, Some(InsufficientScope), "The access token lacks a scope that this route demands"),
            Self::GrantWrong                     => row("grant_wrong", 403, None, "The access token was obtained by the wrong grant"),
            Self::ConsentMissing                 => row("consent_missing", 403, None, "The access token names no consent"),
            Self::ConsentRefused { .. }          => row("consent_refused", 403, None, "The consent does not cover this request"),
            Self::ConsentUnavailable             => row("consent_unavailable", 503, None, "The consent cannot be checked now"),
            Self::RegistrationInvalid { .. }     => row("registration_invalid", 400, None, "The registration request is not valid"),
            Self::ClientMismatch                 => row("client_mismatch", 401, Some(InvalidToken), "The access token belongs to another client"),

            Self::BodyTooLarge                   => row("body_too_large", 413, None, "The request body is too large"),
            Self::AuditUnavailable               => row("audit_unavailable", 503, None, "The decision cannot be recorded now"),
            Self::BackendUnreachable             => row("backend_unreachable", 502, None, "The API cannot be reached"),
            Self::BackendTimeout                 => row("backend_timeout", 504, None, "The API did not answer in time"),
            Self::Overloaded                     => row("overloaded", 503, None, "Too many requests at a time"),
        }
    }

    /// The stable code.
    pub fn code(&self) -> &'static str {
        self.row().code
    }

    /// Whether trying again soon can help, so that `Retry-After` is sent.
    pub fn is_temporary(&self) -> bool {
        matches!(
            self,
            Self::RevocationUnknown { .. }
                | Self::KeysUnavailable
                | Self::IntrospectionUnavailable
                | Self::ConsentUnavailable
                | Self::Overloaded
        )
    }

    /// One sample of each refusal, in the order of the table, for documents and for the configuration.
    #[rustfmt::skip]
    pub fn every() -> Vec<Self> {
        let (presented, confirmed) = (Thumbprint::of(b""), Thumbprint::of(b""));
        vec![
            Self::RequestMalformed { why: "" }, Self::PathAmbiguous { why: "" }, Self::HeaderTooLarge { what: "" },
            Self::RouteUnknown, Self::MethodNotAllowed { allow: "".into() }, Self::PeerUntrusted { why: "" },
            Self::CertificateMissing { why: "" }, Self::CertificateRepeated, Self::CertificateMalformed { why: "" },
            Self::CertificateUntrusted { why: "", issuer: None }, Self::CertificateExpired { not_after: 0 },
            Self::CertificateNotYetValid { not_before: 0 }, Self::CertificateWrongPurpose { why: "" },
            Self::CertificateWeak { why: "" },
            Self::CertificateRevoked { serial: String::new(), since: 0, reason: None },
            Self::CertificateNotQualified { why: "" },
            Self::RevocationUnknown { why: "" }, Self::AuthorityNotAllowed, Self::RoleMissing,
            Self::TokenMissing { why: "" }, Self::TokenRepeated, Self::TokenMalformed { why: "" },
            Self::TokenAlgorithmRefused { algorithm: Quoted::of("") }, Self::TokenKeyUnknown { why: "", kid: None },
            Self::TokenSignatureInvalid, Self::TokenIssuerUnknown { iss: None },
            Self::TokenAudienceWrong { aud: None }, Self::TokenTypeWrong { member: "", said: None },
            Self::TokenClaimMissing { claim: "".into() }, Self::TokenExpired { expired: 0 },
            Self::TokenNotYetValid { valid_from: 0 }, Self::TokenInactive, Self::KeysUnavailable,
            Self::IntrospectionUnavailable,
            Self::BindingMissing { why: "" }, Self::BindingMismatch { presented, confirmed }, Self::ProofMissing,
            Self::ProofInvalid { why: "", nonce: None }, Self::ProofReplayed,
            Self::ScopeInsufficient { scope: "".into() }, Self::GrantWrong, Self::ConsentMissing,
            Self::ConsentRefused { code: None, message: None }, Self::ConsentUnavailable,
            Self::RegistrationInvalid { error: RegistrationError::InvalidClientMetadata, why: "" }, Self::ClientMismatch,
            Self::BodyTooLarge, Self::AuditUnavailable, Self::BackendUnreachable, Self::BackendTimeout,
            Self::Overloaded,
        ]
    }

    /// The facts of this refusal in a sentence, for an operator and, where `[errors] detail` is `full`, for the caller.
    ///
    /// None where the title says all there is to say. Holds no token, no whole certificate, and no path.
    pub fn detail(&self) -> Option<Cow<'static, str>> {
        let sentence = match self {
            Self::RequestMalformed { why }
            | Self::PathAmbiguous { why }
            | Self::HeaderTooLarge { what: why }
            | Self::PeerUntrusted { why }
            | Self::CertificateMissing { why }
            | Self::CertificateMalformed { why }
            | Self::CertificateUntrusted { why, issuer: None }
            | Self::CertificateWrongPurpose { why }
            | Self::CertificateWeak { why }
            | Self::CertificateNotQualified { why }
            | Self::RevocationUnknown { why }
            | Self::TokenMissing { why }
            | Self::TokenMalformed { why }
            | Self::TokenKeyUnknown { why, kid: None }
            | Self::BindingMissing { why }
            | Self::ProofInvalid { why, .. }
            | Self::RegistrationInvalid { why, .. } => return Some(Cow::Borrowed(why)),
            Self::MethodNotAllowed { allow } => format!("allowed: {allow}"),
            Self::CertificateExpired { not_after } => format!("notAfter is {}", Second::at(*not_after)),
            Self::CertificateNotYetValid { not_before } => format!("notBefore is {}", Second::at(*not_before)),
            Self::CertificateUntrusted { why, issuer: Some(issuer) } => format!("{why}: issued by {issuer}"),
            Self::CertificateRevoked { serial, since, reason } => {
                let (since, reason) = (Second::at(*since), reason.unwrap_or("no reason is given"));
                format!("the one with serial {serial} is revoked since {since}: {reason}")
            }
            Self::TokenAlgorithmRefused { algorithm } => format!("alg is {algorithm}"),
            Self::TokenKeyUnknown { why, kid: Some(kid) } => format!("{why}: kid is {kid}"),
            Self::TokenIssuerUnknown { iss } => said("iss", iss.as_ref()),
            Self::TokenAudienceWrong { aud } => said("aud", aud.as_ref()),
            Self::TokenTypeWrong { member, said: value } => said(member, value.as_ref()),
            Self::TokenClaimMissing { claim } => format!("{claim} is missing"),
            Self::TokenExpired { expired } => format!("exp is {}", Second::at(*expired)),
            Self::TokenNotYetValid { valid_from } => format!("valid from {}", Second::at(*valid_from)),
            Self::BindingMismatch { presented, confirmed } => {
                format!("the certificate is {presented}, the token is bound to {confirmed}")
            }
            Self::ScopeInsufficient { scope } => format!("the route demands {scope}"),
            // This goes into the audit line, and the service's sentence may name an account.
            Self::ConsentRefused { code: Some(code), .. } => format!("the consent service says {code}"),
            _ => return None,
        };
        Some(Cow::Owned(sentence))
    }
}

/// What a member of the token says.
fn said(member: &str, value: Option<&Quoted>) -> String {
    match value {
        None => format!("{member} is missing"),
        Some(value) if value.is_empty() => format!("{member} is empty"),
        Some(value) => format!("{member} is {value}"),
    }
}

const fn row(code: &'static str, status: u16, challenge: Option<Challenge>, title: &'static str) -> Row {
    Row { code, status, challenge, title }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests state what they need")]

    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_row_of_the_table_is_listed_in_its_order() {
        let table = include_str!("denial.rs");
        let codes: Vec<&str> = table
            .lines()
            .filter(|line| line.trim_start().starts_with("Self::"))
            .filter_map(|line| line.split_once("=> row(\"")?.1.split('"').next())
            .collect();
        let listed: Vec<&str> = Denial::every().iter().map(Denial::code).collect();
        assert_eq!(listed, codes);
        assert!(codes.len() > 50);
    }

    #[test]
    fn times_are_written_as_people_read_them() {
        let detail = |expired| Denial::TokenExpired { expired }.detail().unwrap().into_owned();
        assert_eq!(detail(1_795_731_964), "exp is 2026-11-26T22:26:04Z");
    }

    #[test]
    fn codes_are_unique_and_snake_case() {
        let every = Denial::every();
        let codes: BTreeSet<&str> = every.iter().map(Denial::code).collect();
        assert_eq!(codes.len(), every.len());
        for code in codes {
            let words_of_letters =
                code.split('_').all(|word| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase()));
            assert!(words_of_letters, "{code}");
        }
    }

    #[test]
    fn code_is_the_name_of_its_variant() {
        for denial in Denial::every() {
            let shown = format!("{denial:?}");
            let name = shown.split(' ').next().unwrap();
            let spelled = denial
                .code()
                .split('_')
                .flat_map(|word| [&word[..1].to_uppercase(), &word[1..]].concat().chars().collect::<Vec<_>>())
                .collect::<String>();
            assert_eq!(name, spelled);
        }
    }

    #[test]
    fn every_401_has_a_challenge_and_only_a_503_asks_to_come_back() {
        for denial in Denial::every() {
            let row = denial.row();
            assert!(row.status != 401 || row.challenge.is_some(), "{}", row.code);
            assert!(!denial.is_temporary() || row.status == 503, "{}", row.code);
        }
    }
}
