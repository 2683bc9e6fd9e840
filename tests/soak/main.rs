//! Many kinds of requests at once for a long time, while the configuration changes and the audit file is rotated: no request
//! fails, no audit line is lost, and memory does not grow.
//!
//! `cargo test --test soak -- --nocapture` takes some seconds; `CERTBOUND_SOAK_SECONDS` says how many.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests state what they need"
)]

#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "other tests ask more of the stage set")]
mod support;

#[path = "../it/verdict.rs"]
#[expect(dead_code, reason = "not every kind of refusal is met here")]
mod verdict;

mod clients;
mod memory;

use std::{
    fs,
    path::Path,
    process::Command,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::{
    clients::Clients,
    memory::Memory,
    support::{
        bank::Bank,
        config::Config,
        introspector::{Introspector, active, but},
        pki::{Authority, Pki, pem},
        sidecar::{DEADLINE, Sidecar, binary},
        token,
    },
};

#[test]
fn long_mixed_load_with_reloads_loses_nothing_and_leaks_nothing() {
    let length = std::env::var("CERTBOUND_SOAK_SECONDS").map_or(USUAL, |text| text.parse().expect("a number"));
    let (bank, introspector) = (Bank::start(), Introspector::start());
    introspector.knows("opaque", but(active(&Pki::get().alice), "exp", token::now() + clients::LONGEST));
    let config = |version: usize| {
        introspector
            .asked_by(Config::in_front_of(&bank), "jwks = \"keys.json\"")
            .set("audit.sink", r#""file:audit.log""#)
            .set("audit.hash_chain", "true")
            .set("log.access", r#""off""#)
            .set("cache.tokens", r#""4MiB""#)
            .route(&format!("path = \"/version/{version}\""))
            .route("path = \"/{*rest}\"")
    };
    let mut sidecar = config(0).start();
    let (over, clients) = (AtomicBool::new(false), Clients::default());
    let until = Instant::now() + Duration::from_secs(length);

    let (memory, rotated, applied) = thread::scope(|scope| {
        clients.start(scope, &sidecar, &over);
        let ended = Ends(&over);
        let (mut memory, mut rotated, mut version) = (Memory::default(), 0, 0);
        while Instant::now() < until && !clients.has_failed() {
            version += 1;
            change(&sidecar, &config(version), version);
            if version.is_multiple_of(ROTATE_EVERY) {
                rotated += 1;
                rotate(&sidecar, rotated);
            }
            thread::sleep(PAUSE);
            bank.take();
            memory.look(&sidecar, clients.requests());
        }
        drop(ended);
        (memory, rotated, version)
    });

    let requests = clients.requests();
    let metrics = sidecar.admin("/metrics");
    sidecar.signal("TERM");
    assert!(sidecar.exit().is_some_and(|status| status.success()));
    let lines = verified(sidecar.folder(), rotated);
    println!("{length} s, {requests} requests of {} kinds, {applied} changes, {rotated} rotations", clients::KINDS);
    println!("{lines} audit lines in one chain; memory {memory}");
    assert_eq!(lines, requests, "a line for each request");
    memory.assert_flat();
    let metrics = String::from_utf8(metrics.body).unwrap();
    assert!(metrics.contains("certbound_config_last_reload_successful 1"), "{metrics}");
    for log in ["audit", "app"] {
        let lost = format!("certbound_log_lines_lost_total{{log=\"{log}\"}}");
        assert!(
            !metrics.lines().any(|line| line.starts_with(&lost) && !line.ends_with(" 0")),
            "lines of {log} are lost"
        );
    }
}

/// Another configuration, and every other time another truststore.
fn change(sidecar: &Sidecar, config: &Config, version: usize) {
    config.write(sidecar.folder());
    let other = sidecar.folder().join("trust/other.pem");
    if version.is_multiple_of(2) {
        fs::write(other, pem(&Authority::root("Another root").der)).unwrap();
    }
    sidecar.signal("HUP");
}

/// Moves the audit file away, as logrotate does, and waits until the next one is begun.
fn rotate(sidecar: &Sidecar, number: usize) {
    let file = sidecar.folder().join("audit.log");
    fs::rename(&file, sidecar.folder().join(rotated_name(number))).unwrap();
    sidecar.signal("HUP");
    let until = Instant::now() + DEADLINE;
    while !file.exists() {
        assert!(Instant::now() < until, "the file is not begun anew");
        thread::sleep(Duration::from_millis(20));
    }
}

/// How many lines stand in all files, in one chain without a gap.
fn verified(folder: &Path, rotated: usize) -> usize {
    let files = (1..=rotated).map(rotated_name).chain(["audit.log".to_owned()]);
    let output = Command::new(binary())
        .current_dir(folder)
        .args(["audit", "verify", "--json"])
        .args(files)
        .output()
        .expect("certbound has been built");
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((output.status.code(), &found["intact"]), (Some(0), &true.into()), "{found}");
    let lines = found["files"].as_array().unwrap().iter().map(|file| file["lines"].as_u64().unwrap());
    usize::try_from(lines.sum::<u64>()).unwrap()
}

fn rotated_name(number: usize) -> String {
    format!("audit.log.{number:05}")
}

/// Ends the clients, also where a test fails.
struct Ends<'a>(&'a AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// In seconds.
const USUAL: u64 = 15;
/// Between changes.
const PAUSE: Duration = Duration::from_secs(1);
const ROTATE_EVERY: usize = 5;
