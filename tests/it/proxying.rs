//! Between the client and the bank certbound is a plain proxy.

use std::{fs, sync::Barrier};

use crate::{
    http2::{self, Message},
    support::{
        bank::Bank,
        config::Config,
        forms::percent_pem,
        frames::{self, Frames},
        pki::Pki,
        sidecar::Sidecar,
        tls::{client_config, server_config},
    },
    verdict::{assert_passed, assert_refusal, assert_refused},
};

#[test]
fn request_and_answer_pass_as_they_are() {
    let bank = Bank::start();
    let sidecar = Sidecar::in_front_of(&bank);
    let alice = &Pki::get().alice;

    let answer = sidecar.post("/payments?a=1&b=%2F", "{\"amount\":1}").by(alice).header("Accept", "*/*").send();
    let seen = assert_passed(&answer, &bank);
    assert_eq!((seen.method.as_str(), seen.target.as_str()), ("POST", "/payments?a=1&b=%2F"));
    assert_eq!(seen.body, b"{\"amount\":1}");
    assert_eq!(seen.header("accept"), Some("*/*"));
    assert_eq!(seen.header("host"), Some("api.bank.example"));
    assert!(seen.header("authorization").is_some_and(|value| value.starts_with("Bearer ey")));
    assert_eq!(answer.json()["balance"], "12.34");

    let answer = sidecar.get("/status/404").by(alice).send();
    assert_eq!((answer.status, answer.body.len()), (404, 0));
    assert_eq!(sidecar.request("HEAD", "/a").by(alice).send().status, 200);
}

#[test]
fn connections_to_the_bank_are_used_again() {
    let bank = Bank::start();
    let sidecar = Config::in_front_of(&bank).set("listen.threads", "1").start();
    let mut connection = sidecar.connect();

    for _ in 0..20 {
        assert_passed(&sidecar.get("/a").by(&Pki::get().alice).send_on(&mut connection), &bank);
    }

    assert!(bank.connections() <= 2, "{} connections for 20 requests", bank.connections());
}

/// Whoever is at the other end of one may be gone without a word, and a request sent there would wait in vain.
#[test]
fn kept_connection_to_the_bank_is_looked_after_by_the_system() {
    let bank = Bank::start();
    let sidecar = Sidecar::in_front_of(&bank);
    assert_passed(&sidecar.get("/a").by(&Pki::get().alice).send(), &bank);

    let port: u16 = bank.address().rsplit_once(':').unwrap().1.parse().unwrap();
    let bank = format!("0100007F:{port:04X}");
    let sockets = fs::read_to_string("/proc/net/tcp").unwrap();
    // Of those that lead there and are established (01), which timer runs: 02 is that of keep-alive.
    let fields = sockets.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let timers: Vec<_> =
        fields.filter(|fields| fields[2] == bank && fields[3] == "01").map(|fields| fields[5]).collect();
    assert!(timers.iter().any(|timer| timer.starts_with("02:")), "{timers:?}");
}

#[test]
fn connection_that_the_bank_has_closed_costs_no_request() {
    let bank = Bank::start();
    let sidecar = Config::in_front_of(&bank).set("listen.threads", "1").start();
    let alice = &Pki::get().alice;
    let mut connection = sidecar.connect();

    for _ in 0..10 {
        assert_passed(&sidecar.get("/close").by(alice).send_on(&mut connection), &bank);
    }
    // Half an answer is never made whole; how much of it still reaches the client is a race.
    connection.write(&sidecar.get("/half").by(alice).bytes());
    let half = connection.try_answer("GET");
    assert!(!matches!(&half, Ok(Some(answer)) if answer.status == 200), "{half:?}");
    assert_eq!(sidecar.event("backend_failed")["level"], "warn");
    bank.take();
    assert_passed(&sidecar.get("/a").by(alice).send(), &bank);
}

#[test]
fn payment_is_never_sent_twice() {
    let bank = Bank::start();
    let sidecar = Config::in_front_of(&bank).set("listen.threads", "1").start();
    let alice = &Pki::get().alice;

    for _ in 0..5 {
        // So that there is a connection to the bank which has been used before.
        assert_passed(&sidecar.get("/a").by(alice).send(), &bank);
        let answer = sidecar.post("/drop", "payment").by(alice).send();
        assert_refusal(&answer, "backend_unreachable");
        assert_eq!(bank.only().body, b"payment");
    }
}

