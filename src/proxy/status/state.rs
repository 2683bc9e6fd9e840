//! Everything the status page says, gathered at one moment. `/status.json` is this, member by member.

use std::{
    collections::BTreeMap,
    time::{Duration, SystemTime},
};

use rustls_pki_types::UnixTime;
use serde::{Serialize, Serializer};
use uuid::Uuid;

use crate::{
    config::settings::Mode,
    observe::{history, timestamp::of_system},
    proxy::{World, listen::Socket, readiness},
    second::Second,
};

/// What there is to see. `docs/status.md` names the members.
#[derive(Serialize)]
pub(super) struct State {
    pub(super) version: &'static str,
    pub(super) now: Second,
    #[serde(serialize_with = "mode")]
    pub(super) mode: Mode,
    pub(super) ready: bool,
    pub(super) checks: Vec<Check>,
    /// Whether the API answers past certbound.
    pub(super) backend_exposed: bool,
    pub(super) generation: Generation,
    pub(super) reload: Reload,
    pub(super) listeners: Vec<Listener>,
    pub(super) active: Active,
    pub(super) anchors: Vec<Anchor>,
    pub(super) crls: Vec<Crl>,
    pub(super) keys: Vec<Keys>,
    pub(super) history: History,
    /// The newest first.
    pub(super) refusals: Vec<Refusal>,
}

/// A condition of readiness.
#[derive(Serialize)]
pub(super) struct Check {
    pub(super) name: &'static str,
    pub(super) ok: bool,
    pub(super) failure: Option<String>,
}

/// What is in force.
#[derive(Serialize)]
pub(super) struct Generation {
    pub(super) number: u64,
    pub(super) since: Second,
    /// The hash of the configuration, as in the audit log.
    pub(super) config: String,
}

/// What became of the latest attempt to replace it.
#[derive(Serialize)]
pub(super) struct Reload {
    /// None: there was none since the start.
    pub(super) at: Option<Second>,
    /// Why it was not applied; empty when it was.
    pub(super) faults: Vec<String>,
    /// Keys that wait for a restart.
    pub(super) waiting: Vec<String>,
}

/// A bound listener.
#[derive(Clone, Debug, Serialize)]
pub struct Listener {
    /// `data`, `admin`, or `status`.
    pub name: &'static str,
    /// As bound.
    pub address: String,
}

/// What goes on now.
#[derive(Serialize)]
pub(super) struct Active {
    pub(super) requests: usize,
    pub(super) connections: usize,
}

#[derive(Serialize)]
pub(super) struct Anchor {
    pub(super) subject: String,
    pub(super) not_after: Second,
}

#[derive(Serialize)]
pub(super) struct Crl {
    pub(super) issuer: String,
    pub(super) next_update: Second,
    /// When it was read or fetched.
    pub(super) read: Second,
}

/// The keys of an issuer of tokens.
#[derive(Serialize)]
pub(super) struct Keys {
    pub(super) issuer: String,
    /// How many are known.
    pub(super) keys: usize,
    pub(super) fetched: Option<Second>,
    /// How often they are fetched.
    pub(super) refresh_seconds: u64,
}

#[derive(Serialize)]
pub(super) struct History {
    /// 60, the oldest first.
    pub(super) minutes: Vec<Minute>,
}

#[derive(Serialize)]
pub(super) struct Minute {
    /// Its beginning.
    pub(super) time: Second,
    pub(super) allowed: u32,
    pub(super) denied: u32,
    pub(super) would_deny: u32,
    /// Refusals of both kinds by code.
    pub(super) reasons: BTreeMap<&'static str, u32>,
}

#[derive(Serialize)]
pub(super) struct Refusal {
    pub(super) time: Second,
    pub(super) decision: &'static str,
    pub(super) code: &'static str,
    pub(super) route: Option<String>,
    pub(super) certificate_issuer: Option<String>,
    pub(super) interaction_id: Uuid,
}

