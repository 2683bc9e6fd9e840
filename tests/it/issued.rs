//! `check_issued`: the tokens of a token endpoint are looked at before the client gets them.

use serde_json::json;

use crate::{
    http2::{self, Message},
    support::{bank::Bank, config::Config, connection::Answer, forms, pki::Pki, sidecar::Sidecar, token::Token},
};

/// The authorization server stands where the bank usually does, and issues what the request's body says.
fn checking(server: &Bank) -> Config {
    Config::in_front_of(server).route("path = \"/{*rest}\"\nkind = \"token\"\ncheck_issued = true")
}

/// An answer of a token endpoint, with white space of its own.
fn issuing(token: &str) -> String {
    format!("{{ \"access_token\" :\t\"{token}\",\n\"token_type\":\"Bearer\", \"expires_in\" : 300 }}\n")
}

fn ask(sidecar: &Sidecar, target: &str, body: &str) -> Answer {
    sidecar.post(target, body).showing(&Pki::get().alice).header("Authorization", "Basic dHBwLTE6c2VjcmV0").send()
}

#[track_caller]
fn assert_unchanged(answer: &Answer, status: u16, body: &str, server: &Bank) {
    assert_eq!((answer.status, String::from_utf8_lossy(&answer.body).as_ref()), (status, body));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("content-type"), Some("application/json;charset=UTF-8"));
    assert_eq!(answer.header("content-length"), Some(&*body.len().to_string()));
    let seen = server.only();
    assert_eq!(seen.body, body.as_bytes());
    assert_eq!(seen.header("x-fapi-interaction-id"), answer.header("x-fapi-interaction-id"));
}

fn counted(sidecar: &Sidecar, result: &str, count: usize) {
    let line = format!("certbound_issued_tokens_total{{result=\"{result}\"}} {count}");
    sidecar.await_metrics(|page| page.lines().any(|found| found == line));
}

#[test]
fn bound_token_reaches_its_client_unchanged() {
    let server = Bank::start();
    let sidecar = checking(&server).start();
    let alice = &Pki::get().alice;
    let body = issuing(&Token::of(alice).sign());

    let request = sidecar.post("/say/200?a=b", &body).showing(alice).header("X-SSL-Client-Cert", "forged");
    let request = request.header("Accept-Encoding", "gzip").header("TE", "trailers").header("Connection", "TE");
    let answer = request.header("Authorization", "Basic dHBwLTE6c2VjcmV0").send();

    assert_eq!((answer.status, answer.body.as_slice()), (200, body.as_bytes()));
    let seen = server.only();
    assert_eq!((seen.method.as_str(), seen.target.as_str()), ("POST", "/say/200?a=b"));
    assert_eq!(seen.identity(), [("ssl.client.auth.cert.x509".to_owned(), forms::percent_pem(&alice.der))]);
    assert_eq!(seen.header("authorization"), Some("Basic dHBwLTE6c2VjcmV0"));
    assert_eq!(seen.header("host"), Some("api.bank.example"));
    assert_eq!(seen.header("accept-encoding"), Some("identity"));
    for gone in ["te", "connection", "transfer-encoding"] {
        assert_eq!(seen.header(gone), None, "{gone}");
    }
    counted(&sidecar, "bound", 1);
    assert_eq!(sidecar.audit(1)[0]["decision"], "allow");
}

#[test]
fn token_that_is_not_bound_to_its_client_never_reaches_it() {
    let server = Bank::start();
    let config = Config::in_front_of(&server)
        .route("path = \"/say/{Status}\"\nkind = \"token\"\ncheck_issued = true\nerrors = \"problem+json\"");
    let sidecar = config.start();
    for (token, result) in [(Token::unbound(), "unbound"), (Token::of(&Pki::get().mallory), "mismatched")] {
        let token = token.sign();

        let answer = ask(&sidecar, "/say/200", &issuing(&token));

        assert_eq!((answer.status, answer.code().as_str()), (502, "binding_missing"));
        assert_eq!(answer.json()["status"], 502);
        assert!(!String::from_utf8_lossy(&answer.body).contains(&token[..20]));
        assert_eq!(answer.header("www-authenticate"), None, "no other credentials would help");
        assert_eq!(server.requests(), 1, "it was asked once");
        server.take();
        counted(&sidecar, result, 1);
        assert_eq!(sidecar.event("issued_token_not_bound")["level"], "warn");
    }
    for line in sidecar.audit(2) {
        assert_eq!((&line["decision"], &line["reason"]), (&json!("deny"), &json!("binding_missing")));
        assert_eq!(line["status"], 502);
        assert!(line["backend_us"].is_u64(), "the server was asked: {line}");
    }
    assert_eq!(sidecar.events("issued_token_not_bound", 2)[1]["result"], "mismatched");
}

