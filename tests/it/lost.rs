//! Connections that come to no request leave a trace: the balancer answers 502, and no audit line says why.

use std::net::TcpStream;

use serde_json::Value;

use crate::{
    support::{bank::Bank, config::Config, connection::Connection, pki::Pki, sidecar::Sidecar, tls::client_config},
    verdict::assert_passed,
};

#[test]
fn plaintext_to_a_listener_with_tls_is_said_once_and_counted_each_time() {
    let sidecar = Config::in_front_of(&Bank::start()).with_tls().start();

    for _ in 0..3 {
        send(&sidecar, &sidecar.get("/a").bytes());
    }

    await_count(&sidecar, "tls", 3);
    assert_said(&sidecar, "tls", "plaintext HTTP to a listener with TLS");
    assert!(sidecar.stdout().iter().all(|line| !line.contains(r#""log_type":"audit""#)));
}

#[test]
fn balancer_that_sends_no_proxy_header_or_another_is_told_of() {
    for (version, sent, why) in [
        ("v1", b"GET / HTTP/1.1\r\n\r\n".as_slice(), "no PROXY header: it began with HTTP"),
        ("v2", b"\x16\x03\x01\x02\x00\x01\x00", "no PROXY header: it began with TLS"),
        (
            "v2",
            b"PROXY TCP4 198.51.100.7 192.0.2.1 1 2\r\n",
            "a PROXY header of version 1, which is malformed or not the version of proxy_protocol",
        ),
    ] {
        let sidecar = Config::in_front_of(&Bank::start()).set("load_balancer.proxy_protocol", &format!("{version:?}"));
        let sidecar = sidecar.start();

        send(&sidecar, sent);

        await_count(&sidecar, "proxy_header", 1);
        assert_said(&sidecar, "proxy_header", why);
    }
}

#[test]
fn proxy_header_that_is_not_expected_is_told_of() {
    let sidecar = Config::in_front_of(&Bank::start()).with_tls().start();

    send(&sidecar, b"PROXY TCP4 198.51.100.7 192.0.2.1 1 2\r\n");

    assert_said(&sidecar, "tls", "a PROXY header where TLS should begin: see load_balancer.proxy_protocol");
}

#[test]
fn handshake_with_a_listener_in_plaintext_is_a_request_that_cannot_be_read() {
    let sidecar = Config::in_front_of(&Bank::start()).start();

    send(&sidecar, b"\x16\x03\x01\x00\x2e\x01\x00\x00\x2a\x03\x03");

    let line = &sidecar.audit(1)[0];
    assert_eq!((&line["reason"], &line["method"]), (&"request_malformed".into(), &Value::Null));
}

#[test]
fn balancer_that_does_not_believe_the_listener_is_told_of() {
    let sidecar = Config::in_front_of(&Bank::start()).with_tls().start();
    let foreign = client_config(&Pki::get().foreign, None);

    let mut connection = Connection::tls(sidecar.address(), "localhost", foreign);
    assert!(connection.try_write(&sidecar.get("/a").bytes()).is_err());
    drop(connection);

    assert_said(&sidecar, "tls", "received fatal alert: UnknownCA: it does not accept the listener's certificate");
}

#[test]
fn port_that_is_only_probed_is_no_failure() {
    let bank = Bank::start();
    let config = Config::in_front_of(&bank).with_tls().set("load_balancer.proxy_protocol", r#""v1""#);
    let sidecar = config.set("log.level", r#""debug""#).start();

    drop(TcpStream::connect(sidecar.address()).unwrap());
    let line = sidecar.event("connection_failed");

    assert_eq!((&line["level"], &line["peer"], &line["stage"]), (&"debug".into(), &"127.0.0.1".into(), &Value::Null));
    await_count(&sidecar, "tls", 0);
    await_count(&sidecar, "proxy_header", 0);
}

#[test]
fn process_without_descriptors_says_so_and_counts_the_connections_that_wait() {
    let bank = Bank::start();
    let config = Config::in_front_of(&bank);
    let sidecar = Sidecar::start_with_descriptors(&config, 64);

    let crowd: Vec<_> = (0..64).map(|_| TcpStream::connect(sidecar.address()).unwrap()).collect();
    let line = sidecar.event("accept_failed");
    drop(crowd);

    assert_eq!(line["level"], "warn");
    assert!(line["error"].as_str().unwrap().contains("Too many open files"), "{line}");
    let page = sidecar.await_metrics(|page| page.contains("certbound_connections_failed_total"));
    assert!(!page.contains("certbound_connections_failed_total{stage=\"accept\"} 0\n"), "{page}");
    assert_passed(&sidecar.get("/a").by(&Pki::get().alice).send(), &bank);
}

/// Sends this, and waits until the connection ends.
fn send(sidecar: &Sidecar, bytes: &[u8]) {
    let mut connection = sidecar.connect();
    // It may have ended already.
    let _ = connection.try_write(bytes).and_then(|()| connection.try_answer("GET"));
}

fn await_count(sidecar: &Sidecar, stage: &str, count: usize) {
    let line = format!("certbound_connections_failed_total{{stage=\"{stage}\"}} {count}\n");
    sidecar.await_metrics(|page| page.contains(&line));
}

/// In one warning, though there may be more failures.
#[track_caller]
fn assert_said(sidecar: &Sidecar, stage: &str, why: &str) {
    let lines = sidecar.events("connection_failed", 1);
    assert_eq!(lines.len(), 1, "{lines:#?}");
    let said = |field: &str| lines[0][field].as_str().unwrap_or_default().to_owned();
    assert_eq!([said("level"), said("stage"), said("peer")], ["warn", stage, "127.0.0.1"]);
    assert_eq!(said("error"), why);
}
