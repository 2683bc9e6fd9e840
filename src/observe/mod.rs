//! What operators see: logs, audit lines, metrics. Never a token, a whole certificate, or a path.

pub mod audit;
pub mod log;
pub mod metrics;
pub mod record;

pub use audit::{AuditLog, Slot};
pub use metrics::Metrics;
pub use record::Record;