#[test]
fn fault_is_told_as_oauth_tells_it() {
    let server = Bank::start();
    let sidecar = checking(&server).start();

    let answer = ask(&sidecar, "/say/200", &issuing(&Token::unbound().sign()));

    assert_eq!((answer.status, &answer.json()["error"]), (502, &json!("temporarily_unavailable")));
}

#[test]
fn what_is_no_jwt_and_no_success_passes_unchanged() {
    let server = Bank::start();
    let sidecar = checking(&server).start();
    let unbound = issuing(&Token::unbound().sign());
    for (status, body) in [
        (200, issuing("2YotnFZFEjr1zCsicMWpAA").as_str()),
        (200, "{ \"active\" : false }"),
        (200, "<html>no JSON</html>"),
        (400, "{ \"error\":\"invalid_grant\" }\n"),
        (401, unbound.as_str()),
        (302, unbound.as_str()),
    ] {
        let answer = ask(&sidecar, &format!("/say/{status}"), body);

        assert_unchanged(&answer, status, body, &server);
    }
    counted(&sidecar, "opaque", 2);
    counted(&sidecar, "unbound", 0);
}

#[test]
fn token_is_looked_at_whatever_the_status_of_its_success_is() {
    let server = Bank::start();
    let sidecar = checking(&server).start();
    let unbound = issuing(&Token::unbound().sign());
    for status in [200, 201, 203, 206, 299] {
        assert_eq!(ask(&sidecar, &format!("/say/{status}"), &unbound).status, 502, "{status}");
    }
    counted(&sidecar, "unbound", 5);
    let nothing = sidecar.post("/status/204", "").showing(&Pki::get().alice).send();
    assert_eq!(nothing.status, 204);
    counted(&sidecar, "opaque", 0);
}

#[test]
fn answer_in_a_coding_that_nobody_asked_for_is_not_passed_over() {
    let server = Bank::start();
    let sidecar = checking(&server).start();
    let bound = issuing(&Token::of(&Pki::get().alice).sign());
    for (coding, status) in [("gzip", 502), ("identity,br", 502), ("x", 502), ("Identity", 200)] {
        let answer = ask(&sidecar, &format!("/coded/{coding}"), &bound);
        assert_eq!(answer.status, status, "{coding}");
    }
    counted(&sidecar, "mismatched", 3);
    counted(&sidecar, "bound", 1);
}

#[test]
fn client_of_http1_gets_the_answer_of_a_server_of_http2() {
    let sidecar = Config::to(&http2::bank().to_string())
        .set("backend.http2", "true")
        .route("path = \"/{*rest}\"\nkind = \"token\"\ncheck_issued = true")
        .start();
    let mut connection = sidecar.connect();

    for _ in 0..2 {
        let answer = sidecar.post("/token", "a=b").showing(&Pki::get().alice).send_on(&mut connection);
        // Pingora's client says https there, whatever is spoken.
        assert_eq!((answer.status, answer.body.as_slice()), (200, &b"POST /token a=b, 1 certificate, by https"[..]));
        assert_eq!(answer.header("content-length"), Some("40"));
    }
    assert_eq!(sidecar.audit(2)[0]["status"], 200);
}

#[test]
fn fields_of_the_connection_to_the_server_end_there() {
    let server = Bank::start();
    let sidecar = checking(&server).start();

    let answer = ask(&sidecar, "/hop", "a=b");

    assert_eq!((answer.status, answer.header("x-own")), (200, Some("2")));
    assert_eq!(answer.header("connection"), Some("keep-alive"));
    for name in ["keep-alive", "te", "upgrade", "x-hop"] {
        assert_eq!(answer.header(name), None, "{name}");
    }
}

#[test]
fn chunks_and_kept_connections_make_no_difference() {
    let server = Bank::start();
    let sidecar = checking(&server).start();
    let alice = &Pki::get().alice;
    let body = issuing(&Token::of(alice).sign());
    let (first, rest) = body.split_at(10);
    let chunked = format!("{:x}\r\n{first}\r\n{:x}\r\n{rest}\r\n0\r\n\r\n", first.len(), rest.len());
    let mut connection = sidecar.connect();

    for target in ["/echo", "/say/200"] {
        let request = sidecar.request("POST", target).showing(alice).header("Transfer-Encoding", "chunked");
        connection.write(&[request.bytes(), chunked.clone().into_bytes()].concat());
        let answer = connection.answer("POST");

        assert_eq!((answer.status, answer.body.as_slice()), (200, body.as_bytes()), "{target}");
        assert_eq!(server.only().header("content-length"), Some(&*body.len().to_string()));
    }
    let waiting = sidecar.post("/say/200", &body).showing(alice).header("Expect", "100-continue");
    let head = waiting.bytes();
    connection.write(&head[..head.len() - body.len()]);
    assert_eq!(connection.head().0, 100);
    connection.write(body.as_bytes());
    assert_eq!(connection.answer("POST").body, body.as_bytes());
    assert_eq!(server.only().header("expect"), None);
}

