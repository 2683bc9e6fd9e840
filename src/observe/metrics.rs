//! Counters and histograms for Prometheus. Labels are bounded: route templates, never paths, subjects, or token ids.

pub mod configuration;
pub mod connections;
mod exposed;
mod plain;
pub mod revocation;

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, LazyLock},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use arc_swap::ArcSwap;
use http::Method;
use parking_lot::Mutex;
use prometheus_client::{
    encoding::{EncodeLabelSet, EncodeMetric, text},
    metrics::{TypedMetric, counter::Counter, family::Family, gauge::Gauge},
    registry::{Metric, Registry},
};
use rustls_pki_types::UnixTime;

use crate::{
    gate::Findings,
    lookup::Lookup,
    observe::{
        Record, expiry,
        histogram::Histogram,
        metrics::{
            configuration::Configured,
            connections::LostConnections,
            exposed::Exposed,
            revocation::{Checks, CrlEnds},
        },
        record::Decision,
        timestamp,
    },
    token::{IssuedToken, Use},
};

/// Every metric of certbound.
pub struct Metrics {
    registry: Registry,
    /// What is in force.
    pub configuration: Configured,
    decisions: Cells<Decided, Counter>,
    stripped: Cells<Stripped, Counter>,
    certificates: Outcomes<Lookup, 2>,
    tokens: Outcomes<Lookup, 2>,
    checks: Checks,
    uses: Outcomes<Use, 4>,
    issued: Outcomes<IssuedToken, 4>,
    consents: Cells<Outcome, Counter>,
    ending: Counter,
    /// When CRLs end.
    pub crls: CrlEnds,
    keys: Family<Issuer, Gauge>,
    served: Cells<Served, Histogram>,
    active: Gauge,
    lost: LostConnections,
    spans_lost: Counter,
    exposed: Exposed,
    ready: Gauge,
    outgoing: Cells<Peer, Histogram>,
    introspections: Cells<Introspected, Counter>,
}

