#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "tests state what they need")]

mod chain;

use std::{io::Write, thread};

use parking_lot::Mutex;
use serde_json::Value;
use uuid::Uuid;

use super::*;
use crate::{
    config::settings::Sink,
    observe::{record::Decision, sample},
};

/// A sink that can be broken and mended, and that takes a few bytes at a time.
#[derive(Clone, Default)]
struct Paper(Arc<Mutex<Sheet>>);

#[derive(Default)]
struct Sheet {
    bytes: Vec<u8>,
    torn: bool,
    /// Breaks by itself once it holds this many bytes.
    tears_at: Option<usize>,
}

impl Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut sheet = self.0.lock();
        if sheet.tears_at.is_some_and(|most| sheet.bytes.len() >= most) {
            (sheet.torn, sheet.tears_at) = (true, None);
        }
        if sheet.torn {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let count = bytes.len().min(100);
        sheet.bytes.extend_from_slice(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Paper {
    fn log(&self, deny_on_failure: bool, room: usize) -> AuditLog {
        let audit = Audit { sink: Sink::Off, deny_on_failure, hash_chain: false };
        AuditLog::over(Some(Destination::Stream(Box::new(self.clone()))), &audit, room).unwrap()
    }

    fn lines(&self) -> Vec<Value> {
        let text = String::from_utf8(self.0.lock().bytes.clone()).unwrap();
        assert!(text.is_empty() || text.ends_with('\n'));
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn tear(&self, torn: bool) {
        self.0.lock().torn = torn;
    }
}

fn denied() -> Arc<Record> {
    Arc::new(sample::record(Decision::Deny(Denial::CertificateMissing { why: "" })))
}

/// How many lines are counted as lost.
fn lost() -> usize {
    let (page, _) = metrics::Metrics::new().encode();
    let mut count = page.lines().filter_map(|line| line.strip_prefix("certbound_log_lines_lost_total{log=\"audit\"} "));
    count.next().map_or(0, |count| count.parse().unwrap())
}

/// Waits until `condition` holds, which it must in the end.
fn until(condition: impl Fn() -> bool) {
    let deadline = std::time::Instant::now() + Duration::from_secs(20);
    while !condition() {
        assert!(std::time::Instant::now() < deadline);
        thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn lines_are_numbered_from_one_in_the_order_in_which_they_are_recorded() {
    let paper = Paper::default();
    let log = paper.log(true, 1000);
    for _ in 0..500 {
        log.reserve(&sample::regime()).unwrap().record(&denied());
    }
    log.close();

    let lines = paper.lines();
    assert_eq!(lines.len(), 500);
    for (place, line) in lines.iter().enumerate() {
        assert_eq!(line["seq"], place + 1);
        assert_eq!(line["config"], "hash");
        let id: Uuid = line["event_id"].as_str().unwrap().parse().unwrap();
        assert_eq!(id.get_version_num(), 7);
    }
    assert!(lines.is_sorted_by_key(|line| line["event_id"].as_str().unwrap()));
}

#[test]
fn slot_dropped_without_a_record_says_that_the_request_was_cut_off() {
    let paper = Paper::default();
    let log = paper.log(true, 10);
    drop(log.reserve(&sample::regime()).unwrap());
    log.close();

    let [line] = paper.lines().try_into().unwrap();
    assert_eq!(line["decision"], "deny");
    for unknown in ["status", "reason", "route", "method", "interaction_id", "peer_trusted", "duration_us"] {
        assert_eq!(line[unknown], Value::Null, "{unknown}");
    }
    assert_eq!(line["seq"], 1);
}

#[test]
fn full_queue_refuses_when_decisions_must_be_recorded_and_else_does_without() {
    let paper = Paper::default();
    let log = paper.log(true, 2);
    let under_way: Vec<_> = (0..10).map(|_| log.reserve(&sample::regime()).unwrap()).collect();
    let unwritten = paper.0.lock();
    let (first, second) = (log.reserve(&sample::regime()).unwrap(), log.reserve(&sample::regime()).unwrap());
    first.record(&denied());
    second.record(&denied());
    assert_eq!(log.reserve(&sample::regime()).err(), Some(Denial::AuditUnavailable));
    drop(unwritten);
    until(|| log.reserve(&sample::regime()).is_ok());
    under_way.into_iter().for_each(|slot| slot.record(&denied()));
    log.close();
    assert!(paper.lines().len() >= 12, "whatever was promised a line has it");

    let paper = Paper::default();
    let log = paper.log(false, 1);
    let unwritten = paper.0.lock();
    for _ in 0..2 {
        log.reserve(&sample::regime()).unwrap().record(&denied());
    }
    drop(unwritten);
    log.close();
    assert_eq!(paper.lines().len(), 1);
}

#[test]
fn failed_sink_refuses_until_it_can_be_written_again_and_loses_nothing() {
    let paper = Paper::default();
    let log = paper.log(true, usize::MAX);
    paper.tear(true);
    log.reserve(&sample::regime()).unwrap().record(&denied());
    until(|| log.reserve(&sample::regime()).is_err());

    paper.tear(false);

    until(|| log.reserve(&sample::regime()).is_ok());
    log.close();
    assert_eq!(paper.lines().first().map(|line| &line["reason"]), Some(&"certificate_missing".into()));
}

#[test]
fn failed_sink_lets_pass_when_the_configuration_says_so() {
    let paper = Paper::default();
    let log = paper.log(false, 1);
    let before = lost();
    paper.tear(true);
    for _ in 0..10 {
        log.reserve(&sample::regime()).unwrap().record(&denied());
    }
    let counted = lost() - before;
    paper.tear(false);
    log.close();
    let written = paper.lines().len();
    assert!((1..10).contains(&written), "{written} of 10 lines found room");
    // Other tests of this process lose lines too.
    assert!(counted + written >= 10, "{counted} counted, {written} written");
}

#[test]
fn line_that_was_torn_by_a_failure_is_finished_and_not_repeated() {
    let paper = Paper::default();
    let log = paper.log(true, 10);
    paper.0.lock().tears_at = Some(200);
    log.reserve(&sample::regime()).unwrap().record(&denied());
    until(|| paper.0.lock().torn);

    paper.tear(false);

    log.close();
    assert_eq!(paper.lines().len(), 1);
}

#[test]
fn log_that_is_off_gives_room_and_writes_nothing() {
    let audit = Audit { sink: Sink::Off, deny_on_failure: true, hash_chain: false };
    let log = AuditLog::open(&audit).unwrap();
    log.reserve(&sample::regime()).unwrap().record(&denied());
    drop(log.reserve(&sample::regime()).unwrap());
    assert!(log.queue.is_none());
}

#[test]
fn file_is_appended_to_and_one_that_cannot_be_opened_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.log");
    for _ in 0..2 {
        let audit = Audit { sink: Sink::File(path.clone()), deny_on_failure: true, hash_chain: false };
        let log = AuditLog::open(&audit).unwrap();
        log.reserve(&sample::regime()).unwrap().record(&denied());
        log.close();
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), 2);

    let audit = Audit { sink: Sink::File(path.join("under")), deny_on_failure: true, hash_chain: false };
    let error = AuditLog::open(&audit).err().unwrap().to_string();
    assert!(error.contains("audit.log/under"), "{error}");
}
