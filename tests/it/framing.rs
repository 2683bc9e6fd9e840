//! A request that two parties could read in two ways goes no further.

use crate::{
    http2::{self, Message},
    support::{bank::Bank, config::Config, pki::Pki, sidecar::Sidecar},
    verdict::{assert_passed, assert_refused},
};

#[test]
fn body_without_one_sure_end_is_refused_and_the_connection_ends() {
    let bank = Bank::start();
    let sidecar = Config::in_front_of(&bank).route("path = \"/{*rest}\"\nrequire = []").start();

    for fields in [
        "Transfer-Encoding: gzip",
        "Transfer-Encoding: gzip, chunked",
        "Transfer-Encoding: chunked, chunked",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
        "Transfer-Encoding: xchunked",
        "Transfer-Encoding : chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 5",
        "Content-Length: 5\r\nTransfer-Encoding: chunked",
        "Content-Length: 2\r\nContent-Length: 40",
        "Content-Length: 5\r\nContent-Length: 5",
        "Content-Length: 5, 5",
        "Content-Length: 2, 40",
        "Content-Length: -1",
        "Content-Length: +1",
        "Content-Length: 0x1",
    ] {
        let request = format!("POST /a HTTP/1.1\r\nHost: h\r\n{fields}\r\n\r\n0\r\n\r\n");
        assert_malformed(&sidecar, &request, true);
        assert_eq!(bank.requests(), 0, "{request:?}");
    }
    assert_malformed(&sidecar, "POST /a HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", true);
    assert_eq!(bank.requests(), 0);
}

#[test]
fn malformed_head_is_refused() {
    let bank = Bank::start();
    let sidecar = Config::in_front_of(&bank).route("path = \"/{*rest}\"\nrequire = []").start();

    for request in [
        "GET /a HTTP/1.1\r\n\r\n",
        "GET /a HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n",
        "GET /a HTTP/1.1\r\nHost: h\r\nHost: other\r\n\r\n",
        "GET /a HTTP/1.1\nHost: h\n\n",
        "GET /a HTTP/1.1\r\nHost: h\nX-A: 1\r\n\r\n",
        "GET /a HTTP/1.1\r\nHost: h\r\nX-A: 1\r\n folded\r\n\r\n",
        "GET /a HTTP/1.1\r\nHost: h\r\nX-A: 1\r\n\tfolded\r\n\r\n",
        "GET /a HTTP/1.1\r\nHost: h\r\nX A: 1\r\n\r\n",
        "GET /a HTTP/1.1\r\nHost: h\r\nX-A : 1\r\n\r\n",
        "GET /a HTTP/1.1\r\nHost: h\r\nX-A\r\n\r\n",
        "GET /a HTTP/1.1\r\nHost: h\r\nX-A: a\0b\r\n\r\n",
        "GET /a HTTP/1.1\r\nHost: h\r\nX-A: a\rb\r\n\r\n",
        "GET /a b HTTP/1.1\r\nHost: h\r\n\r\n",
        "GET /a\x01 HTTP/1.1\r\nHost: h\r\n\r\n",
        "GET /a\x7f HTTP/1.1\r\nHost: h\r\n\r\n",
        "GET /a?b\r HTTP/1.1\r\nHost: h\r\n\r\n",
        "GET /a?b\rc HTTP/1.1\r\nHost: h\r\n\r\n",
        "GET /a#fragment HTTP/1.1\r\nHost: h\r\n\r\n",
        "GET http://user@h/a HTTP/1.1\r\nHost: h\r\n\r\n",
        "GET http://other/a HTTP/1.1\r\nHost: h\r\n\r\n",
        "GET a HTTP/1.1\r\nHost: h\r\n\r\n",
        "G(ET /a HTTP/1.1\r\nHost: h\r\n\r\n",
        "GET /a HTTP/1.1\r\nHost: a, b\r\n\r\n",
        "GET /a HTTP/1.1\r\nHost: a/b\r\n\r\n",
        "GET /a?\"b\" HTTP/1.1\r\nHost: h\r\n\r\n",
    ] {
        assert_malformed(&sidecar, request, false);
        assert_eq!(bank.requests(), 0, "{request:?}");
    }
}

