//! The only code that names Pingora: it takes requests in, asks the gate, and passes on what the gate permits.

pub mod activity;
pub mod admin;
pub mod answers;
mod backend;
pub(crate) mod body;
mod chunks;
pub mod exchange;
pub mod exposure;
pub(crate) mod framing;
pub mod generation;
pub mod health;
mod hop;
pub mod inbound;
pub mod interaction;
pub mod listen;
mod outbound;
mod pages;
mod readiness;
pub mod reload;
pub mod request_line;
mod respond;
pub mod serve;
pub mod service;
pub mod status;
pub mod telemetry;
mod token_endpoint;
mod trace;
mod unread;
mod websocket;

use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::{
    observe::{AuditLog, History, Metrics, Record, Spans, log},
    proxy::{activity::Activity, exchange::Exchange, generation::Generation, reload::LastReload},
};

/// What every request needs, shared by all of them.
pub struct World {
    /// What is in force now.
    generation: ArcSwap<Generation>,
    /// What became of the latest attempt to replace it.
    pub last_reload: LastReload,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// The last hour.
    pub history: History,
    /// The audit log.
    pub audit: AuditLog,
    /// Where traces go; none: nowhere.
    pub spans: Option<Spans>,
    /// Requests and connections under way, and whether the process drains.
    pub activity: Activity,
}

impl World {
    fn new(generation: Generation, metrics: Arc<Metrics>, audit: AuditLog, spans: Option<Spans>) -> Self {
        let (last_reload, activity, history) = (LastReload::default(), Activity::default(), History::new());
        Self { generation: ArcSwap::from_pointee(generation), last_reload, metrics, history, audit, spans, activity }
    }

    /// What is in force now.
    pub fn generation(&self) -> Arc<Generation> {
        self.generation.load_full()
    }

    /// A request begins.
    fn begin(&self) -> Exchange {
        Exchange::new(self.generation(), self.metrics.request_begins(), self.activity.requests().begin())
    }

    /// Has what became of a request recorded everywhere.
    fn record(&self, exchange: &mut Exchange, record: &Arc<Record>) {
        if let Some(slot) = exchange.slot.take() {
            slot.record(record);
        }
        log::access(&exchange.generation.settings.log, record);
        self.history.record(record);
        self.metrics.record(record);
        if let (Some(spans), Some(trace)) = (&self.spans, exchange.trace.take()) {
            spans.end(trace, record, exchange.asked);
        }
    }

    fn replace(&self, next: Arc<Generation>) {
        self.generation.store(next);
    }
}
