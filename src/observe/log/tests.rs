#![expect(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "tests state what they need")]

use std::{
    process::{Command, Stdio},
    sync::Arc,
};

use parking_lot::Mutex;
use serde_json::Value;

use super::*;
use crate::{denial::Denial, observe::sample};

fn log(level: &'static str, json: bool, access: Access) -> Log {
    Log { level, json, access }
}

/// The lines that `events` make.
fn lines(level: &'static str, json: bool, events: impl FnOnce()) -> Vec<String> {
    let written = Arc::new(Mutex::new(Vec::new()));
    let out = {
        let written = Arc::clone(&written);
        move |line| written.lock().push(String::from_utf8(line).unwrap())
    };
    let app = AppLog::new(&log(level, json, Access::Off), false, out);
    tracing::subscriber::with_default(tracing_subscriber::registry().with(app), events);
    std::mem::take(&mut *written.lock())
}

#[test]
fn event_is_one_json_line_with_its_fields_at_the_top() {
    let written = lines("info", true, || {
        tracing::info!(event = "listening", address = %"127.0.0.1:8443", port = 8443, tls = false, "ready\nto \"serve\"");
    });
    let [line] = written.try_into().unwrap();
    assert!(line.starts_with(r#"{"log_type":"app","time":"2"#), "{line}");
    assert_eq!(line.matches('\n').count(), 1);
    let line: Value = serde_json::from_str(&line).unwrap();
    let fields = ["level", "target", "message", "event", "address"].map(|name| line[name].as_str().unwrap());
    let here = module_path!();
    assert_eq!(fields, ["info", here, "ready\nto \"serve\"", "listening", "127.0.0.1:8443"]);
    assert_eq!((&line["port"], &line["tls"]), (&8443.into(), &false.into()));
}

#[test]
fn text_is_one_line_without_colour_where_nobody_sees_it() {
    let written = lines("info", false, || tracing::warn!(event = "keys", "the issuer's \"two\"\nlines"));
    let [line] = written.try_into().unwrap();
    assert!(line.ends_with(" WARN  the issuer's \"two\"\\nlines event=\"keys\"\n"), "{line:?}");
    assert!(!line.contains('\x1b'), "{line:?}");
}

#[test]
fn level_decides_what_is_written() {
    let written = lines("warn", true, || {
        tracing::info!("quiet");
        tracing::warn!("loud");
        tracing::error!("louder");
    });
    assert_eq!(written.len(), 2, "{written:?}");
}

#[test]
fn dependencies_are_not_heard_at_any_level_save_for_failures_of_sockets() {
    let events = || {
        tracing::error!(target: "pingora_proxy", "Fail to proxy: GET /accounts/DE89370400440532013000?secret=1");
        tracing::error!(target: "pingora_core::protocols::http::v1::server", "/accounts/1");
        tracing::debug!(target: "hyper::proto", "authorization: Bearer x");
        tracing::warn!(target: "certbound_like", "another crate");
        tracing::error!(target: "pingora_core::services::listening", "Accept() failed");
        tracing::info!(target: "pingora_core::services", "starting");
    };
    for level in ["warn", "info", "debug", "trace"] {
        let [line] = lines(level, true, events).try_into().unwrap();
        assert!(line.contains("Accept() failed"), "{line}");
    }
    assert!(lines("trace", true, || tracing::trace!("ours")).len() == 1);
}

#[test]
fn access_line_has_its_fields_in_order_and_no_path() {
    let record = sample::record(Decision::Deny(Denial::CertificateMissing { why: "" }));
    let (mut json, mut text) = (Vec::new(), Vec::new());
    AccessLine::of(&record).json(&mut json);
    AccessLine::of(&record).text(&mut text);
    assert_eq!(
        String::from_utf8(json).unwrap(),
        concat!(
            r#"{"log_type":"access","time":"2026-11-22T07:00:00.123456Z","#,
            r#""interaction_id":"93bac548-d2de-4546-b106-880a5018460d","peer":"10.0.0.7","method":"GET","#,
            r#""route":"/accounts/{AccountId}","status":200,"decision":"deny","reason":"certificate_missing","#,
            r#""duration_us":961,"backend_us":900,"trace_id":null}"#,
            "\n",
        ),
    );
    assert_eq!(
        String::from_utf8(text).unwrap(),
        concat!(
            "2026-11-22T07:00:00.123456Z ACCESS GET /accounts/{AccountId} 200 deny certificate_missing 961us ",
            "93bac548-d2de-4546-b106-880a5018460d\n",
        ),
    );
}

/// What [`standard_output_is_whole_lines_whatever_happens`] looks at from outside; alone it does nothing.
#[test]
fn stand_in_process() {
    if std::env::var_os(STAND_IN).is_none() {
        return;
    }
    install(&log("info", true, Access::Denied));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..100 {
                    access(&log("info", true, Access::Denied), &Arc::new(sample::record(Decision::Allow)));
                    access(
                        &log("info", true, Access::Off),
                        &Arc::new(sample::record(Decision::Deny(Denial::TokenRepeated))),
                    );
                    access(
                        &log("info", true, Access::Denied),
                        &Arc::new(sample::record(Decision::Deny(Denial::RoleMissing))),
                    );
                    tracing::info!(event = "tick", "tick");
                }
            });
        }
        let panicking = scope.spawn(|| std::panic::resume_unwind(Box::new(())));
        assert!(panicking.join().is_err());
        assert!(scope.spawn(|| panic!("Bearer hunter2")).join().is_err());
    });
    flush();
}

#[test]
fn standard_output_is_whole_lines_whatever_happens() {
    let stand_in = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "observe::log::tests::stand_in_process", "--nocapture"])
        .env(STAND_IN, "1")
        .env("RUST_LOG", "off")
        .stderr(Stdio::piped())
        .output()
        .unwrap();
    let text = String::from_utf8(stand_in.stdout).unwrap();
    let errors = String::from_utf8(stand_in.stderr).unwrap();
    assert!(stand_in.status.success(), "{text}\n{errors}");
    assert!(!text.contains("hunter2") && !errors.contains("hunter2"), "{text}\n{errors}");
    // The test program has words of its own around the lines.
    let lines = text.lines().filter(|line| line.contains("log_type"));
    let lines: Vec<Value> = lines.map(|line| serde_json::from_str(line.trim_start_matches(WORDS)).unwrap()).collect();
    let count = |name: &str, value: &str| lines.iter().filter(|line| line[name] == value).count();
    assert_eq!(count("event", "tick"), 400);
    assert_eq!(count("reason", "role_missing"), 400);
    assert_eq!(count("log_type", "access"), 400);
    let panics: Vec<_> = lines.iter().filter(|line| line["event"] == "panic").collect();
    assert_eq!(panics.len(), 1);
    assert!(panics.iter().all(|line| line["location"].as_str().unwrap().contains("log/tests.rs:")), "{panics:?}");
}

const STAND_IN: &str = "CERTBOUND_TEST_STAND_IN";
const WORDS: &str = "test observe::log::tests::stand_in_process ... ";
