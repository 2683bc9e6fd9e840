//! One audit line a decision, in the order of the decisions, written off the request's thread.

mod line;

use std::{
    fs::OpenOptions,
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, SystemTime},
};

use uuid::Uuid;

use crate::{
    config::settings::{Audit, Sink},
    denial::Denial,
    observe::{
        Record, Regime,
        audit::line::AuditLine,
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
    /// Whether the last attempt to write failed.
    failed: Arc<AtomicBool>,
    deny_on_failure: bool,
}

/// Proof that there is room to record one decision. Dropped without a record, it records that the request was cut off:
/// a line that says `deny`, without a reason and without a status.
#[must_use]
pub struct Slot(Option<(Place<Entry>, Arc<Regime>)>);

/// What a slot hands to the writing thread.
enum Entry {
    Decided(Box<Record>),
    CutOff(SystemTime, Arc<Regime>),
}

impl AuditLog {
    /// Opens the sink.
    ///
    /// # Errors
    /// The file that cannot be opened, and why.
    pub fn open(audit: &Audit) -> io::Result<Self> {
        let sink: Option<Box<dyn Write + Send>> = match &audit.sink {
            Sink::Off => None,
            Sink::Stdout => Some(Box::new(io::stdout())),
            Sink::File(path) => {
                // For the group too, which is how a collector of logs reads along.
                let file = OpenOptions::new().append(true).create(true).mode(0o640).open(path);
                let named = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
                Some(Box::new(file.map_err(named)?))
            }
        };
        Self::over(sink, audit.deny_on_failure, ROOM)
    }

    fn over(sink: Option<Box<dyn Write + Send>>, deny_on_failure: bool, room: usize) -> io::Result<Self> {
        let failed = Arc::new(AtomicBool::new(false));
        let start = |sink| {
            let failed = Arc::clone(&failed);
            let mut writer = Writer { sink, failed, seq: 0, lines: Vec::new() };
            Queue::start("audit-log", room, move |entries| writer.write(entries))
        };
        let queue = sink.map(start).transpose()?;
        Ok(Self { queue, failed, deny_on_failure })
    }

    /// Makes room for one line, before the request is forwarded. `regime` is what it is decided under.
    ///
    /// # Errors
    /// `audit_unavailable` when the sink failed or is behind, and the configuration says to refuse then.
    pub fn reserve(&self, regime: &Arc<Regime>) -> Result<Slot, Denial> {
        let Some(queue) = &self.queue else { return Ok(Slot(None)) };
        let known_to_fail = self.deny_on_failure && self.failed.load(Ordering::Relaxed);
        let place = if known_to_fail { None } else { queue.reserve() };
        if place.is_none() {
            metrics::line_lost("audit");
            if self.deny_on_failure {
                return Err(Denial::AuditUnavailable);
            }
        }
        Ok(Slot(place.map(|place| (place, Arc::clone(regime)))))
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
    pub fn record(mut self, record: &Record) {
        if let Some((place, _)) = self.0.take() {
            place.put(Entry::Decided(Box::new(record.clone())));
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

/// The thread's end of the log.
struct Writer {
    sink: Box<dyn Write + Send>,
    failed: Arc<AtomicBool>,
    /// Of the latest line.
    seq: u64,
    lines: Vec<u8>,
}

impl Writer {
    fn write(&mut self, entries: &[Entry]) {
        self.lines.clear();
        for entry in entries {
            self.seq += 1;
            let mut line = match entry {
                Entry::Decided(record) => AuditLine::decided(record),
                Entry::CutOff(time, regime) => AuditLine::cut_off(*time, regime),
            };
            line.event_id = Uuid::now_v7();
            line.seq = self.seq;
            // Nothing in a line can fail to be written into memory.
            let _ = serde_json::to_writer(&mut self.lines, &line);
            self.lines.push(b'\n');
        }
        self.insist();
    }

    /// Writes until it is written: a decision that was promised a place is not given up while the process lives.
    fn insist(&mut self) {
        let mut written = 0;
        let mut pause = FIRST_PAUSE;
        loop {
            match self.attempt(&mut written) {
                Ok(()) => break,
                Err(error) => {
                    if !self.failed.swap(true, Ordering::Relaxed) {
                        tracing::error!(event = "audit_failed", error = %error, "audit lines cannot be written");
                    }
                    thread::sleep(pause);
                    pause = LONGEST_PAUSE.min(pause * 2);
                }
            }
        }
        if self.failed.swap(false, Ordering::Relaxed) {
            tracing::info!(event = "audit_recovered", "audit lines can be written again");
        }
    }

    /// Goes on after the `written` bytes that earlier attempts wrote, so that no line is torn or doubled.
    fn attempt(&mut self, written: &mut usize) -> io::Result<()> {
        while let Some(rest) = self.lines.get(*written..).filter(|rest| !rest.is_empty()) {
            match self.sink.write(rest) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => *written += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.sink.flush()
    }
}

/// About 8 MiB of records.
const ROOM: usize = 16 * 1024;
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
const PATIENCE: Duration = Duration::from_secs(3);

#[cfg(test)]
mod tests;