impl Listener {
    /// Those that are bound.
    pub(in crate::proxy) fn all<'a>(
        sockets: impl IntoIterator<Item = (&'static str, Option<&'a Socket>)>,
    ) -> Vec<Self> {
        let bound = sockets.into_iter().filter_map(|(name, socket)| Some((name, socket?)));
        bound.map(|(name, socket)| Self { name, address: socket.to_string() }).collect()
    }
}

impl State {
    /// As it is now.
    pub(super) fn of(world: &World, listeners: &[Listener]) -> Self {
        let (now, in_force) = (SystemTime::now(), world.generation());
        let checks: Vec<_> = readiness::checks(world).into_iter().map(Check::of).collect();
        Self {
            version: env!("CARGO_PKG_VERSION"),
            now: Second(of_system(now)),
            mode: in_force.settings.mode,
            ready: checks.iter().all(|check| check.ok),
            checks,
            backend_exposed: world.metrics.is_backend_exposed(),
            generation: Generation {
                number: in_force.number,
                since: Second(of_system(in_force.since)),
                config: in_force.settings.hash.to_string(),
            },
            reload: Reload::of(world),
            listeners: listeners.to_vec(),
            active: Active {
                requests: world.activity.requests().now(),
                connections: world.activity.connections().now(),
            },
            anchors: anchors(in_force.settings.gate.certificates.truststore().anchors()),
            crls: crls(world),
            keys: keys(world),
            history: History { minutes: world.history.last_hour(now).into_iter().map(Minute::of).collect() },
            refusals: world.history.refusals().into_iter().map(Refusal::of).collect(),
        }
    }
}

impl Check {
    fn of(check: readiness::Check) -> Self {
        Self { name: check.name, ok: check.failure.is_none(), failure: check.failure }
    }
}

impl Reload {
    fn of(world: &World) -> Self {
        let Some(last) = world.last_reload.get() else {
            return Self { at: None, faults: Vec::new(), waiting: Vec::new() };
        };
        Self { at: Some(Second(of_system(last.at))), faults: last.faults.clone(), waiting: last.waiting.clone() }
    }
}

/// The one that ends first in the first place.
fn anchors<'a>(all: impl Iterator<Item = (&'a str, UnixTime)>) -> Vec<Anchor> {
    let mut all: Vec<_> = all.collect();
    all.sort_by_key(|(subject, not_after)| (*not_after, *subject));
    let anchor = |(subject, not_after): (&str, _)| Anchor { subject: subject.to_owned(), not_after: Second(not_after) };
    all.into_iter().map(anchor).collect()
}

fn crls(world: &World) -> Vec<Crl> {
    let known = world.metrics.crls.known().into_iter();
    known.map(|crl| Crl { issuer: crl.issuer, next_update: Second(crl.next_update), read: Second(crl.read) }).collect()
}

fn keys(world: &World) -> Vec<Keys> {
    let held = world.generation().outside.keys.held().into_iter();
    held.map(|(issuer, keys, refresh)| {
        let fetched = world.metrics.keys_last_fetched(&issuer).map(Second);
        Keys { issuer: issuer.to_string(), keys, fetched, refresh_seconds: refresh.as_secs() }
    })
    .collect()
}

fn mode<S: Serializer>(mode: &Mode, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(mode.name())
}

impl Minute {
    fn of(minute: history::Minute) -> Self {
        let begins = Duration::from_secs(minute.minute.saturating_mul(60));
        Self {
            time: Second(UnixTime::since_unix_epoch(begins)),
            allowed: minute.allowed,
            denied: minute.denied,
            would_deny: minute.would_deny,
            reasons: minute.reasons.into_iter().collect(),
        }
    }
}

impl Refusal {
    fn of(refusal: history::Refusal) -> Self {
        Self {
            time: Second(of_system(refusal.time)),
            decision: refusal.decision,
            code: refusal.code,
            route: refusal.route.as_deref().map(str::to_owned),
            certificate_issuer: refusal.issuer.map(String::from),
            interaction_id: refusal.interaction_id,
        }
    }
}
