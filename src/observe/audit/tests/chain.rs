//! The chain across lines, files, and processes, and a file that is moved away.

use std::{
    fs,
    path::{Path, PathBuf},
};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

use super::*;

struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn log(&self) -> AuditLog {
        let audit = Audit { sink: Sink::File(self.at("audit.log")), deny_on_failure: true, hash_chain: true };
        AuditLog::open(&audit).unwrap()
    }

    fn rotate(&self) {
        fs::rename(self.at("audit.log"), self.at("audit.log.1")).unwrap();
    }

    /// `(seq, previous)` of each line.
    fn links(&self, name: &str) -> Vec<(u64, String)> {
        let links = lines(&self.at(name)).into_iter().map(|line| {
            let line: Value = serde_json::from_str(&line).unwrap();
            (line["seq"].as_u64().unwrap(), line["previous"].as_str().unwrap().to_owned())
        });
        links.collect()
    }

    fn verified(&self, names: &[&str]) -> u64 {
        let mut verification = verification::Verification::default();
        let mut count = 0;
        for name in names {
            let (tally, broken) = verification.read(fs::read(self.at(name)).unwrap().as_slice()).unwrap();
            assert_eq!(broken, None, "{name}");
            count += tally.lines;
        }
        count
    }
}

fn lines(path: &Path) -> Vec<String> {
    fs::read_to_string(path).unwrap_or_default().lines().map(str::to_owned).collect()
}

fn say(log: &AuditLog, count: usize) {
    for _ in 0..count {
        log.reserve(&sample::regime()).unwrap().record(&denied());
    }
}

/// Waits for everything so far.
fn written(log: &AuditLog) {
    assert!(log.queue.as_ref().unwrap().flush(Duration::from_secs(20)));
}

#[test]
fn each_line_has_the_hash_of_the_one_before_and_a_new_process_begins_with_none() {
    let place = Place::new();
    for _ in 0..2 {
        let log = place.log();
        say(&log, 3);
        log.close();
    }

    let lines = lines(&place.at("audit.log"));
    let hash = |line: &str| BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(line));
    let expected = [
        (1, String::new()),
        (2, hash(&lines[0])),
        (3, hash(&lines[1])),
        (1, String::new()),
        (2, hash(&lines[3])),
        (3, hash(&lines[4])),
    ];
    assert_eq!(place.links("audit.log"), expected);
    assert_eq!(place.verified(&["audit.log"]), 6);
}

#[test]
fn file_that_is_moved_away_is_followed_at_once_when_told_and_nothing_is_lost() {
    let place = Place::new();
    let log = place.log();
    say(&log, 2);
    written(&log);

    place.rotate();
    log.reopen();
    // Without a line, too.
    until(|| place.at("audit.log").exists());
    say(&log, 2);
    log.close();

    assert_eq!(place.links("audit.log.1").len(), 2);
    let links = place.links("audit.log");
    assert_eq!((links.len(), &links[0]), (2, &(3, String::new())));
    assert_eq!(place.verified(&["audit.log.1", "audit.log"]), 4);
}

#[test]
fn file_that_is_moved_away_is_followed_without_being_told() {
    let place = Place::new();
    let log = place.log();
    say(&log, 1);
    written(&log);

    place.rotate();
    until(|| {
        say(&log, 1);
        written(&log);
        place.at("audit.log").exists()
    });
    log.close();

    let all = lines(&place.at("audit.log.1")).len() + lines(&place.at("audit.log")).len();
    assert_eq!(place.verified(&["audit.log.1", "audit.log"]), all as u64);
}

#[test]
fn being_told_without_a_rotation_changes_nothing() {
    let place = Place::new();
    let log = place.log();
    say(&log, 1);
    written(&log);
    log.reopen();
    say(&log, 1);
    log.close();

    assert!(place.links("audit.log").iter().skip(1).all(|(_, previous)| !previous.is_empty()));
}

#[test]
fn file_that_cannot_be_opened_anew_leaves_the_old_one_in_use() {
    let place = Place::new();
    let log = place.log();
    place.rotate();
    fs::create_dir(place.at("audit.log")).unwrap();
    log.reopen();
    say(&log, 3);
    written(&log);
    assert_eq!(place.links("audit.log.1").len(), 3);

    fs::remove_dir(place.at("audit.log")).unwrap();
    log.reopen();
    say(&log, 1);
    log.close();

    assert_eq!(place.verified(&["audit.log.1", "audit.log"]), 4);
}

#[test]
fn file_that_was_deleted_with_its_folder_records_nothing_until_there_is_another() {
    let place = Place::new();
    let folder = place.at("kept");
    fs::create_dir(&folder).unwrap();
    let sink = Sink::File(folder.join("audit.log"));
    let log = AuditLog::open(&Audit { sink, deny_on_failure: true, hash_chain: true }).unwrap();
    say(&log, 1);
    written(&log);
    fs::remove_dir_all(&folder).unwrap();
    log.reopen();
    say(&log, 1);
    until(|| log.reserve(&sample::regime()).is_err());

    fs::create_dir(&folder).unwrap();
    until(|| log.reserve(&sample::regime()).is_ok_and(|slot| slot.0.is_some()));
    log.close();

    assert!(lines(&folder.join("audit.log")).len() >= 2);
}

#[test]
fn half_a_line_of_a_process_that_was_killed_does_not_swallow_the_next() {
    let place = Place::new();
    fs::write(place.at("audit.log"), r#"{"log_type":"audit","ti"#).unwrap();
    let log = place.log();
    say(&log, 2);
    log.close();

    let lines = lines(&place.at("audit.log"));
    assert_eq!(lines.len(), 3);
    let first: Value = serde_json::from_str(&lines[1]).unwrap();
    assert_eq!((&first["seq"], &first["previous"]), (&1.into(), &"".into()));
}
