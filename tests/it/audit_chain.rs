//! Audit lines that are tied to each other, a file that is rotated, and a disk that is full.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::{
    support::{
        bank::Bank,
        config::Config,
        pki::Pki,
        sidecar::{DEADLINE, Sidecar, binary},
    },
    verdict::{assert_passed, assert_refused},
};

fn into_a_file(bank: &Bank) -> Config {
    Config::in_front_of(bank).set("audit.sink", r#""file:audit.log""#).set("audit.hash_chain", "true")
}

fn verify(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(binary()).current_dir(folder).args(["audit", "verify"]).args(arguments).output().unwrap()
}

/// What `--json` says of files that are as they should be.
fn intact(folder: &Path, files: &[&str]) -> Value {
    let output = verify(folder, &[files, &["--json"]].concat());
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((output.status.code(), &found["intact"]), (Some(0), &true.into()), "{found}");
    found
}

fn lines(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let until = Instant::now() + DEADLINE;
    while !is_so() {
        assert!(Instant::now() < until, "{what}");
        thread::sleep(Duration::from_millis(20));
    }
}

fn end(sidecar: &mut Sidecar) {
    sidecar.signal("TERM");
    assert!(sidecar.exit().is_some_and(|status| status.success()));
}

#[test]
fn chain_holds_across_a_rotation_while_requests_come_in() {
    let bank = Bank::start();
    let config = into_a_file(&bank);
    let mut sidecar = config.start();
    let (current, rotated) = (sidecar.folder().join("audit.log"), sidecar.folder().join("audit.log.1"));

    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let mut connection = sidecar.connect();
                for _ in 0..100 {
                    sidecar.get("/a").send_on(&mut connection);
                }
            });
        }
        until("nothing is recorded", || !lines(&current).is_empty());
        fs::rename(&current, &rotated).unwrap();
        sidecar.signal("HUP");
    });
    // The file is begun even if nothing comes in any more.
    until("the file is not begun anew", || current.exists());
    sidecar.get("/a").send();
    end(&mut sidecar);

    let found = intact(sidecar.folder(), &["audit.log.1", "audit.log"]);
    assert_eq!(found["end"]["seq"], 301);
    assert_eq!(
        (lines(&rotated).len() + lines(&current).len(), lines(&current)[0]["previous"].as_str()),
        (301, Some(""))
    );
    assert_eq!(bank.requests(), 0);
}

#[test]
fn line_that_was_changed_is_named() {
    let bank = Bank::start();
    let mut sidecar = into_a_file(&bank).start();
    for _ in 0..5 {
        assert_refused(&sidecar.get("/a").send(), "certificate_missing", &bank);
    }
    end(&mut sidecar);
    let file = sidecar.folder().join("audit.log");
    let text = fs::read_to_string(&file).unwrap();
    let third = text.lines().nth(2).unwrap();

    fs::write(&file, text.replace(third, &third.replace("401", "200"))).unwrap();
    let changed = verify(sidecar.folder(), &["audit.log"]);
    fs::write(&file, text.replace(&format!("{third}\n"), "")).unwrap();
    let missing = verify(sidecar.folder(), &["audit.log"]);
    let elsewhere = verify(sidecar.folder(), &["nowhere.log"]);

    for (output, word) in [(&changed, "line 4 does not have the hash"), (&missing, "line 3 has seq 4 where 3 belongs")]
    {
        assert_eq!(output.status.code(), Some(1));
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(said.contains(word), "{said}");
    }
    assert_eq!(elsewhere.status.code(), Some(1));
}

#[test]
fn lines_on_standard_output_are_verified_among_the_others_and_lines_without_a_chain_are_not() {
    let bank = Bank::start();
    for (chained, expected) in [("true", 0), ("false", 1)] {
        let mut sidecar = Config::in_front_of(&bank).set("audit.hash_chain", chained).start();
        assert_passed(&sidecar.get("/a").by(&Pki::get().alice).send(), &bank);
        assert_refused(&sidecar.get("/a").send(), "certificate_missing", &bank);
        sidecar.audit(2);
        end(&mut sidecar);
        fs::write(sidecar.folder().join("stdout"), sidecar.stdout().join("\n")).unwrap();

        let output = verify(sidecar.folder(), &["stdout", "--json"]);

        let found: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(expected), "{found}");
        assert_eq!(found["files"][0]["lines"], if expected == 0 { 2 } else { 0 });
    }
}

#[test]
fn full_disk_refuses_until_there_is_room_and_tears_no_line() {
    let bank = Bank::start();
    let alice = &Pki::get().alice;
    let mut sidecar = Sidecar::start_on_a_small_disk(&into_a_file(&bank), 8);
    let (current, rotated) = (sidecar.folder().join("audit.log"), sidecar.folder().join("audit.log.1"));

    let mut passed = 0;
    until("the disk is never full", || {
        let answer = sidecar.get("/a").by(alice).send();
        passed += u64::from(answer.status == 200);
        answer.status == 503
    });
    sidecar.event("audit_failed");
    bank.take();
    for _ in 0..5 {
        assert_refused(&sidecar.get("/a").by(alice).send(), "audit_unavailable", &bank);
    }

    fs::rename(&current, &rotated).unwrap();
    sidecar.event("audit_recovered");
    assert_passed(&sidecar.get("/a").by(alice).send(), &bank);
    end(&mut sidecar);

    let found = intact(sidecar.folder(), &["audit.log.1", "audit.log"]);
    assert_eq!(found["end"]["seq"], passed + 1, "every request that passed is recorded, and once: {found}");
    assert!(fs::read_to_string(&rotated).unwrap().ends_with('\n'));
}