#[test]
fn client_that_is_slow_or_idle_is_let_go() {
    let bank = Bank::start();
    let sidecar = Config::in_front_of(&bank)
        .set("listen.request_header_timeout", r#""300ms""#)
        .set("listen.idle_timeout", r#""300ms""#)
        .start();

    let mut silent = sidecar.connect();
    let mut slow = sidecar.connect();
    slow.write(b"GET /a HTTP/1.1\r\nHost: h\r\n");
    let mut idle = sidecar.connect();
    assert_passed(&sidecar.get("/a").by(&Pki::get().alice).send_on(&mut idle), &bank);

    assert!(idle.is_closed());
    assert!(silent.is_closed());
    let answer = slow.try_answer("GET").unwrap_or(None);
    assert!(answer.is_none_or(|answer| answer.status == 408));
    assert_eq!(bank.requests(), 0);
}

#[test]
fn old_client_is_served_and_let_go() {
    let bank = Bank::start();
    let sidecar = Config::in_front_of(&bank).route("path = \"/{*rest}\"\nrequire = []").start();
    let mut connection = sidecar.connect();

    connection.write(b"GET /a HTTP/1.0\r\nHost: h\r\nClient-Cert: forged\r\n\r\n");

    assert!(assert_passed(&connection.answer("GET"), &bank).identity().is_empty());
    assert!(connection.is_closed());
}

#[test]
fn request_that_names_no_host_goes_on_with_one() {
    let check = |request: &str, backend: Option<&Bank>, config: Config, expected: Option<&str>| {
        let sidecar = config.route("path = \"/{*rest}\"\nrequire = []").start();
        let mut connection = sidecar.connect();
        connection.write(request.as_bytes());
        assert_eq!(connection.answer("GET").status, 200, "{request:?}");
        if let Some(bank) = backend {
            assert_eq!(bank.only().fields.all("host"), [expected.unwrap_or(bank.address())], "{request:?}");
        }
    };
    let bank = Bank::start();
    let plain = || Config::in_front_of(&bank);
    check("GET /a HTTP/1.0\r\n\r\n", Some(&bank), plain(), None);
    check("GET /a HTTP/1.1\r\nHost:\r\n\r\n", Some(&bank), plain(), None);
    check("GET http://bank.example/a HTTP/1.0\r\n\r\n", Some(&bank), plain(), Some("bank.example"));
    let over_http2 = || Config::to(&http2::bank().to_string()).set("backend.http2", "true");
    check("GET /a HTTP/1.0\r\n\r\n", None, over_http2(), None);
    check("GET /a HTTP/1.1\r\nHost:\r\n\r\n", None, over_http2(), None);
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("bank.sock");
    let near = Bank::on_unix(&socket);
    check("GET /a HTTP/1.0\r\n\r\n", Some(&near), Config::in_front_of(&near), Some("localhost"));
}

#[test]
fn fields_of_the_connection_to_the_bank_end_there() {
    let bank = Bank::start();
    let sidecar = Sidecar::in_front_of(&bank);
    let alice = &Pki::get().alice;
    let over_http1 = sidecar.get("/hop").by(alice).send();
    let credentials = vec![
        ("ssl.client.auth.cert.x509", percent_pem(&alice.der)),
        ("authorization", format!("Bearer {}", alice.token())),
    ];
    let over_http2 = http2::send(sidecar.address(), None, &[Message::get("/hop", credentials)]).remove(0);

    for (answer, connection) in [(over_http1, Some("keep-alive")), (over_http2, None)] {
        assert_eq!((answer.status, answer.header("x-own")), (200, Some("2")), "{answer:?}");
        assert_eq!(answer.header("connection"), connection);
        for name in ["keep-alive", "te", "upgrade", "x-hop"] {
            assert_eq!(answer.header(name), None, "{name}");
        }
    }
}

#[test]
fn body_that_is_sent_again_counts_once() {
    let bank = Bank::start();
    let sidecar =
        Config::in_front_of(&bank).set("listen.threads", "1").set("backend.max_body_bytes", r#""60KiB""#).start();
    let alice = &Pki::get().alice;
    let body = "a".repeat(40 << 10);
    for _ in 0..10 {
        // So that there is a connection to the bank which has been used before.
        assert_passed(&sidecar.get("/a").by(alice).send(), &bank);
        let put = sidecar.request("PUT", "/drop-once").by(alice).body(body.as_str());
        assert_eq!(put.send().status, 200);
        let seen: Vec<_> = bank.take().iter().map(|seen| seen.body_length).collect();
        assert_eq!(seen, [body.len() as u64; 2]);
    }
}

/// Whatever ended them may be the request.
#[test]
fn request_that_ends_kept_connections_is_not_sent_again_on_each_of_them() {
    let bank = Bank::start();
    let sidecar = Config::in_front_of(&bank).set("listen.threads", "1").start();
    let alice = &Pki::get().alice;
    for (method, expected) in [("GET", 3), ("POST", 1)] {
        let mut waiting: Vec<_> = (0..8).map(|_| sidecar.connect()).collect();
        waiting.iter_mut().for_each(|connection| connection.write(&sidecar.get("/wait/1").by(alice).bytes()));
        bank.await_requests(8);
        bank.open();
        waiting.iter_mut().for_each(|connection| assert_eq!(connection.answer("GET").status, 200));
        bank.take();

        assert_refusal(&sidecar.request(method, "/drop").by(alice).send(), "backend_unreachable");
        assert_eq!(bank.take().len(), expected, "{method}");
    }
}

/// Many an API builds links of it, or takes it for a sign of safety.
#[test]
fn scheme_is_what_is_spoken_to_the_bank() {
    let sidecar = Config::to(&http2::bank().to_string()).set("backend.http2", "true");
    let sidecar = sidecar.route("path = \"/{*rest}\"\nrequire = []").start();
    let mut fields = frames::with_pseudo("GET", "/a", &[]);
    for scheme in ["http", "https", "ftp"] {
        fields[1].1 = scheme.as_bytes();
        let mut connection = Frames::connect(sidecar.address());
        connection.write(&frames::request(1, &fields, &[]));

        let told = String::from_utf8(connection.answer(1).unwrap().body).unwrap();
        assert_eq!(told, "GET /a , 0 certificate", "{scheme}");
    }
}

/// A load balancer's connection carries what many clients send.
#[test]
fn what_one_client_does_wrong_many_times_does_not_end_the_connection_for_others() {
    let bank = Bank::start();
    let sidecar = Config::in_front_of(&bank).route("path = \"/{*rest}\"\nrequire = []").start();
    let mut connection = Frames::connect(sidecar.address());
    let wrong = frames::with_pseudo("GET", "/a", &[(b"te", b"gzip")]);
    for stream in (1..600).step_by(2) {
        connection.write(&frames::request(stream, &wrong, &[]));
        assert!(connection.answer(stream).is_some_and(|answer| answer.reset), "{stream}");
    }

    connection.write(&frames::request(601, &frames::with_pseudo("GET", "/a", &[]), &[]));
    assert!(connection.answer(601).is_some_and(|answer| !answer.reset && !answer.body.is_empty()));
    assert_eq!(bank.requests(), 1);
}

#[test]
fn bank_may_speak_http2() {
    let sidecar = Config::to(&http2::bank().to_string()).set("backend.http2", "true").start();

    for _ in 0..2 {
        let answer = sidecar.post("/accounts?x=1", "hello").by(&Pki::get().alice).send();
        assert_eq!(answer.status, 200);
        assert_eq!(answer.body, b"POST /accounts?x=1 hello, 1 certificate");
    }
}

#[test]
fn old_client_gets_no_chunks_from_a_bank_of_http2() {
    let sidecar = Config::to(&http2::bank().to_string()).set("backend.http2", "true");
    let sidecar = sidecar.route("path = \"/{*rest}\"\nrequire = []").start();
    for wish in ["close", "keep-alive"] {
        let mut connection = sidecar.connect();
        connection.write(format!("GET /streamed HTTP/1.0\r\nHost: h\r\nConnection: {wish}\r\n\r\n").as_bytes());

        let (status, fields) = connection.head();

        assert_eq!(
            (status, fields.get("transfer-encoding"), fields.get("content-length")),
            (200, None, None),
            "{wish}"
        );
        assert_eq!(fields.get("connection"), Some("close"));
        let told = b"GET /streamed , 0 certificate";
        assert_eq!(connection.read(told.len()), told);
        assert!(connection.is_closed());
    }
}

#[test]
fn http2_comes_in_by_prior_knowledge_and_by_alpn() {
    let bank = Bank::start();
    let pki = Pki::get();
    let headers = || {
        vec![
            ("ssl.client.auth.cert.x509", percent_pem(&pki.alice.der)),
            ("authorization", format!("Bearer {}", pki.alice.token())),
        ]
    };
    let crumbs = || headers().into_iter().chain(["a=1", "b=2"].map(|crumb| ("cookie", crumb.to_owned()))).collect();
    let messages = || {
        [
            Message::get("/accounts?x=1", headers()),
            Message::get("/accounts", Vec::new()),
            Message { method: "POST", body: "hello", ..Message::get("/accounts", crumbs()) },
        ]
    };
    let plain = Config::in_front_of(&bank).start();
    let secure = Config::in_front_of(&bank).with_tls().start();
    for (sidecar, tls) in [(&plain, None), (&secure, Some(client_config(&pki.infrastructure, None)))] {
        let answers = http2::send(sidecar.address(), tls, &messages());

        assert_eq!(answers.iter().map(|answer| answer.status).collect::<Vec<_>>(), [200, 401, 200]);
        assert_refusal(&answers[1], "certificate_missing");
        let seen = bank.take();
        assert_eq!(seen.len(), 2);
        assert_eq!((seen[0].target.as_str(), seen[0].header("host")), ("/accounts?x=1", Some("api.bank.example")));
        assert_eq!(seen[0].identity().len(), 1);
        assert_eq!((&*seen[1].body, seen[1].fields.all("cookie")), (&b"hello"[..], vec!["a=1; b=2"]));
    }
}

#[test]
fn http2_can_be_switched_off() {
    let bank = Bank::start();
    let sidecar = Config::in_front_of(&bank).set("listen.http2", "false").start();
    let mut connection = sidecar.connect();

    connection.write(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0");
    let answer = connection.try_answer("PRI").unwrap_or(None);

    assert!(answer.is_none_or(|answer| answer.status >= 400));
    assert_eq!(bank.requests(), 0);
}

#[test]
fn client_that_waits_for_100_gets_it_from_the_bank() {
    let bank = Bank::start();
    let sidecar = Sidecar::in_front_of(&bank);
    let mut connection = sidecar.connect();

    let request = sidecar.request("POST", "/a").by(&Pki::get().alice);
    connection.write(&request.header("Expect", "100-continue").header("Content-Length", "5").bytes());
    assert_eq!(connection.head().0, 100);
    connection.write(b"hello");

    let answer = connection.answer("POST");
    assert_eq!(assert_passed(&answer, &bank).body, b"hello");
}

#[test]
fn websocket_passes_only_where_the_route_allows_it() {
    let bank = Bank::start();
    let sidecar = Config::in_front_of(&bank)
        .route("path = \"/socket\"\nupgrade = [\"websocket\"]")
        .route("path = \"/socket/{*rest}\"\nupgrade = [\"websocket\"]")
        .route("path = \"/{*rest}\"")
        .start();
    let alice = &Pki::get().alice;
    let ask = |path| {
        sidecar
            .get(path)
            .header("Connection", "Upgrade")
            .header("Upgrade", "websocket")
            .header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
            .header("Sec-WebSocket-Version", "13")
    };

    let mut connection = sidecar.connect();
    connection.write(&ask("/socket").by(alice).bytes());
    let (status, fields) = connection.head();
    assert_eq!((status, fields.get("upgrade")), (101, Some("websocket")));
    for words in [&b"hello"[..], b"\x81\x05again", b"GET /x HTTP/1.1\r\n\r\n"] {
        connection.write(words);
        assert_eq!(connection.read(words.len()), words);
    }
    assert_eq!(bank.only().target, "/socket");

    let hop = sidecar.get("/socket").header("Upgrade", "websocket").header("Connection", "keep-alive");
    assert_eq!(assert_passed(&hop.by(alice).send(), &bank).header("upgrade"), None, "the hop before wants no tunnel");
    let other = sidecar.get("/socket/101").header("Connection", "Upgrade").header("Upgrade", "websocket");
    let answer = other.by(alice).send();
    assert_eq!((answer.status, &*answer.code()), (502, "backend_unreachable"), "the bank changes to something else");
    bank.take();
    assert_refused(&ask("/socket").send(), "certificate_missing", &bank);
    assert_eq!(assert_passed(&ask("/plain").by(alice).send(), &bank).header("upgrade"), None);
    // Bytes sent before the bank has agreed would be a request of their own to a bank that does not.
    let early =
        [ask("/plain").by(alice).header("Connection", "close").bytes(), b"GET /smuggled HTTP/1.1\r\n\r\n".to_vec()];
    let mut connection = sidecar.connect();
    connection.write(&early.concat());
    assert_eq!(connection.answer("GET").status, 200);
    assert!(connection.is_closed());
    assert_eq!(bank.only().target, "/plain");
}

#[test]
fn bank_may_stand_behind_tls() {
    let pki = Pki::get();
    let identity = pki.infrastructure.server(&["bank.internal"]);
    let bank = Bank::over_tls(server_config(&identity, None));
    let certbound = pki.infrastructure.server(&["certbound.internal"]);
    let tls = |name: &str, ca: &str| format!("{{ server_name = {name:?}, ca_file = {ca:?} }}");
    let config = Config::in_front_of(&bank)
        .file("ca.pem", crate::support::pki::pem(&pki.infrastructure.der))
        .file("other.pem", crate::support::pki::pem(&pki.foreign.der))
        .file("client.pem", certbound.pem())
        .file("client.key", certbound.key_pem());

    let sidecar = config.clone().set("backend.tls", &tls("bank.internal", "ca.pem")).start();
    assert_passed(&sidecar.get("/a").by(&pki.alice).send(), &bank);
    for wrong in [tls("bank.internal", "other.pem"), tls("other.internal", "ca.pem")] {
        let sidecar = config.clone().set("backend.tls", &wrong).start();
        assert_refused(&sidecar.get("/a").by(&pki.alice).send(), "backend_unreachable", &bank);
    }

    let closed = Bank::over_tls(server_config(&identity, Some(&pki.infrastructure)));
    let own = r#"{ server_name = "bank.internal", ca_file = "ca.pem", certificate_file = "client.pem", private_key_file = "client.key" }"#;
    let address = format!("{:?}", closed.address());
    let sidecar = config.set("backend.address", &address).set("backend.tls", own).start();
    assert_passed(&sidecar.get("/a").by(&pki.alice).send(), &closed);
}

#[test]
fn bank_may_stand_behind_a_unix_socket() {
    let folder = tempfile::tempdir().unwrap();
    let bank = Bank::on_unix(&folder.path().join("bank.sock"));
    let sidecar = Sidecar::in_front_of(&bank);

    for _ in 0..2 {
        assert_passed(&sidecar.get("/a").by(&Pki::get().alice).send(), &bank);
    }
}

#[test]
fn bank_that_is_not_there_or_does_not_answer_is_named_so() {
    let bank = Bank::start();
    let alice = &Pki::get().alice;
    let sidecar = Config::to(&Bank::closed().to_string()).start();
    assert_refused(&sidecar.get("/a").by(alice).send(), "backend_unreachable", &bank);
    assert_refused(&sidecar.post("/a", "body").by(alice).send(), "backend_unreachable", &bank);

    let sidecar = Config::in_front_of(&bank).set("backend.response_timeout", r#""300ms""#).start();
    let mut connection = sidecar.connect();
    assert_refusal(&sidecar.get("/hang").by(alice).send_on(&mut connection), "backend_timeout");
    assert_eq!(bank.take().len(), 1, "a request that may have done something is not sent twice");
    assert_refusal(&sidecar.post("/hang", "body").by(alice).send(), "backend_timeout");
    assert_eq!(bank.take().len(), 1);
    assert_passed(&sidecar.get("/a").by(alice).send(), &bank);
}

#[test]
fn body_over_the_limit_is_refused() {
    let bank = Bank::start();
    let sidecar = Config::in_front_of(&bank).set("backend.max_body_bytes", r#""1KiB""#).start();
    let alice = &Pki::get().alice;

    assert_passed(&sidecar.post("/a", &"x".repeat(1024)).by(alice).send(), &bank);
    assert_refused(&sidecar.post("/a", &"x".repeat(1025)).by(alice).send(), "body_too_large", &bank);

    let head = sidecar.request("POST", "/a").by(alice).header("Transfer-Encoding", "chunked");
    let chunks = format!("400\r\n{0}\r\n400\r\n{0}\r\n0\r\n\r\n", "x".repeat(1024));
    let mut connection = sidecar.connect();
    connection.write(&[head.bytes(), chunks.into_bytes()].concat());
    assert_refusal(&connection.answer("POST"), "body_too_large");
    assert!(bank.take().iter().all(|seen| seen.body_length <= 1024));
}

#[test]
fn requests_at_once_do_not_meet() {
    let bank = Bank::start();
    let sidecar = Sidecar::in_front_of(&bank);
    let Pki { alice, mallory, .. } = Pki::get();
    let barrier = Barrier::new(8);

    std::thread::scope(|scope| {
        for number in 0..8 {
            let (sidecar, barrier) = (&sidecar, &barrier);
            scope.spawn(move || {
                let mut connection = sidecar.connect();
                barrier.wait();
                for _ in 0..25 {
                    let (shown, token, status) =
                        if number % 2 == 0 { (alice, alice.token(), 200) } else { (mallory, alice.token(), 401) };
                    let answer = sidecar.get("/a").showing(shown).bearing(token).send_on(&mut connection);
                    assert_eq!(answer.status, status);
                }
            });
        }
    });

    let seen = bank.take();
    assert_eq!(seen.len(), 100);
    let hers = [("ssl.client.auth.cert.x509".to_owned(), percent_pem(&alice.der))];
    assert!(seen.iter().all(|seen| seen.identity() == hers));
}
