//! SIGTERM lets requests finish, a second one does not; a port in use is found out at once.

use std::{
    net::{TcpListener, TcpStream},
    process::Command,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::support::{
    bank::Bank,
    config::Config,
    pki::Pki,
    sidecar::{DEADLINE, Sidecar},
};

#[test]
fn request_under_way_is_finished_before_the_process_ends() {
    for signal in ["TERM", "INT", "QUIT"] {
        let bank = Bank::start();
        let mut sidecar = Sidecar::in_front_of(&bank);
        let mut connection = sidecar.connect();
        connection.write(&sidecar.get("/wait").by(&Pki::get().alice).bytes());
        bank.await_requests(1);

        sidecar.signal(signal);
        sidecar.await_admin("/readyz", 503);
        let until = Instant::now() + DEADLINE;
        while TcpStream::connect(sidecar.address()).is_ok() {
            assert!(Instant::now() < until, "it still accepts");
        }
        bank.open();

        assert_eq!(connection.answer("GET").status, 200);
        assert_eq!(sidecar.exit().and_then(|status| status.code()), Some(0));
        assert_eq!(sidecar.audit(1)[0]["status"], 200);
    }
}

#[test]
fn hang_up_of_a_terminal_is_no_reason_to_end() {
    let bank = Bank::start();
    let sidecar = Sidecar::in_front_of(&bank);
    let mut connection = sidecar.connect();
    connection.write(&sidecar.get("/wait").by(&Pki::get().alice).bytes());
    bank.await_requests(1);

    sidecar.signal("HUP");
    bank.open();

    assert_eq!(connection.answer("GET").status, 200);
    assert_eq!(sidecar.get("/a").by(&Pki::get().alice).send().status, 200);
}

#[test]
fn idle_connection_does_not_hold_the_process() {
    let bank = Bank::start();
    let mut sidecar = Sidecar::in_front_of(&bank);
    let mut connection = sidecar.connect();
    assert_eq!(sidecar.get("/a").by(&Pki::get().alice).send_on(&mut connection).status, 200);

    let begun = Instant::now();
    sidecar.signal("TERM");

    assert_eq!(sidecar.exit().and_then(|status| status.code()), Some(0));
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}

#[test]
fn request_whose_header_section_has_begun_is_finished_before_the_process_ends() {
    let bank = Bank::start();
    let mut sidecar = Sidecar::in_front_of(&bank);
    let request = sidecar.get("/a").by(&Pki::get().alice).bytes();
    let (begun, rest) = request.split_at(20);
    let mut connection = sidecar.connect();
    connection.write(begun);
    assert_eq!(sidecar.get("/a").by(&Pki::get().alice).send().status, 200, "by then it has been read");

    sidecar.signal("TERM");
    sidecar.event("draining");
    connection.write(rest);

    assert_eq!(connection.answer("GET").status, 200);
    assert_eq!(sidecar.exit().and_then(|status| status.code()), Some(0));
}

/// Nobody knows whether there will be a request.
#[test]
fn header_section_that_never_ends_holds_the_process_for_a_second_and_is_no_request() {
    for drain_timeout in [r#""0s""#, r#""20s""#] {
        let bank = Bank::start();
        let mut sidecar = Config::in_front_of(&bank).set("listen.drain_timeout", drain_timeout).start();
        let mut connection = sidecar.connect();
        connection.write(b"GET /a HTTP/1.1\r\nHo");
        assert_eq!(sidecar.get("/a").by(&Pki::get().alice).send().status, 200, "by then it has been read");

        let begun = Instant::now();
        sidecar.signal("TERM");

        assert_eq!(sidecar.exit().and_then(|status| status.code()), Some(0), "{drain_timeout}");
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    }
}

#[test]
fn request_that_outlasts_the_drain_is_cut_and_the_exit_says_so() {
    let bank = Bank::start();
    let mut sidecar = Config::in_front_of(&bank).set("listen.drain_timeout", r#""300ms""#).start();
    let mut connection = sidecar.connect();
    connection.write(&sidecar.get("/wait").by(&Pki::get().alice).bytes());
    bank.await_requests(1);

    sidecar.signal("TERM");

    assert_eq!(sidecar.exit().and_then(|status| status.code()), Some(1));
    let audit = sidecar.audit(1);
    assert_eq!(audit.len(), 1, "a request that was cut is recorded as well");
    let line = &audit[0];
    assert_eq!((&line["decision"], &line["status"], &line["method"]), (&"allow".into(), &Value::Null, &"GET".into()));
    assert_eq!(line["certificate"]["thumbprint"], Pki::get().alice.thumbprint(), "the bank has seen it");
    assert_eq!(sidecar.log("access", 1)[0]["decision"], "allow");
}

#[test]
fn second_signal_cuts_requests_off_at_once_and_records_them() {
    for (first, second) in [("TERM", "TERM"), ("TERM", "INT"), ("INT", "QUIT")] {
        let bank = Bank::start();
        let mut sidecar = Config::in_front_of(&bank).set("listen.drain_timeout", r#""10m""#).start();
        let mut connection = sidecar.connect();
        connection.write(&sidecar.get("/wait").by(&Pki::get().alice).bytes());
        bank.await_requests(1);

        sidecar.signal(first);
        sidecar.event("draining");
        sidecar.signal(second);

        assert_eq!(sidecar.exit().and_then(|status| status.code()), Some(1), "{first} {second}");
        let line = &sidecar.audit(1)[0];
        assert_eq!((&line["decision"], &line["status"]), (&"allow".into(), &Value::Null));
        assert_eq!(line["certificate"]["thumbprint"], Pki::get().alice.thumbprint(), "the bank has seen it");
        assert!(sidecar.stderr().join("\n").contains("cut off by a second signal"), "{:?}", sidecar.stderr());
    }
}

#[test]
fn signal_of_log_rotation_reloads_and_an_unknown_one_does_nothing() {
    let bank = Bank::start();
    let sidecar = Config::in_front_of(&bank).set("log.level", r#""debug""#).start();

    sidecar.signal("USR2");
    assert_eq!(sidecar.event("signal_ignored")["signal"], "SIGUSR2");
    sidecar.signal("USR1");
    sidecar.events("config_reloaded", 1);

    assert_eq!(sidecar.get("/a").by(&Pki::get().alice).send().status, 200);
}

#[test]
fn port_in_use_ends_the_process_within_two_seconds() {
    let bank = Bank::start();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("{:?}", taken.local_addr().unwrap().to_string());

    for key in ["listen.address", "admin.address"] {
        let begun = Instant::now();
        let mut sidecar = Sidecar::launch(&Config::in_front_of(&bank).set(key, &address));

        assert_eq!(sidecar.exit().and_then(|status| status.code()), Some(1), "{key}");
        assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    }
}

#[test]
fn audit_pipe_that_nobody_reads_ends_the_process() {
    let bank = Bank::start();
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("audit.pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());

    let sink = format!("{:?}", format!("file:{}", pipe.display()));
    let mut sidecar = Sidecar::launch(&Config::in_front_of(&bank).set("audit.sink", &sink));

    assert_eq!(sidecar.exit().and_then(|status| status.code()), Some(1));
    assert!(sidecar.stderr().join("\n").contains("audit.pipe"), "{:?}", sidecar.stderr());
}

#[test]
fn bad_configuration_ends_the_process_with_2() {
    let bank = Bank::start();
    let mut sidecar = Sidecar::launch(&Config::in_front_of(&bank).set("listen.threads", "\"many\""));

    assert_eq!(sidecar.exit().and_then(|status| status.code()), Some(2));
    assert!(sidecar.stderr().join("\n").contains("listen.threads"));
}
