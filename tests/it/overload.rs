//! What becomes of a request when a limit is met that has nothing to do with it.

use std::time::{Duration, Instant};

use crate::{
    http2::{self, Message},
    support::{
        bank::Bank,
        config::Config,
        forms::percent_pem,
        frames::{self, Frames},
        pki::Pki,
        sidecar::Sidecar,
    },
    verdict::{assert_passed, assert_refused},
};

#[test]
fn request_beyond_max_requests_is_told_to_come_back_and_passes_when_there_is_room() {
    for mode in ["enforce", "report"] {
        let bank = Bank::start();
        let sidecar =
            Config::in_front_of(&bank).set("mode", &format!("{mode:?}")).set("listen.max_requests", "1").start();
        let alice = &Pki::get().alice;
        let mut first = sidecar.connect();
        first.write(&sidecar.get("/wait/1").by(alice).bytes());
        bank.await_requests(1);
        bank.take();

        let mut second = sidecar.connect();
        let refused = sidecar.get("/accounts").by(alice).send_on(&mut second);

        assert_refused(&refused, "overloaded", &bank);
        let version2 = http2::send(sidecar.address(), None, &[Message::get("/accounts", credentials())]);
        assert_refused(&version2[0], "overloaded", &bank);
        bank.open();
        assert_eq!(first.answer("GET").status, 200);
        // The connection was kept.
        await_room(&sidecar);
        assert_passed(&sidecar.get("/accounts").by(alice).send_on(&mut second), &bank);
        let decided = sidecar.audit(4);
        let reasons: Vec<_> = decided.iter().filter_map(|line| line["reason"].as_str()).collect();
        assert_eq!(reasons, ["overloaded", "overloaded"]);
    }
}

/// Their bodies are waited for, which takes seconds, and nothing from those who have a certificate.
#[test]
fn requests_that_are_refused_take_no_room() {
    let bank = Bank::start();
    let sidecar = Config::in_front_of(&bank).set("listen.max_requests", "2").start();
    let alice = &Pki::get().alice;
    let refused: Vec<_> = (0..8)
        .map(|_| {
            let mut connection = sidecar.connect();
            let fields = "Host: api.bank.example\r\nX-Client-Cert: none\r\nContent-Length: 100\r\n";
            connection.write(format!("POST /a HTTP/1.1\r\n{fields}\r\n").as_bytes());
            connection
        })
        .collect();
    // All of them have arrived.
    sidecar.await_metrics(|page| page.contains("certbound_headers_stripped_total{header=\"x-client-cert\"} 8\n"));
    let begun = Instant::now();

    while sidecar.get("/accounts").by(alice).send().status != 200 {
        assert!(begun.elapsed() < Duration::from_millis(500), "there is no room");
    }

    drop(refused);
}

/// Each of them would keep a place in the audit log from others, and its memory, as long as its client likes.
#[test]
fn streams_that_are_refused_wait_neither_for_their_bodies_nor_for_their_clients() {
    let bank = Bank::start();
    let sidecar = Sidecar::in_front_of(&bank);
    let fields = frames::with_pseudo("POST", "/a", &[(b"content-length", b"100")]);
    let mut connection = Frames::connect(sidecar.address());
    // SETTINGS_INITIAL_WINDOW_SIZE: the client takes nothing of any answer.
    connection.write(&[frames::frame(frames::SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 0])]);
    let streams = (0..100).map(|number| number * 2 + 1);
    let requests = streams.clone().map(|stream| frames::open_ended(frames::request(stream, &fields, &[]).remove(0)));

    connection.write(&requests.collect::<Vec<_>>());

    // All are recorded, and given up long before `idle_timeout`.
    assert!(sidecar.audit(100).iter().all(|line| line["status"] == 401));
    let begun = Instant::now();
    assert!(connection.answer(199).is_none_or(|answer| answer.reset || answer.body.is_empty()));
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    assert_eq!(bank.requests(), 0);
}

fn credentials() -> Vec<(&'static str, String)> {
    let alice = &Pki::get().alice;
    vec![("ssl.client.auth.cert.x509", percent_pem(&alice.der)), ("authorization", format!("Bearer {}", alice.token()))]
}

/// A request counts until it is recorded, a moment after its answer.
fn await_room(sidecar: &Sidecar) {
    sidecar.await_metrics(|page| page.contains("http_server_active_requests 0\n"));
}
