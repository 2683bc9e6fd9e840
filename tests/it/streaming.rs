//! Bodies pass as they come: nothing is held back, and memory stays flat.

use serde_json::{Value, json};

use crate::support::{bank::Bank, config::Config, pki::Pki, sidecar::Sidecar};

const LARGE: u64 = 100 << 20;

/// The most memory the process ever had, in KiB.
fn peak(sidecar: &Sidecar) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", sidecar.process())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn hundred_megabytes_pass_both_ways_in_flat_memory() {
    let bank = Bank::start();
    let sidecar = Sidecar::in_front_of(&bank);
    let alice = &Pki::get().alice;
    assert_eq!(sidecar.get("/a").by(alice).send().status, 200);
    bank.take();
    let before = peak(&sidecar);

    let mut connection = sidecar.connect();
    connection.write(&sidecar.get(&format!("/large/{LARGE}")).by(alice).bytes());
    assert_eq!(connection.head().0, 200);
    connection.skip(LARGE);
    bank.take();

    let upload = sidecar.request("POST", "/upload").by(alice).header("Content-Length", &LARGE.to_string());
    connection.write(&upload.bytes());
    let piece = vec![b'a'; 1 << 20];
    for _ in 0..LARGE / piece.len() as u64 {
        connection.write(&piece);
    }
    assert_eq!(connection.answer("POST").status, 200);
    assert_eq!(bank.only().body_length, LARGE);

    let grown = peak(&sidecar) - before;
    assert!(grown < 32 << 10, "{grown} KiB more");
}

#[test]
fn piece_of_a_body_passes_before_the_next_one_is_sent() {
    let bank = Bank::start();
    let sidecar = Sidecar::in_front_of(&bank);
    let mut connection = sidecar.connect();

    let request = sidecar.request("POST", "/echo").by(&Pki::get().alice).header("Transfer-Encoding", "chunked");
    connection.write(&request.bytes());
    assert_eq!(connection.head().0, 200);
    for word in ["one", "two"] {
        connection.write(format!("3\r\n{word}\r\n").as_bytes());
        assert_eq!(connection.read(8), format!("3\r\n{word}\r\n").as_bytes());
    }
    connection.write(b"0\r\n\r\n");
    assert_eq!(connection.read(5), b"0\r\n\r\n");
}

#[test]
fn client_that_goes_away_in_the_middle_leaves_no_trace_in_the_next_request() {
    let bank = Bank::start();
    let sidecar = Sidecar::in_front_of(&bank);
    let alice = &Pki::get().alice;

    for _ in 0..5 {
        let mut connection = sidecar.connect();
        let request = sidecar.request("POST", "/a").by(alice).header("Content-Length", "100");
        connection.write(&request.bytes());
        connection.write(b"only this");
        drop(connection);
    }
    let answer = sidecar.post("/a", "whole").by(alice).send();

    assert_eq!(answer.status, 200);
    let bodies: Vec<_> = bank.take().into_iter().map(|seen| seen.body).filter(|body| !body.is_empty()).collect();
    assert!(bodies.contains(&b"whole".to_vec()), "{bodies:?}");
    assert!(bodies.iter().all(|body| body == b"whole" || body == b"only this"), "{bodies:?}");
}

#[test]
fn request_that_comes_before_the_answer_to_the_one_before_it_waits_for_that() {
    let alice = &Pki::get().alice;
    for (first, body) in [("GET", ""), ("POST", "ab")] {
        for early in [1, 40, usize::MAX] {
            let bank = Bank::start();
            let sidecar = Sidecar::in_front_of(&bank);
            let mut connection = sidecar.connect();
            connection.write(&sidecar.request(first, "/wait").by(alice).body(body).bytes());
            bank.await_requests(1);
            let second = sidecar.post("/second", "cd").by(alice).bytes();
            let (now, later) = second.split_at(early.min(second.len()));

            connection.write(now);
            // By the time that another request was answered, what came early has been seen.
            assert_eq!(sidecar.get("/other").by(alice).send().status, 200);
            bank.open();

            assert_eq!(connection.answer(first).status, 200);
            connection.write(later);
            assert_eq!(connection.answer("POST").status, 200);
            let seen: Vec<_> = bank.take().into_iter().map(|seen| (seen.target, seen.body)).collect();
            let expected = [("/wait", body), ("/other", ""), ("/second", "cd")];
            assert_eq!(seen, expected.map(|(target, body)| (target.to_owned(), body.as_bytes().to_vec())));
        }
    }
}

#[test]
fn upgrade_that_the_bank_refuses_waits_for_its_answer_like_any_other_request() {
    let bank = Bank::start();
    let sidecar = Config::in_front_of(&bank).route("path = \"/{*rest}\"\nupgrade = [\"websocket\"]").start();
    let alice = &Pki::get().alice;
    let mut connection = sidecar.connect();
    let request = sidecar.get("/wait").by(alice).header("Connection", "Upgrade").header("Upgrade", "websocket");
    connection.write(&request.bytes());
    bank.await_requests(1);
    let second = sidecar.post("/second", "cd").by(alice).bytes();

    connection.write(&second[..40]);
    // By the time that another request was answered, what came early has been seen.
    assert_eq!(sidecar.get("/other").by(alice).send().status, 200);
    bank.open();

    assert_eq!(connection.answer("GET").status, 200);
    connection.write(&second[40..]);
    assert_eq!(connection.answer("POST").status, 200);
    let seen: Vec<_> = bank.take().into_iter().map(|seen| seen.target).collect();
    assert_eq!(seen, ["/wait", "/other", "/second"]);
}

#[test]
fn what_comes_before_the_bank_agrees_to_an_upgrade_goes_into_the_tunnel() {
    let bank = Bank::start();
    let sidecar = Config::in_front_of(&bank).route("path = \"/{*rest}\"\nupgrade = [\"websocket\"]").start();
    let request = sidecar.get("/socket").by(&Pki::get().alice);
    let request = request.header("Connection", "Upgrade").header("Upgrade", "websocket");
    for early in ["h", "hello"] {
        let mut connection = sidecar.connect();

        connection.write(&[request.bytes(), early.into()].concat());

        assert_eq!(connection.head().0, 101);
        assert_eq!(connection.read(early.len()), early.as_bytes());
    }
    assert_eq!(bank.take().len(), 2);
}

/// What would be written into it, the client would take for words of the bank.
#[test]
fn tunnel_on_which_nobody_speaks_ends_without_an_answer_and_stays_allowed() {
    let bank = Bank::start();
    let config = Config::in_front_of(&bank).route("path = \"/{*rest}\"\nupgrade = [\"websocket\"]");
    let sidecar = config.set("listen.idle_timeout", r#""1s""#).start();
    let request = sidecar.get("/socket").by(&Pki::get().alice);
    let mut connection = sidecar.connect();

    connection.write(&request.header("Connection", "Upgrade").header("Upgrade", "websocket").bytes());

    assert_eq!(connection.head().0, 101);
    assert!(connection.is_closed(), "something was written into the tunnel");
    let line = sidecar.audit(1).remove(0);
    assert_eq!((&line["status"], &line["decision"], &line["reason"]), (&json!(101), &json!("allow"), &Value::Null));
}
