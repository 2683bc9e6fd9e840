//! What an audit line says, in the order in which it says it. What is unknown is null.

use std::time::{Duration, SystemTime};

use uuid::Uuid;

use crate::{
    certificate::{
        ClientCertificate,
        qualified::Role,
        revocation::{Grounds, Method},
    },
    denial::Denial,
    gate::Findings,
    observe::{
        Record, Regime,
        json::{Object, Plain},
        metrics,
        timestamp::Timestamp,
    },
    second::Second,
    token::AccessToken,
};

/// One line.
pub(super) struct AuditLine<'a> {
    time: SystemTime,
    pub(super) event_id: Uuid,
    pub(super) seq: u64,
    pub(super) previous: Option<&'a str>,
    regime: &'a Regime,
    /// None: the request was cut off before it was decided, and nothing is known of it.
    record: Option<&'a Record>,
}

impl<'a> AuditLine<'a> {
    /// A request that was cut off before it was decided. Identifier, number, and what ties it to the line before are the
    /// writer's to add.
    pub(super) fn cut_off(time: SystemTime, regime: &'a Regime) -> Self {
        Self { time, event_id: Uuid::nil(), seq: 0, previous: None, regime, record: None }
    }

    /// A decided request.
    pub(super) fn decided(record: &'a Record) -> Self {
        Self { record: Some(record), ..Self::cut_off(record.time, &record.regime) }
    }

    /// Appends it to `out`, without a line feed. The order of the members is promised.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let record = self.record;
        let found = record.map(|record| &record.findings);
        let denial = record.and_then(|record| record.decision.denial());
        Object::begin(out)
            .member("log_type", "audit")
            .member("time", Timestamp(self.time))
            .member("event_id", self.event_id)
            .member("seq", self.seq)
            .member("interaction_id", record.map(|record| record.interaction_id))
            .member("peer", record.and_then(|record| record.peer).map(Plain))
            .member("peer_trusted", found.and_then(is_trusted))
            .member(
                "method",
                record.and_then(|record| record.method.as_ref()).map(|method| metrics::method(Some(method))),
            )
            .member("route", found.and_then(metrics::route).map(|route| &**route))
            .member("status", record.and_then(|record| record.status))
            .member("mode", self.regime.mode.name())
            .member("decision", record.map_or("deny", |record| record.decision.name()))
            .member("reason", denial.map(Denial::code))
            .member("detail", denial.and_then(Denial::detail).as_deref())
            .object("certificate", found.and_then(|found| found.shown.as_ref()), |shown, object| {
                certificate(shown, found.and_then(|found| found.grounds), object);
            })
            .object("token", found.and_then(|found| found.token.as_ref()), |shown, object| {
                token(shown, found.is_some_and(|found| found.binding.is_some()), object);
            })
            .member("consent_id", found.and_then(|found| found.consent_id.as_deref()))
            .member("duration_us", record.map(|record| micros(record.duration)))
            .member("backend_us", record.and_then(|record| record.backend).map(micros))
            .member("config", &*self.regime.configuration)
            .member("previous", self.previous)
            .end();
    }
}

/// Routing comes before the peer: without a route nobody has looked at it.
fn is_trusted(found: &Findings) -> Option<bool> {
    (found.peer.is_some() || found.route.is_some()).then_some(found.trusted_peer().is_some())
}

/// Of the certificate whose path holds, also where something else is wrong with it.
fn certificate(certificate: &ClientCertificate, grounds: Option<Grounds>, mut object: Object<'_>) {
    let statements = certificate.qualification().statements();
    let psd2 = statements.and_then(|statements| statements.psd2.as_ref());
    let roles: Option<Vec<String>> = psd2.map(|psd2| psd2.roles.iter().map(Role::name).collect());
    let roles: Option<Vec<&str>> = roles.as_ref().map(|roles| roles.iter().map(String::as_str).collect());
    object
        .member("thumbprint", Plain(certificate.thumbprint()))
        .member("serial", certificate.serial())
        .member("issuer", certificate.issuer())
        .member("organization_identifier", certificate.organization_identifier())
        .member("roles", roles.as_deref())
        .member("not_after", Second(certificate.not_after()))
        .object("revocation", grounds.and_then(Revocation::of).as_ref(), Revocation::write)
        .end();
}

/// What revocation says; none where it is not asked.
struct Revocation {
    method: Option<&'static str>,
    status: &'static str,
    cached: bool,
}

impl Revocation {
    fn of(grounds: Grounds) -> Option<Self> {
        let cached = matches!(grounds, Grounds::Good { cached: true, .. } | Grounds::Revoked { cached: true, .. });
        Some(Self { method: grounds.method().map(Method::name), status: grounds.status()?, cached })
    }

    fn write(&self, mut object: Object<'_>) {
        object.member("method", self.method).member("status", self.status).member("cached", self.cached).end();
    }
}

fn token(token: &AccessToken, bound: bool, mut object: Object<'_>) {
    let claims = token.claims();
    object
        .member("kind", token.kind())
        .member("issuer", token.issuer())
        .member("client_id", claims.client_id())
        .member("jti_sha256", claims.jti_sha256().map(Plain))
        .member("scope", token.scope().as_deref())
        .member("expires", claims.expires().map(Second))
        .member("bound", bound)
        .end();
}

fn micros(took: Duration) -> u64 {
    took.as_micros().try_into().unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
