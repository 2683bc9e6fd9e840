//! The application and access logs: JSON lines or text on standard output.

mod app;

use std::{
    io::{self, Write},
    sync::{Arc, OnceLock},
    time::Duration,
};

use serde::Serialize;
use tracing_subscriber::{layer::SubscriberExt, util::SubscriberInitExt};
use uuid::Uuid;

use crate::{
    config::settings::{Access, Log},
    observe::{
        Record,
        log::app::{AppLog, Threshold},
        metrics,
        queue::Queue,
        record::Decision,
        terminal,
        timestamp::Timestamp,
        trace::TraceId,
    },
};

/// Installs the application log. `RUST_LOG` is not read: the configuration alone decides.
///
/// Only the first call in a process has an effect.
pub fn install(log: &Log) {
    let colour = !log.json && terminal::shows_colours(&io::stdout());
    let app = AppLog::new(log, colour, event);
    let threshold = app.threshold();
    if tracing_subscriber::registry().with(app).try_init().is_ok() {
        app::report_panics();
        let _ = THRESHOLD.set(threshold);
    }
}

/// From now on at the level of `log`.
pub fn set_level(log: &Log) {
    if let Some(threshold) = THRESHOLD.get() {
        threshold.set(log);
    }
}

/// Writes the access line of one request, if `log` wants it. Never waits: a line that finds no room is counted and lost.
pub fn access(log: &Log, record: &Arc<Record>) {
    let refused = !matches!(record.decision, Decision::Allow);
    if log.access == Access::Off || (log.access == Access::Denied && !refused) {
        return;
    }
    match queue().and_then(Queue::reserve) {
        Some(place) => place.put(Entry { record: Arc::clone(record), json: log.json }),
        None => metrics::line_lost("access"),
    }
}

/// Hands on the line of one event. Never waits: whoever reads standard output may have stopped, and the thread that has
/// something to say serves requests.
fn event(line: Vec<u8>) {
    match events().and_then(Queue::reserve) {
        Some(place) => place.put(line),
        None => metrics::line_lost("app"),
    }
}

/// Writes the lines that are queued. Blocks, but not for long.
pub fn flush() {
    if let Some(Some(queue)) = EVENTS.get() {
        queue.flush(PATIENCE);
    }
    if let Some(Some(queue)) = ACCESS.get() {
        queue.flush(PATIENCE);
    }
}

/// Writes whole lines to standard output, so that lines of different threads do not mix.
pub(super) fn write_lines(lines: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(lines)?;
    out.flush()
}

/// What is handed to the writing thread.
struct Entry {
    record: Arc<Record>,
    json: bool,
}

/// What is said of one request. Field by field the same as on the audit line, where that has them.
#[derive(Serialize)]
struct AccessLine<'a> {
    log_type: &'static str,
    time: Timestamp,
    interaction_id: Uuid,
    peer: Option<std::net::IpAddr>,
    method: &'static str,
    route: Option<&'a str>,
    status: Option<u16>,
    decision: &'static str,
    reason: Option<&'static str>,
    duration_us: u128,
    backend_us: Option<u128>,
    trace_id: Option<TraceId>,
}

impl<'a> AccessLine<'a> {
    fn of(record: &'a Record) -> Self {
        Self {
            log_type: "access",
            time: Timestamp(record.time),
            interaction_id: record.interaction_id,
            peer: record.peer,
            method: metrics::method(record.method.as_ref()),
            route: metrics::route(&record.findings).map(|route| &**route),
            status: record.status,
            decision: record.decision.name(),
            reason: record.decision.reason(),
            duration_us: record.duration.as_micros(),
            backend_us: record.backend.map(|took| took.as_micros()),
            trace_id: record.trace,
        }
    }

    fn json(&self, lines: &mut Vec<u8>) {
        // Nothing in the struct can fail to be written into memory.
        let _ = serde_json::to_writer(&mut *lines, self);
        lines.push(b'\n');
    }

    fn text(&self, lines: &mut Vec<u8>) {
        let (route, status) = (self.route.unwrap_or("-"), self.status.unwrap_or(0));
        let (decision, reason) = (self.decision, self.reason.unwrap_or("-"));
        let (time, method, took, id) = (self.time, self.method, self.duration_us, self.interaction_id);
        // Nor can text.
        let _ = writeln!(lines, "{time} ACCESS {method} {route} {status} {decision} {reason} {took}us {id}");
    }
}

fn write_access(entries: &[Entry]) {
    let mut lines = Vec::new();
    for Entry { record, json } in entries {
        let line = AccessLine::of(record);
        if *json { line.json(&mut lines) } else { line.text(&mut lines) }
    }
    if write_lines(&lines).is_err() {
        entries.iter().for_each(|_| metrics::line_lost("access"));
    }
}

fn write_events(lines: &[Vec<u8>]) {
    if write_lines(&lines.concat()).is_err() {
        lines.iter().for_each(|_| metrics::line_lost("app"));
    }
}

fn queue() -> Option<&'static Queue<Entry>> {
    ACCESS.get_or_init(|| Queue::start("access-log", ROOM, write_access).ok()).as_ref()
}

/// Apart from the access lines, so that no number of those takes the room of a warning.
fn events() -> Option<&'static Queue<Vec<u8>>> {
    EVENTS.get_or_init(|| Queue::start("app-log", ROOM_FOR_EVENTS, write_events).ok()).as_ref()
}

/// Of the process, as standard output is.
static THRESHOLD: OnceLock<Threshold> = OnceLock::new();
static ACCESS: OnceLock<Option<Queue<Entry>>> = OnceLock::new();
static EVENTS: OnceLock<Option<Queue<Vec<u8>>>> = OnceLock::new();

/// The target of events that are heard at any level: who starts a process wants to know where it listens.
pub const LISTENING: &str = "certbound::listening";
/// About 6 MiB of records, half a second or so of a busy sidecar.
const ROOM: usize = 16 * 1024;
/// About 1 MiB of lines.
const ROOM_FOR_EVENTS: usize = 4 * 1024;
const PATIENCE: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests;