/// Counts one request as active while it lives.
pub struct ActiveRequest {
    active: Gauge,
    others: usize,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct Decided {
    decision: &'static str,
    reason: Option<&'static str>,
    route: Option<Arc<str>>,
    mode: &'static str,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct Served {
    http_request_method: &'static str,
    http_response_status_code: Option<u16>,
    http_route: Option<Arc<str>>,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct Stripped {
    header: Arc<str>,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct Peer {
    peer: &'static str,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct Issuer {
    issuer: String,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct Introspected {
    issuer: Arc<str>,
    result: &'static str,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct Outcome {
    result: &'static str,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct Log {
    log: &'static str,
}

impl Metrics {
    /// Registers everything. Nothing is in force yet.
    pub fn new() -> Self {
        let mut registry = Registry::default();
        let to = &mut registry;
        to.register("certbound_log_lines_lost", "Lines of a log that could not be written", LOST.clone());
        let keys = "certbound_jwks_last_success_timestamp_seconds";
        let ending = "certbound_client_certificates_ending";
        let ends_soon = "Accepted requests whose client certificate ends within 30 days";
        let spans_lost = "Requests whose spans found no room or no collector";
        let found = [(Lookup::Hit, "hit"), (Lookup::Miss, "miss")];
        let used = "Proofs and registrations, by whether they were used before";
        let uses = [(Use::First, "first"), (Use::Again, "again"), (Use::Unknown, "unknown"), (Use::NoRoom, "unknown")];
        let bound = "Tokens issued to clients, by whether they are bound to the client's certificate";
        let issued = [IssuedToken::Bound, IssuedToken::Unbound, IssuedToken::Mismatched, IssuedToken::Opaque]
            .map(|issued| (issued, issued.name()));
        Self {
            decisions: Cells::new(to, "certbound_decisions", "Requests by decision and reason"),
            stripped: Cells::new(to, "certbound_headers_stripped", "Identity headers taken out of requests"),
            certificates: Outcomes::new(to, "certbound_certificate_cache", "Look-ups of verified certificates", found),
            tokens: Outcomes::new(to, "certbound_token_cache", "Look-ups of verified token signatures", found),
            consents: Cells::new(to, "certbound_consents", "Answers of the consent service"),
            checks: Checks::new(to),
            crls: CrlEnds::new(to),
            uses: Outcomes::new(to, "certbound_single_uses", used, uses),
            issued: Outcomes::new(to, "certbound_issued_tokens", bound, issued),
            served: Cells::new(to, "http_server_request_duration_seconds", "Time to serve a request"),
            outgoing: Cells::new(to, "http_client_request_duration_seconds", "Time of outgoing requests"),
            introspections: Cells::new(to, "certbound_introspections", "Questions about tokens, by their answers"),
            keys: registered(to, keys, "When the issuer's keys were last read"),
            active: registered(to, "http_server_active_requests", "Requests under way"),
            ready: registered(to, "certbound_ready", "Whether the process is ready for requests"),
            exposed: registered(to, "certbound_backend_exposed", "Whether the API answers past certbound"),
            ending: registered(to, ending, ends_soon),
            lost: LostConnections::new(to),
            spans_lost: registered(to, "certbound_spans_lost", spans_lost),
            configuration: Configured::new(to),
            registry,
        }
    }

    /// Counts a finished request: decision, durations, cache look-ups.
    pub fn record(&self, record: &Record) {
        let route = route(&record.findings).cloned();
        let decided = Decided {
            decision: record.decision.name(),
            reason: record.decision.reason(),
            route: route.clone(),
            mode: record.regime.mode.name(),
        };
        self.decisions.with(&decided, Counter::inc);
        let served = Served {
            http_request_method: method(record.method.as_ref()),
            http_response_status_code: record.status,
            http_route: route,
        };
        self.served.with(&served, |histogram| histogram.observe(record.duration));
        self.certificates.count(record.findings.lookups.certificate);
        self.tokens.count(record.findings.lookups.token);
        self.checks.count(record.findings.grounds);
        if ends_soon(record) {
            self.ending.inc();
        }
        if let Some(took) = record.backend {
            self.outgoing("backend", took);
        }
    }

    /// Counts an identity header that was taken out, by its folded name. The names are a bounded set.
    pub fn stripped(&self, header: &Arc<str>) {
        self.stripped.with(&Stripped { header: Arc::clone(header) }, Counter::inc);
    }

    /// Counts an answer of the consent service: `given`, `refused`, or `unavailable`.
    pub fn consent(&self, result: &'static str) {
        self.consents.with(&Outcome { result }, Counter::inc);
    }

    /// A request begins; it ends when the guard is dropped.
    pub fn request_begins(&self) -> ActiveRequest {
        let others = usize::try_from(self.active.inc()).unwrap_or(0);
        ActiveRequest { active: self.active.clone(), others }
    }

    /// Notes whether the backend can be reached past certbound; none: that is not known.
    pub fn backend_exposed(&self, is_so: Option<bool>) {
        self.exposed.set(is_so);
    }

    /// Notes whether the process is ready.
    pub fn ready(&self, is_so: bool) {
        self.ready.set(is_so.into());
    }

    /// Counts connections that came to no request.
    pub fn lost_connections(&self) -> LostConnections {
        self.lost.clone()
    }

    /// Counts requests whose spans were not collected.
    pub fn lost_spans(&self) -> Counter {
        self.spans_lost.clone()
    }

    /// An issuer has keys, which may never have been read: 0 until they are, so that an alert finds it.
    pub fn keys_expected(&self, issuer: &str) {
        drop(self.keys.get_or_create(&Issuer { issuer: issuer.to_owned() }));
    }

    /// Notes a successful fetch of the keys of an issuer from which they are expected.
    pub fn keys_fetched(&self, issuer: &str) {
        if let Some(last) = self.keys.get(&Issuer { issuer: issuer.to_owned() }) {
            last.set(now());
        }
    }

    /// No keys are expected from an issuer any more, so an alert should not wait for them either.
    pub fn keys_not_expected(&self, issuer: &str) {
        self.keys.remove(&Issuer { issuer: issuer.to_owned() });
    }

    /// Counts a question about a token to its issuer: `result` is `active`, `inactive`, or `unavailable`.
    pub fn introspected(&self, issuer: &Arc<str>, result: &'static str) {
        self.introspections.with(&Introspected { issuer: Arc::clone(issuer), result }, Counter::inc);
    }

    /// Counts a question whether something was used before, by its answer.
    pub fn used(&self, used: Use) {
        self.uses.count(Some(used));
    }

    /// Counts a token that was issued.
    pub fn issued(&self, token: IssuedToken) {
        self.issued.count(Some(token));
    }

    /// When an issuer's keys were last fetched or read; none: never.
    pub fn keys_last_fetched(&self, issuer: &str) -> Option<UnixTime> {
        let known = self.keys.get(&Issuer { issuer: issuer.to_owned() })?.get();
        let known = u64::try_from(known).ok().filter(|known| *known > 0)?;
        Some(UnixTime::since_unix_epoch(Duration::from_secs(known)))
    }

    /// Whether the API answered past certbound when that was last looked at; not so as long as nobody knows.
    pub fn is_backend_exposed(&self) -> bool {
        self.exposed.get() == Some(true)
    }

    /// Notes an outgoing request: `peer` is `backend` (which [`Self::record`] notes), `jwks`, ...
    pub fn outgoing(&self, peer: &'static str, took: Duration) {
        self.outgoing.with(&Peer { peer }, |histogram| histogram.observe(took));
    }

    /// The exposition as OpenMetrics, and its content type.
    pub fn encode(&self) -> (String, &'static str) {
        let mut exposition = String::new();
        // Writing into a string fails only if a metric refuses to be written, and none does.
        let _ = text::encode(&mut exposition, &self.registry);
        (exposition, "application/openmetrics-text; version=1.0.0; charset=utf-8")
    }

    /// The exposition as Prometheus always had it, and its content type.
    pub fn encode_plain(&self) -> (String, &'static str) {
        let (exposition, _) = self.encode();
        (plain::text(&exposition), "text/plain; version=0.0.4; charset=utf-8")
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl ActiveRequest {
    /// How many there were when it began.
    pub fn others(&self) -> usize {
        self.others
    }
}

impl Drop for ActiveRequest {
    fn drop(&mut self) {
        self.active.dec();
    }
}

/// A family of metrics whose members are found without a lock once they exist.
struct Cells<Labels, M> {
    family: Family<Labels, M>,
    found: ArcSwap<HashMap<Labels, M, ahash::RandomState>>,
    growing: Mutex<()>,
}

impl<Labels, M> Cells<Labels, M>
where
    Labels: Clone + std::fmt::Debug + EncodeLabelSet + Eq + Hash + Send + Sync + 'static,
    M: Clone + Default + std::fmt::Debug + EncodeMetric + TypedMetric + Send + Sync + 'static,
{
    fn new(registry: &mut Registry, name: &str, help: &str) -> Self {
        let family = Family::default();
        registry.register(name, help, family.clone());
        Self { family, found: ArcSwap::default(), growing: Mutex::new(()) }
    }

    fn with<R>(&self, labels: &Labels, add: impl Fn(&M) -> R) {
        if let Some(metric) = self.found.load().get(labels) {
            add(metric);
            return;
        }
        let _alone = self.growing.lock();
        let metric = self.family.get_or_create_owned(labels);
        add(&metric);
        let mut found = HashMap::clone(&self.found.load());
        found.insert(labels.clone(), metric);
        self.found.store(Arc::new(found));
    }
}

/// Counters of a few outcomes, each with its label `result`. All are there from the start.
struct Outcomes<T, const N: usize>([(T, Counter); N]);

impl<T: Copy + Eq, const N: usize> Outcomes<T, N> {
    fn new(registry: &mut Registry, name: &str, help: &str, all: [(T, &'static str); N]) -> Self {
        let family: Family<Outcome, Counter> = registered(registry, name, help);
        Self(all.map(|(outcome, result)| (outcome, family.get_or_create_owned(&Outcome { result }))))
    }

    fn count(&self, outcome: Option<T>) {
        if let Some((_, counter)) = self.0.iter().find(|(counted, _)| Some(*counted) == outcome) {
            counter.inc();
        }
    }
}

fn registered<M: Metric + Clone + Default>(registry: &mut Registry, name: &str, help: &str) -> M {
    let metric = M::default();
    registry.register(name, help, metric.clone());
    metric
}

/// Whether a client is served now that will soon need another certificate. Report mode serves too, but accepts nothing.
fn ends_soon(record: &Record) -> bool {
    let now = timestamp::of_system(record.time);
    let certificate = record.findings.certificate.as_ref().filter(|_| matches!(record.decision, Decision::Allow));
    certificate.is_some_and(|certificate| expiry::Remaining::of(certificate.not_after(), now).is_soon())
}

/// The template of the route that was taken.
pub(super) fn route(findings: &Findings) -> Option<&Arc<str>> {
    findings.route.as_ref().map(|(_, route)| route.path.as_str())
}

/// The method as a bounded label: callers can make up methods.
pub(super) fn method(method: Option<&Method>) -> &'static str {
    let Some(method) = method else { return "_OTHER" };
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::PATCH => "PATCH",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        Method::TRACE => "TRACE",
        Method::CONNECT => "CONNECT",
        _ => "_OTHER",
    }
}

/// Counts a line of `log` that could not be written. Of the process, as the logs are.
pub(super) fn line_lost(log: &'static str) {
    LOST.get_or_create(&Log { log }).inc();
}

pub(super) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

static LOST: LazyLock<Family<Log, Counter>> = LazyLock::new(Family::default);

#[cfg(test)]
mod tests;
