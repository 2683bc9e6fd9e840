//! What operators see: logs, audit lines, metrics. Never a token, a whole certificate, or a path.

pub mod expiry;
mod histogram;
pub(crate) mod identifier;
mod json;
mod queue;
pub mod record;
#[cfg(test)]
mod sample;
pub(crate) mod terminal;
pub(crate) mod timestamp;

mod throttle;

pub mod metrics;

pub mod history;

pub mod trace;

pub mod log;

pub mod audit;

pub use audit::{AuditLog, Slot};
pub use history::History;
pub use metrics::Metrics;
pub use record::{Record, Regime};
pub use throttle::Throttle;
pub use trace::{Spans, Trace};
