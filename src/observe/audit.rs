//! One audit line a decision, in the order of the decisions, written off the request's thread.

mod chain;
mod destination;
mod line;
pub mod verification;
mod writer;

use std::{
    io,
    sync::{Arc, atomic::Ordering},
    time::{Duration, SystemTime},
};

use crate::{
    config::settings::Audit,
    denial::Denial,
    observe::{
        Record, Regime,
        audit::{
            destination::Destination,
            writer::{Notes, Writer},
        },
        log, metrics,
        queue::{Place, Queue},
    },
};

/// The audit log.
///
/// Lines are handed to the operating system in the order in which they were recorded; they are not synced to a disk.
pub struct AuditLog {
    /// None: it is off.
    queue: Option<Queue<Entry>>,
    notes: Arc<Notes>,
    deny_on_failure: bool,
}

/// Proof that there is room to record one decision. Dropped without a record, it records that the request was cut off:
/// a line that says `deny`, without a reason and without a status.
#[must_use]
pub struct Slot(Option<(Place<Entry>, Arc<Regime>)>);

/// What a slot hands to the writing thread.
enum Entry {
    Decided(Arc<Record>),
    CutOff(SystemTime, Arc<Regime>),
}

impl AuditLog {
    /// Opens the sink.
    ///
    /// # Errors
    /// The file that cannot be opened, and why.
    pub fn open(audit: &Audit) -> io::Result<Self> {
        Self::over(Destination::open(&audit.sink)?, audit, ROOM)
    }

    fn over(destination: Option<Destination>, audit: &Audit, room: usize) -> io::Result<Self> {
        let notes = Arc::<Notes>::default();
        let start = |destination| {
            let mut writer = Writer::new(destination, Arc::clone(&notes), audit.hash_chain);
            let works = writer.try_out();
            let queue = Queue::start("audit-log", room, move |entries| writer.write(entries))?;
            if !works {
                // There is nothing to write, but somebody has to find out when there could be.
                queue.wake();
            }
            io::Result::Ok(queue)
        };
        let queue = destination.map(start).transpose()?;
        Ok(Self { queue, notes, deny_on_failure: audit.deny_on_failure })
    }

    /// Makes room for one line, before the request is forwarded. `regime` is what it is decided under.
    ///
    /// # Errors
    /// `audit_unavailable` when the sink failed or is behind, and the configuration says to refuse then.
    pub fn reserve(&self, regime: &Arc<Regime>) -> Result<Slot, Denial> {
        let Some(queue) = &self.queue else { return Ok(Slot(None)) };
        let known_to_fail = self.deny_on_failure && self.notes.failed.load(Ordering::Relaxed);
        let place = if known_to_fail { None } else { queue.reserve() };
        if place.is_none() {
            metrics::line_lost("audit");
            if self.deny_on_failure {
                return Err(Denial::AuditUnavailable);
            }
        }
        Ok(Slot(place.map(|place| (place, Arc::clone(regime)))))
    }

    /// Sees at once whether the file was moved away, and begins the next one then. Without being told, that is seen within a
    /// second, when a line is to be written.
    pub fn reopen(&self) {
        if let Some(queue) = &self.queue {
            self.notes.look.store(true, Ordering::Relaxed);
            queue.wake();
        }
    }

    /// Writes what is queued, access lines too, at the end of the process. Waits for requests that are about to be
    /// recorded, but not for ever. Blocks.
    pub fn close(&self) {
        if self.queue.as_ref().is_some_and(|queue| !queue.flush(PATIENCE)) {
            tracing::error!(event = "audit_incomplete", "the last audit lines could not be written");
        }
        log::flush();
    }
}

impl Slot {
    /// Queues the line.
    pub fn record(mut self, record: &Arc<Record>) {
        if let Some((place, _)) = self.0.take() {
            place.put(Entry::Decided(Arc::clone(record)));
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        if let Some((place, regime)) = self.0.take() {
            place.put(Entry::CutOff(SystemTime::now(), regime));
        }
    }
}

/// About 8 MiB of records that wait to be written. Each request under way has a place besides: those who are many must not
/// keep others from being recorded.
const ROOM: usize = 16 * 1024;
const PATIENCE: Duration = Duration::from_secs(3);

#[cfg(test)]
mod tests;