#[test]
fn client_of_http2_gets_its_token_too() {
    let server = Bank::start();
    let sidecar = checking(&server).start();
    let alice = &Pki::get().alice;
    let ask = |body| Message {
        method: "POST",
        target: "/say/200",
        headers: vec![("ssl.client.auth.cert.X509", forms::percent_pem(&alice.der))],
        body,
        trailers: Vec::new(),
    };
    let (bound, unbound) = (issuing(&Token::of(alice).sign()), issuing(&Token::unbound().sign()));

    let answers = http2::send(sidecar.address(), None, &[ask(&bound), ask(&unbound)]);

    assert_eq!(answers.iter().map(|answer| answer.status).collect::<Vec<_>>(), [200, 502]);
    assert_eq!(answers[0].body, bound.as_bytes());
    assert!(server.take().iter().all(|seen| seen.header("host").is_some_and(|host| !host.is_empty())));
}

#[test]
fn server_on_a_socket_is_asked_as_well() {
    let folder = tempfile::tempdir().unwrap();
    let server = Bank::on_unix(&folder.path().join("as.sock"));
    let sidecar = checking(&server).start();
    let body = issuing(&Token::of(&Pki::get().alice).sign());

    assert_unchanged(&ask(&sidecar, "/say/200", &body), 200, &body, &server);
}

#[test]
fn server_that_does_not_answer_well_is_a_bad_gateway() {
    let server = Bank::start();
    let config = Config::in_front_of(&server).set("backend.response_timeout", r#""300ms""#);
    let route = "path = \"/{*rest}\"\nkind = \"token\"\ncheck_issued = true\nerrors = \"problem+json\"";
    let sidecar = config.route(route).start();
    let nobody = Config::to(&Bank::closed().to_string()).route(route).start();

    for (target, status, code) in [
        ("/drop", 502, "backend_unreachable"),
        ("/half", 502, "backend_unreachable"),
        ("/large/70000", 502, "backend_unreachable"),
        ("/hang", 504, "backend_timeout"),
    ] {
        let answer = ask(&sidecar, target, "grant_type=client_credentials");
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{target}");
        assert_eq!(server.take().len(), 1, "{target} is not asked for again");
        assert_eq!(sidecar.event("backend_failed")["level"], "warn");
    }
    let answer = ask(&nobody, "/token", "grant_type=client_credentials");
    assert_eq!((answer.status, answer.code().as_str()), (502, "backend_unreachable"));
    assert_eq!(nobody.audit(1)[0]["reason"], "backend_unreachable");
    let another = Config::in_front_of(&server).route(route).start();
    ask(&another, "/large/70000", "grant_type=client_credentials");
    let why = "its answer is over 64 KiB, and check_issued has to look at it";
    assert_eq!(another.event("backend_failed")["reason"], why);
}

#[test]
fn request_that_is_too_large_or_shows_no_certificate_is_not_passed_on() {
    let server = Bank::start();
    let sidecar = checking(&server).start();

    assert_eq!(ask(&sidecar, "/say/200", &"a".repeat(64 * 1024 + 1)).status, 413);
    assert_eq!(sidecar.post("/say/200", "a=b").send().status, 401);

    assert_eq!(server.requests(), 0);
    let mut reasons: Vec<_> = sidecar.audit(2).iter().map(|line| line["reason"].to_string()).collect();
    reasons.sort();
    assert_eq!(reasons, ["\"body_too_large\"", "\"certificate_missing\""]);
}

#[test]
fn report_mode_passes_the_token_on_and_says_what_is_wrong_with_it() {
    let server = Bank::start();
    let sidecar = checking(&server).set("mode", r#""report""#).start();
    let body = issuing(&Token::unbound().sign());

    assert_unchanged(&ask(&sidecar, "/say/200", &body), 200, &body, &server);
    assert_eq!(sidecar.post("/say/200", &body).send().status, 200);

    counted(&sidecar, "unbound", 1);
    let mut audit: Vec<_> =
        sidecar.audit(2).iter().map(|line| format!("{} {}", line["decision"], line["reason"])).collect();
    audit.sort();
    assert_eq!(audit, [r#""would_deny" "binding_missing""#, r#""would_deny" "certificate_missing""#]);
}