/// Whoever finds it out, Pingora or certbound: the answer is certbound's.
#[track_caller]
fn assert_malformed(sidecar: &Sidecar, request: &str, closes: bool) {
    let mut connection = sidecar.connect();
    connection.write(request.as_bytes());
    if closes {
        // Had certbound seen another end of the body than this, the next line were part of some request.
        connection.try_write(b"GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n").ok();
    }
    let answer = connection.try_answer("GET").unwrap_or(None);
    let answer = answer.unwrap_or_else(|| panic!("no answer to {request:?}"));
    assert_eq!((answer.status, &*answer.code()), (400, "request_malformed"), "{request:?}");
    let interaction = answer.header("x-fapi-interaction-id").unwrap();
    assert_eq!(sidecar.audit_of(interaction)["reason"], "request_malformed", "{request:?}");
    assert!(!closes || connection.is_closed(), "the connection goes on after {request:?}");
}

#[test]
fn refused_body_whose_end_is_not_found_ends_the_connection() {
    let bank = Bank::start();
    let sidecar = Config::in_front_of(&bank).route("path = \"/accounts\"").start();
    let good = sidecar.get("/accounts").by(&Pki::get().alice).bytes();
    let long = |start: &str, letters: usize| [start.as_bytes(), "a".repeat(letters).as_bytes()].concat();

    for body in [
        b"zz\r\n".to_vec(),
        b"2\nab\n0\n\n".to_vec(),
        b"1\r\nab\r\n0\r\n\r\n".to_vec(),
        b"0\r\nr\n".to_vec(),
        long("2;a=", 9000),
        long("0\r\nX: ", 66_000),
        // A long trailer field with a request in it: Pingora forgets the trailer, and would go on in the middle.
        [long("0\r\nX: ", 69_548), good.clone()].concat(),
        [long("0\r\nX: ", 100_000), good.clone()].concat(),
    ] {
        let mut connection = sidecar.connect();
        connection.write(b"POST /nowhere HTTP/1.1\r\nHost: api.bank.example\r\nTransfer-Encoding: chunked\r\n\r\n");
        connection.write(&body);
        let shown = body.escape_ascii().to_string();
        let shown = &shown[..shown.len().min(40)];

        let answer = connection.answer("POST");
        assert_eq!((answer.status, answer.header("connection")), (404, Some("close")), "{shown}");
        connection.try_write(&good).ok();

        assert!(connection.is_closed(), "the connection goes on after {shown}");
        assert_eq!(bank.requests(), 0, "{shown}");
    }
}

