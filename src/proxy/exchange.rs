//! What is remembered of one request from its first byte to its audit line.

use std::{
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use http::Method;
use pingora::proxy::Session;

use crate::{
    dialect::Dialect,
    gate::Findings,
    observe::{
        Record, Slot, log,
        metrics::ActiveRequest,
        record::Decision,
        trace::{Trace, TraceId, TraceParent},
    },
    peer::Connection,
    proxy::{activity::Counted, generation::Generation, interaction::Interaction},
};

/// One request and its answer.
pub struct Exchange {
    arrived: SystemTime,
    pub(super) began: Instant,
    /// What was in force when it began; it ends under the same.
    pub(super) generation: Arc<Generation>,
    /// What it came on; none until the request was looked at.
    pub(super) connection: Option<Arc<Connection>>,
    /// None until the request was looked at.
    pub(super) interaction: Option<Interaction>,
    /// None until the request was looked at.
    pub(super) method: Option<Method>,
    /// What the gate believed.
    pub(super) findings: Findings,
    /// None until the gate has spoken, so that nothing counts as allowed by default.
    pub(super) decision: Option<Decision>,
    /// What it takes, part by part; none where nobody collects it.
    pub(super) trace: Option<Box<Trace>>,
    /// The room in the audit log. Dropped without a record, it says that the request was cut off.
    pub(super) slot: Option<Slot>,
    /// When the backend was last asked.
    pub(super) asked: Option<Instant>,
    /// How long the backend took to its header section.
    pub(super) backend: Option<Duration>,
    /// Of the request body, so far.
    pub(super) body_bytes: u64,
    /// Connections to the backend that were tried in vain.
    pub(super) failed_attempts: usize,
    /// Addresses of the backend.
    pub(super) addresses: usize,
    /// How often a connection to the backend has ended before it answered.
    pub(super) lost: usize,
    /// None once it is refused: what is still to be read of it takes no room from others.
    pub(super) active: Option<ActiveRequest>,
    _under_way: Counted,
}

impl Exchange {
    /// A request begins.
    pub(super) fn new(generation: Arc<Generation>, active: ActiveRequest, under_way: Counted) -> Self {
        Self {
            arrived: SystemTime::now(),
            began: Instant::now(),
            generation,
            connection: None,
            interaction: None,
            method: None,
            findings: Findings::default(),
            decision: None,
            trace: None,
            slot: None,
            asked: None,
            backend: None,
            body_bytes: 0,
            failed_attempts: 0,
            addresses: 1,
            lost: 0,
            active: Some(active),
            _under_way: under_way,
        }
    }

    /// How a refusal is written: as the route says, once there is one.
    pub(super) fn dialect(&self) -> Dialect {
        let route = self.findings.route.as_ref().and_then(|(_, route)| route.errors);
        route.unwrap_or(self.generation.settings.errors.dialect)
    }

    /// What there is to record, once; none when the request was never decided.
    pub(super) fn conclude(&mut self, session: &Session) -> Option<Arc<Record>> {
        let callers = || TraceParent::of(&session.req_header().headers).map(|parent| parent.trace);
        let trace = self.trace.as_ref().map(|trace| trace.id()).or_else(callers);
        self.record(session.response_written().map(|head| head.status.as_u16()), trace)
    }

    /// The same, with this status and trace.
    pub(super) fn record(&mut self, status: Option<u16>, trace: Option<TraceId>) -> Option<Arc<Record>> {
        let peer = self.connection.as_ref().and_then(|connection| connection.proxied.or(connection.peer));
        Some(Arc::new(Record {
            regime: Arc::clone(&self.generation.regime),
            time: self.arrived,
            interaction_id: self.interaction.as_ref()?.id(),
            peer,
            method: self.method.take(),
            findings: std::mem::take(&mut self.findings),
            status,
            decision: self.decision.take()?,
            duration: self.began.elapsed(),
            backend: self.backend,
            trace,
        }))
    }
}

impl Drop for Exchange {
    /// A process that ends cuts requests off; what was decided is recorded all the same, or the record would say of one
    /// that the backend has seen that it was refused.
    fn drop(&mut self) {
        let Some(slot) = self.slot.take() else { return };
        let trace = self.trace.as_ref().map(|trace| trace.id());
        if let Some(record) = self.record(None, trace) {
            slot.record(&record);
            log::access(&self.generation.settings.log, &record);
        }
    }
}
