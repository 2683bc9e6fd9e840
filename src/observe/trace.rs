//! What one request took, part by part, on its way to whoever collects spans. Never a path, a token, or a subject.

pub mod context;
pub mod span;

use std::{
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use http::HeaderMap;
use prometheus_client::metrics::counter::Counter;
use tokio::sync::mpsc::{self, Receiver, Sender};
use uuid::Uuid;

pub use self::context::{SpanId, TraceId, TraceParent};
use crate::observe::{
    Record,
    metrics::{method, route},
};

/// Where the traces of finished requests go. Bounded: what finds no room is counted and lost, and no request waits.
pub struct Spans {
    queue: Sender<Ended>,
    /// Of 2^56.
    share: u64,
    lost: Counter,
}

/// A request under way.
pub struct Trace {
    parent: Option<TraceParent>,
    id: TraceId,
    request: SpanId,
    backend: SpanId,
    began: Instant,
    /// Whether it is recorded where nobody who is believed has said so.
    chosen: bool,
    asked: Vec<Asked>,
}

/// A question that was put to somebody else.
struct Asked {
    what: &'static str,
    after: Duration,
    took: Duration,
}

/// A request that has ended.
pub struct Ended {
    trace: Box<Trace>,
    time: SystemTime,
    took: Duration,
    method: &'static str,
    route: Option<Arc<str>>,
    status: Option<u16>,
    decision: &'static str,
    reason: Option<&'static str>,
    interaction_id: Uuid,
    backend: Option<Backend>,
}

/// What the backend took; nothing where it did not answer.
struct Backend {
    after: Duration,
    took: Option<Duration>,
}

impl Spans {
    /// A queue and its end. `percent` of the requests are recorded where no trusted caller decides; what is lost counts in
    /// `lost`.
    pub fn queue(percent: usize, lost: Counter) -> (Self, Receiver<Ended>) {
        let (queue, end) = mpsc::channel(ROOM);
        let share = (percent as u64).saturating_mul(ALL) / 100;
        (Self { queue, share, lost }, end)
    }

    /// A request with these headers, which began then, continues the caller's trace, or begins one.
    pub fn begin(&self, headers: &HeaderMap, began: Instant) -> Box<Trace> {
        let parent = TraceParent::of(headers);
        let id = parent.map_or_else(TraceId::new, |parent| parent.trace);
        let (request, backend) = (SpanId::new(), SpanId::new());
        // Of our own identifier: callers choose the trace's.
        let chosen = u64::from_be_bytes(*request.as_bytes()) % ALL < self.share;
        Box::new(Trace { parent, id, request, backend, began, chosen, asked: Vec::new() })
    }

    /// Hands a finished request over, if it is to be recorded. `asked`: when the backend was.
    pub fn end(&self, trace: Box<Trace>, record: &Record, asked: Option<Instant>) {
        if !trace.is_sampled(record.findings.trusted_peer().is_some()) {
            return;
        }
        let after = |asked: Instant| asked.saturating_duration_since(trace.began);
        let backend = asked.map(|asked| Backend { after: after(asked), took: record.backend });
        let ended = Ended {
            time: record.time,
            took: record.duration,
            method: method(record.method.as_ref()),
            route: route(&record.findings).cloned(),
            status: record.status,
            decision: record.decision.name(),
            reason: record.decision.reason(),
            interaction_id: record.interaction_id,
            backend,
            trace,
        };
        if self.queue.try_send(ended).is_err() {
            self.lost.inc();
        }
    }
}

impl Trace {
    /// The trace's identifier.
    pub fn id(&self) -> TraceId {
        self.id
    }

    /// Notes that something was asked, from `began` until now.
    pub fn asked(&mut self, what: &'static str, began: Instant) {
        self.asked.push(Asked { what, after: began.saturating_duration_since(self.began), took: began.elapsed() });
    }

    /// What the backend is told. `vouched`: whether a trusted load balancer passed on what the caller said.
    pub fn outgoing(&self, vouched: bool) -> TraceParent {
        let others = self.parent.map_or(TraceParent::RANDOM, |parent| parent.flags & TraceParent::RANDOM);
        let sampled = if self.is_sampled(vouched) { TraceParent::SAMPLED } else { 0 };
        TraceParent { trace: self.id, span: self.backend, flags: others | sampled }
    }

    /// Whether the trace continues one of the caller's.
    pub fn is_continued(&self) -> bool {
        self.parent.is_some()
    }

    /// As the caller decided, if a trusted peer passed it on: strangers do not decide what is collected.
    fn is_sampled(&self, vouched: bool) -> bool {
        self.parent.filter(|_| vouched).map_or(self.chosen, |parent| parent.is_sampled())
    }
}

/// Requests that wait to be exported, about 1 MiB.
const ROOM: usize = 2048;
const ALL: u64 = 1 << 56;

#[cfg(test)]
mod tests;
