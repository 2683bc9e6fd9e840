//! What the log says of a backend that fails: which, and why.

use std::{
    io::{Read, Write},
    net::TcpListener,
    thread,
};

use time::{Duration, OffsetDateTime};

use crate::{
    support::{
        bank::Bank,
        config::Config,
        pki::{Pki, pem},
        tls::server_config,
    },
    verdict::assert_refused,
};

/// One request to this backend is refused with `code`, and the log names it and says why.
#[track_caller]
fn check(config: &Config, address: &str, code: &str, why: &str) {
    let sidecar = config.clone().set("backend.address", &format!("{address:?}")).start();

    assert_refused(&sidecar.get("/hang").by(&Pki::get().alice).send(), code, &Bank::start());

    let line = sidecar.event("backend_failed");
    assert_eq!((&line["address"], &line["code"]), (&address.into(), &code.into()));
    let said = line["reason"].as_str().unwrap();
    assert!(said.contains(why), "{line}");
}

#[test]
fn handshake_that_fails_is_told_by_its_cause() {
    let pki = Pki::get();
    let plain = Config::to("127.0.0.1:1").file("ca.pem", pem(&pki.infrastructure.der));
    let tls = |name: &str, ca: &str| {
        let config = plain.clone().file("other.pem", pem(&pki.foreign.der));
        config.set("backend.tls", &format!("{{ server_name = {name:?}, ca_file = {ca:?} }}"))
    };
    let bank = Bank::over_tls(server_config(&pki.infrastructure.server(&["bank.internal"]), None));
    let unreachable = |config: &Config, address: &str, why| check(config, address, "backend_unreachable", why);

    unreachable(&tls("bank.internal", "other.pem"), bank.address(), "not believed: see backend.tls.ca_file");
    unreachable(&tls("other.internal", "ca.pem"), bank.address(), "another name than backend.tls.server_name");
    for plaintext in [b"".as_slice(), b"HTTP/1.1 400 Bad Request\r\n\r\n"] {
        unreachable(&tls("bank.internal", "ca.pem"), &answering(plaintext), "it does not speak TLS");
    }
    unreachable(&plain, bank.address(), "perhaps it speaks TLS");
    let ended = pki.infrastructure.issue("bank.internal", |params| {
        params.not_before = OffsetDateTime::now_utc() - Duration::days(3);
        params.not_after = OffsetDateTime::now_utc() - Duration::days(1);
    });
    let ended = Bank::over_tls(server_config(&ended, None));
    unreachable(&tls("bank.internal", "ca.pem"), ended.address(), "its certificate has ended");
}

#[test]
fn backend_that_is_not_there_or_says_nothing_is_told_by_its_cause() {
    let config = Config::to("127.0.0.1:1").set("backend.response_timeout", r#""300ms""#);

    check(&config, &Bank::closed().to_string(), "backend_unreachable", "nobody listens there");
    check(&config, Bank::start().address(), "backend_timeout", "within response_timeout");
    let closing = answering(b"");
    check(&config, &closing, "backend_unreachable", "it closed the connection before its answer");
    let babbling = answering(b"secret secret secret\r\n\r\n");
    check(&config, &babbling, "backend_unreachable", "its answer is not HTTP/1.1");
}

#[test]
fn health_check_fails_as_requests_do() {
    let slow = Config::to("127.0.0.1:1").set("backend.health", r#""/hang""#);
    let slow = slow.set("backend.response_timeout", r#""300ms""#).set("backend.connect_timeout", r#""300ms""#);
    let tls = r#"{ server_name = "bank.internal", ca_file = "ca.pem" }"#;
    let over_tls = slow.clone().file("ca.pem", pem(&Pki::get().infrastructure.der)).set("backend.tls", tls);
    // The system takes connections in its place, and nobody ever answers the handshake.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, bank) = (silent.local_addr().unwrap().to_string(), Bank::start());

    for (config, address, status) in
        [(&slow, &*Bank::closed().to_string(), 502), (&over_tls, &*address, 502), (&slow, bank.address(), 504)]
    {
        let sidecar = config.clone().set("backend.address", &format!("{address:?}")).start();
        let served = sidecar.get("/hang").by(&Pki::get().alice).send().status;
        assert_eq!((sidecar.admin("/backend/healthz").status, served), (status, status), "{address}");
    }
}

/// The address of a backend that answers everything with these bytes.
fn answering(bytes: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        while let Ok((mut stream, _)) = listener.accept() {
            let _ = stream.read(&mut [0; 8192]).and_then(|_| stream.write_all(bytes));
        }
    });
    address
}
