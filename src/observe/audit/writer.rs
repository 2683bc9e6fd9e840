//! The thread's end of the audit log.

use std::{
    io::{self, Write},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, SystemTime},
};

use crate::observe::{
    audit::{Entry, chain::Chain, destination::Destination, line::AuditLine},
    identifier::Identifiers,
};

/// Numbers the lines, ties each to the one before, and writes them.
pub(super) struct Writer {
    destination: Destination,
    notes: Arc<Notes>,
    /// None: lines are not tied to each other.
    chain: Option<Chain>,
    /// Of the latest line that is written.
    seq: u64,
    identifiers: Identifiers,
    lines: Lines,
}

/// What the two ends of the log tell each other.
#[derive(Default)]
pub(super) struct Notes {
    /// Whether the last attempt to write failed.
    pub(super) failed: AtomicBool,
    /// Whether to see at once if the file was moved away.
    pub(super) look: AtomicBool,
}

/// Lines on their way out.
#[derive(Default)]
struct Lines {
    bytes: Vec<u8>,
    /// Where each line ends, its line feed included.
    ends: Vec<usize>,
    /// How many bytes are written.
    written: usize,
}

impl Writer {
    pub(super) fn new(destination: Destination, notes: Arc<Notes>, hash_chain: bool) -> Self {
        let chain = hash_chain.then(Chain::default);
        Self { destination, notes, chain, seq: 0, identifiers: Identifiers::new(), lines: Lines::default() }
    }

    /// Whether lines can be written, as far as that can be told before there are any: of a file it is known when its disk
    /// is full, and a device takes an empty line.
    pub(super) fn try_out(&mut self) -> bool {
        if !self.destination.is_device() {
            return true;
        }
        self.lines.bytes.push(b'\n');
        let tried = self.attempt();
        self.lines.clear();
        tried.inspect_err(|error| self.complain(error)).is_ok()
    }

    /// Writes until it is written: a decision that was promised a place is not given up while the process lives.
    pub(super) fn write(&mut self, mut entries: &[Entry]) {
        self.lines.clear();
        self.follow();
        self.render(entries);
        if entries.is_empty() && self.notes.failed.load(Ordering::Relaxed) {
            self.lines.bytes.push(b'\n');
        }
        let mut pause = FIRST_PAUSE;
        while let Err(error) = self.attempt() {
            self.complain(&error);
            thread::sleep(pause);
            pause = LONGEST_PAUSE.min(pause * 2);
            if self.follow() {
                // Whole lines stay in the file that was left, and the rest begins the new one.
                entries = entries.get(self.lines.whole()..).unwrap_or_default();
                self.render(entries);
            }
        }
        self.seq = self.seq.saturating_add(entries.len() as u64);
        if self.notes.failed.swap(false, Ordering::Relaxed) {
            tracing::info!(event = "audit_recovered", "audit lines can be written again");
        }
    }

    fn complain(&self, error: &io::Error) {
        if !self.notes.failed.swap(true, Ordering::Relaxed) {
            tracing::error!(event = "audit_failed", error = %error, "audit lines cannot be written");
        }
    }

    /// Goes over to the file at the path, if that is another one. Tells whether it did.
    fn follow(&mut self) -> bool {
        let at_once = self.notes.look.swap(false, Ordering::Relaxed);
        let followed = self.destination.follow(at_once, self.lines.torn() as u64);
        if followed {
            self.seq = self.seq.saturating_add(self.lines.whole() as u64);
            self.chain.iter_mut().for_each(Chain::begin);
        }
        followed
    }

    fn render(&mut self, entries: &[Entry]) {
        self.lines.clear();
        if self.destination.take_torn() {
            self.lines.bytes.push(b'\n');
        }
        let now = SystemTime::now();
        for (seq, entry) in (self.seq.saturating_add(1)..).zip(entries) {
            let mut line = match entry {
                Entry::Decided(record) => AuditLine::decided(record),
                Entry::CutOff(time, regime) => AuditLine::cut_off(*time, regime),
            };
            line.event_id = self.identifiers.timed(now, seq);
            line.seq = seq;
            line.previous = self.chain.as_ref().map(Chain::previous);
            let start = self.lines.bytes.len();
            line.write(&mut self.lines.bytes);
            if let Some(chain) = &mut self.chain {
                chain.append(self.lines.bytes.get(start..).unwrap_or_default());
            }
            self.lines.bytes.push(b'\n');
            self.lines.ends.push(self.lines.bytes.len());
        }
    }

    /// Goes on after what earlier attempts wrote, so that no line is torn or doubled.
    fn attempt(&mut self) -> io::Result<()> {
        let Lines { bytes, written, .. } = &mut self.lines;
        while let Some(rest) = bytes.get(*written..).filter(|rest| !rest.is_empty()) {
            match self.destination.write(rest) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => *written += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.destination.flush()
    }
}

impl Lines {
    fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
        self.written = 0;
    }

    /// How many lines are written whole.
    fn whole(&self) -> usize {
        self.ends.partition_point(|end| *end <= self.written)
    }

    /// How many bytes of the next line are written.
    fn torn(&self) -> usize {
        let end = self.whole().checked_sub(1).and_then(|last| self.ends.get(last));
        self.written.saturating_sub(end.copied().unwrap_or(0))
    }
}

const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
