//! What an audit line says, in the order in which it says it. What is unknown is null.

use std::{borrow::Cow, net::IpAddr, time::SystemTime};

use serde::Serialize;
use uuid::Uuid;

use crate::{
    certificate::{
        ClientCertificate,
        qualified::Role,
        revocation::{Grounds, Method},
    },
    config::settings::Mode,
    observe::{
        Record, Regime, metrics,
        timestamp::{Second, Timestamp},
    },
    token::AccessToken,
};

/// One line. The order of the fields is promised.
#[derive(Serialize)]
pub(super) struct AuditLine<'a> {
    log_type: &'static str,
    time: Timestamp,
    pub(super) event_id: Uuid,
    pub(super) seq: u64,
    interaction_id: Option<Uuid>,
    peer: Option<IpAddr>,
    peer_trusted: Option<bool>,
    method: Option<&'static str>,
    route: Option<&'a str>,
    status: Option<u16>,
    mode: ModeName,
    decision: &'static str,
    reason: Option<&'static str>,
    /// The facts of a refusal in a sentence.
    detail: Option<Cow<'static, str>>,
    certificate: Option<Certificate<'a>>,
    token: Option<Token<'a>>,
    consent_id: Option<&'a str>,
    duration_us: Option<u128>,
    backend_us: Option<u128>,
    config: &'a str,
    pub(super) previous: Option<&'a str>,
}

/// The mode, as the configuration names it.
#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum ModeName {
    Enforce,
    Report,
}

#[derive(Serialize)]
struct Certificate<'a> {
    thumbprint: String,
    serial: &'a str,
    issuer: &'a str,
    organization_identifier: Option<&'a str>,
    roles: Option<Vec<String>>,
    not_after: Second,
    revocation: Option<Revocation>,
}

#[derive(Serialize)]
struct Revocation {
    method: Option<&'static str>,
    status: &'static str,
    cached: bool,
}

#[derive(Serialize)]
struct Token<'a> {
    kind: &'static str,
    issuer: Option<&'a str>,
    client_id: Option<&'a str>,
    jti_sha256: Option<&'a str>,
    scope: Option<&'a str>,
    expires: Option<Second>,
    bound: bool,
}

impl<'a> AuditLine<'a> {
    /// What is known when the request was cut off before it was decided: nothing.
    pub(super) fn cut_off(time: SystemTime, regime: &'a Regime) -> Self {
        Self {
            log_type: "audit",
            time: Timestamp(time),
            event_id: Uuid::nil(),
            seq: 0,
            interaction_id: None,
            peer: None,
            peer_trusted: None,
            method: None,
            route: None,
            status: None,
            mode: regime.mode.into(),
            decision: "deny",
            reason: None,
            detail: None,
            certificate: None,
            token: None,
            consent_id: None,
            duration_us: None,
            backend_us: None,
            config: &regime.configuration,
            previous: None,
        }
    }

    /// What is known of a decided request. Identifier, number, and what ties it to the line before are the writer's to add.
    pub(super) fn decided(record: &'a Record) -> Self {
        let found = &record.findings;
        let bound = found.binding.is_some();
        Self {
            interaction_id: Some(record.interaction_id),
            peer: record.peer,
            // Routing comes before the peer: without a route nobody has looked at it.
            peer_trusted: (found.peer.is_some() || found.route.is_some()).then_some(found.peer.is_some()),
            method: Some(metrics::method(&record.method)),
            route: metrics::route(found).map(|route| &**route),
            status: record.status,
            decision: record.decision.name(),
            reason: record.decision.reason(),
            detail: record.decision.denial().and_then(crate::denial::Denial::detail),
            certificate: found.shown.as_ref().map(|shown| Certificate::of(shown, record)),
            token: found.token.as_ref().map(|token| Token::of(token, bound)),
            consent_id: found.consent_id.as_deref(),
            duration_us: Some(record.duration.as_micros()),
            backend_us: record.backend.map(|took| took.as_micros()),
            ..Self::cut_off(record.time, &record.regime)
        }
    }
}

impl<'a> Certificate<'a> {
    /// Of the certificate whose path holds, also where something else is wrong with it.
    fn of(certificate: &'a ClientCertificate, record: &Record) -> Self {
        let statements = certificate.qualification().statements();
        let psd2 = statements.and_then(|statements| statements.psd2.as_ref());
        Self {
            thumbprint: certificate.thumbprint().to_string(),
            serial: certificate.serial(),
            issuer: certificate.issuer(),
            organization_identifier: certificate.organization_identifier(),
            roles: psd2.map(|psd2| psd2.roles.iter().map(Role::name).collect()),
            not_after: Second(certificate.not_after()),
            revocation: record.findings.grounds.and_then(Revocation::of),
        }
    }
}

impl Revocation {
    /// None where it is not asked.
    fn of(grounds: Grounds) -> Option<Self> {
        let cached = matches!(grounds, Grounds::Good { cached: true, .. } | Grounds::Revoked { cached: true, .. });
        Some(Self { method: grounds.method().map(Method::name), status: grounds.status()?, cached })
    }
}

impl<'a> Token<'a> {
    fn of(token: &'a AccessToken, bound: bool) -> Self {
        let claims = token.claims();
        Self {
            kind: token.kind(),
            issuer: token.issuer(),
            client_id: claims.client_id(),
            jti_sha256: claims.jti_sha256(),
            scope: claims.scope(),
            expires: claims.expires().map(Second),
            bound,
        }
    }
}

impl From<Mode> for ModeName {
    fn from(mode: Mode) -> Self {
        match mode {
            Mode::Enforce => Self::Enforce,
            Mode::Report => Self::Report,
        }
    }
}

#[cfg(test)]
mod tests;