#[test]
fn client_of_http_1_0_is_told_nothing_before_its_answer() {
    let bank = Bank::start();
    let config = Config::in_front_of(&bank)
        .set("registration.directory_jwks", r#""keys.json""#)
        .route("path = \"/register\"\nkind = \"registration\"\nmethods = [\"POST\"]")
        .route("path = \"/{*rest}\"");
    let sidecar = config.start();

    for (target, status) in [("/accounts", 200), ("/register", 400)] {
        let request = sidecar.post(target, "body").by(&Pki::get().alice).header("Expect", "100-continue");
        let request = String::from_utf8(request.header("Connection", "keep-alive").bytes()).unwrap();
        let mut connection = sidecar.connect();
        for _ in 0..2 {
            connection.write(request.replacen("HTTP/1.1", "HTTP/1.0", 1).as_bytes());

            let (first, fields) = connection.head();

            assert_eq!(first, status, "{target}");
            connection.skip(fields.get("content-length").unwrap().parse().unwrap());
        }
    }
    assert!(bank.take().iter().all(|seen| seen.body == b"body" && seen.header("expect").is_none()));
}

#[test]
fn client_of_http_1_0_gets_a_body_without_chunks() {
    let bank = Bank::start();
    let sidecar = Sidecar::in_front_of(&bank);
    let request = sidecar.post("/echo", "a body").by(&Pki::get().alice).header("Connection", "keep-alive");
    let mut connection = sidecar.connect();
    connection.write(String::from_utf8(request.bytes()).unwrap().replacen("HTTP/1.1", "HTTP/1.0", 1).as_bytes());

    let answer = connection.answer("POST");

    assert_eq!((answer.status, answer.body.as_slice()), (200, b"a body".as_slice()));
    assert_eq!((answer.header("transfer-encoding"), answer.header("connection")), (None, Some("close")));
    assert!(connection.is_closed());
}

#[test]
fn connection_ends_with_the_request_that_says_so_in_whatever_line() {
    let bank = Bank::start();
    let sidecar = Sidecar::in_front_of(&bank);
    let alice = &Pki::get().alice;

    for options in [&["close"][..], &["Close, keep-alive"], &["keep-alive, CLOSE"], &["keep-alive", "close"]] {
        for (request, status) in [(sidecar.get("/a").by(alice), 200), (sidecar.get("/a"), 401)] {
            let request = options.iter().fold(request, |request, option| request.header("Connection", option));
            let mut connection = sidecar.connect();

            let answer = request.send_on(&mut connection);

            assert_eq!((answer.status, answer.header("connection")), (status, Some("close")), "{options:?}");
            assert!(connection.is_closed(), "the connection goes on after {options:?}");
        }
    }
}

#[test]
fn request_over_http2_is_held_to_the_same_form() {
    let bank = Bank::start();
    let sidecar = Config::in_front_of(&bank).route("path = \"/{*rest}\"\nrequire = []").start();

    for path in ["/a/../b", "//a", "/a;b", "/a%2fb", "/%2e%2e/a", "/a%00", "/%61"] {
        let answer = http2::send(sidecar.address(), None, &[Message::get(path, Vec::new())]).remove(0);
        assert_refused(&answer, "path_ambiguous", &bank);
    }
    for headers in [
        vec![("host", "other.example".to_owned())],
        vec![("host", "api.bank.example".to_owned()), ("host", "other.example".to_owned())],
    ] {
        let answer = http2::send(sidecar.address(), None, &[Message::get("/a", headers)]).remove(0);
        assert!(answer.status == 400 && bank.requests() == 0, "{answer:?}");
    }
    let trace = Message { method: "TRACE", ..Message::get("/a", Vec::new()) };
    assert_refused(&http2::send(sidecar.address(), None, &[trace])[0], "method_not_allowed", &bank);
}

#[test]
fn ambiguous_path_is_refused_before_a_route_is_looked_for() {
    let bank = Bank::start();
    let sidecar = Config::in_front_of(&bank).route("path = \"/accounts/{Id}\"\nrequire = []").start();

    for path in [
        "//accounts/1",
        "/accounts//1",
        "/accounts/1//",
        "/accounts/./1",
        "/accounts/../accounts/1",
        "/accounts/..",
        "/accounts/.",
        "/accounts/1;v=1",
        "/accounts;x/1",
        "/accounts/1\\2",
        "/accounts%2F1",
        "/accounts%2f1",
        "/accounts/1%5C2",
        "/accounts/%2e%2e/1",
        "/accounts/%2E/1",
        "/accounts/.%2e/1",
        "/accounts/1%00",
        "/accounts/1%",
        "/accounts/1%2",
        "/accounts/1%zz",
        "/accounts/%61",
        "/accounts/%7E",
        "/accounts/%252F",
        "/accounts/1%25",
        "/nowhere/%2e%2e/",
    ] {
        assert_refused(&sidecar.get(path).send(), "path_ambiguous", &bank);
    }
    for path in ["/accounts/1", "/accounts/a%20b", "/accounts/%C3%A9", "/accounts/a.b", "/accounts/1?x=//..;%2e%zz"] {
        assert_eq!(assert_passed(&sidecar.get(path).send(), &bank).target, path);
    }
}

#[test]
fn absolute_form_is_rewritten_to_origin_form() {
    let bank = Bank::start();
    let sidecar = Sidecar::in_front_of(&bank);

    let request = sidecar.get("http://api.bank.example/accounts?x=1").by(&Pki::get().alice);
    let seen = assert_passed(&request.send(), &bank);

    assert_eq!(seen.target, "/accounts?x=1");
    assert_eq!(seen.fields.all("host"), ["api.bank.example"]);
}

#[test]
fn trace_and_connect_are_never_allowed() {
    let bank = Bank::start();
    let sidecar = Config::in_front_of(&bank).route("path = \"/{*rest}\"\nrequire = []").start();

    let trace = sidecar.request("TRACE", "/accounts").send();
    assert_refused(&trace, "method_not_allowed", &bank);
    let connect = sidecar.request("CONNECT", "api.bank.example:443").send();
    assert_refused(&connect, "method_not_allowed", &bank);
    assert_eq!(connect.header("allow"), trace.header("allow"));
}

#[test]
fn upgrade_that_the_route_does_not_allow_is_dropped_and_the_request_goes_on_plainly() {
    let bank = Bank::start();
    let sidecar = Sidecar::in_front_of(&bank);

    for upgrade in ["websocket", "h2c", "TLS/1.0"] {
        let request = sidecar.get("/a").by(&Pki::get().alice);
        let seen = assert_passed(&request.header("Connection", "Upgrade").header("Upgrade", upgrade).send(), &bank);
        assert_eq!(seen.header("upgrade"), None);
        assert_eq!(seen.identity().len(), 1);
    }
}
