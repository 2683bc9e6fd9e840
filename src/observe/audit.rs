//! One audit line a decision, in the order of the decisions, written off the request's thread.

use std::sync::Arc;

use crate::{
    config::settings::{Audit, Mode},
    denial::Denial,
    observe::Record,
};

/// The audit log.
pub struct AuditLog {}

/// Proof that there is room to record one decision. Dropped without a record, it records that the request was cut off.
pub struct Slot {}

impl AuditLog {
    /// Opens the sink.
    ///
    /// # Errors
    /// The file that cannot be opened, and why.
    pub fn open(audit: &Audit, mode: Mode, configuration: Arc<str>) -> std::io::Result<Self> {
        todo!()
    }

    /// Makes room for one line, before the request is forwarded.
    ///
    /// # Errors
    /// `audit_unavailable` when the sink failed or is behind, and the configuration says to refuse then.
    pub fn reserve(&self) -> Result<Slot, Denial> {
        todo!()
    }

    /// Writes what is queued, at the end of the process. Blocks.
    pub fn close(self) {
        todo!()
    }
}

impl Slot {
    /// Queues the line.
    pub fn record(self, record: &Record) {
        todo!()
    }
}
