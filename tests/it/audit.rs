//! One line a decision, complete, and without anything that is nobody's business.

use std::{collections::BTreeSet, time::Instant};

use serde_json::Value;

use crate::{
    support::{
        bank::Bank,
        config::Config,
        forms::{base64_der, percent_pem},
        frames::{self, Frames, RESET, frame},
        pki::Pki,
        sidecar::DEADLINE,
        token::{ISSUER, Token},
    },
    verdict::{assert_passed, assert_refused},
};

const ID: &str = "4f1c2b3a-9d8e-4c7b-a6f5-0123456789ab";

#[test]
fn line_of_a_permit_names_everyone_concerned() {
    let bank = Bank::start();
    let sidecar = Config::in_front_of(&bank).route("path = \"/accounts/{AccountId}\"").start();
    let alice = &Pki::get().alice;

    let request = sidecar.get("/accounts/DE89370400?from=2026").by(alice).header("x-fapi-interaction-id", ID);
    assert_passed(&request.send(), &bank);

    let line = sidecar.audit(1).remove(0);
    assert_eq!(keys(&line), BTreeSet::from(MEMBERS));
    for (member, value) in [
        ("interaction_id", ID.into()),
        ("peer", "127.0.0.1".into()),
        ("peer_trusted", true.into()),
        ("method", "GET".into()),
        ("route", "/accounts/{AccountId}".into()),
        ("status", 200.into()),
        ("mode", "enforce".into()),
        ("decision", "allow".into()),
        ("reason", Value::Null),
        ("consent_id", Value::Null),
    ] {
        assert_eq!(line[member], value, "{member}");
    }
    let certificate = &line["certificate"];
    assert_eq!(certificate["thumbprint"], alice.thumbprint());
    assert_eq!(certificate["issuer"], "CN=TPP Issuing CA");
    assert_eq!(certificate["organization_identifier"], "PSDDE-BAFIN-123456");
    assert!(certificate["serial"].as_str().is_some_and(|serial| serial.bytes().all(|byte| byte.is_ascii_hexdigit())));
    assert!(is_rfc3339(&certificate["not_after"]), "{certificate}");
    let token = &line["token"];
    for (member, value) in [("kind", "jwt"), ("issuer", ISSUER), ("client_id", "tpp-1"), ("scope", "accounts payments")]
    {
        assert_eq!(token[member], value, "{member}");
    }
    assert_eq!(token["bound"], true);
    assert_eq!(token["jti_sha256"].as_str().map(str::len), Some(43));
    assert!(is_rfc3339(&token["expires"]), "{token}");
    assert!(is_rfc3339(&line["time"]) && line["time"].as_str().unwrap().len() == "2026-11-22T07:00:00.123456Z".len());
    assert_eq!(&line["event_id"].as_str().unwrap()[14..15], "7");
    assert!(line["duration_us"].as_u64().is_some() && line["backend_us"].as_u64().is_some());
    assert!(line["config"].as_str().is_some_and(|config| !config.is_empty()));
}

fn keys(value: &Value) -> BTreeSet<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

fn is_rfc3339(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.len() >= 20 && text.as_bytes()[10] == b'T' && text.ends_with('Z'))
}

const MEMBERS: [&str; 21] = [
    "log_type",
    "time",
    "event_id",
    "seq",
    "interaction_id",
    "peer",
    "peer_trusted",
    "method",
    "route",
    "status",
    "mode",
    "decision",
    "reason",
    "detail",
    "certificate",
    "token",
    "consent_id",
    "duration_us",
    "backend_us",
    "config",
    "previous",
];

#[test]
fn line_of_a_refusal_holds_what_was_proven_before_it() {
    let bank = Bank::start();
    let sidecar = Config::in_front_of(&bank).route("path = \"/accounts\"").start();
    let Pki { alice, mallory, .. } = Pki::get();
    let mut connection = sidecar.connect();

    for (request, code) in [
        (sidecar.get("/nowhere"), "route_unknown"),
        (sidecar.get("/accounts/.."), "path_ambiguous"),
        (sidecar.get("/accounts"), "certificate_missing"),
        (sidecar.get("/accounts").showing(alice).bearing(Token::of(alice).expired().sign()), "token_expired"),
        (sidecar.get("/accounts").showing(mallory).bearing(alice.token()), "binding_mismatch"),
    ] {
        assert_refused(&request.send_on(&mut connection), code, &bank);
    }

    let lines = sidecar.audit(5);
    assert_eq!(lines.len(), 5, "exactly one line a request");
    let facts: Vec<_> = lines
        .iter()
        .map(|line| {
            assert_eq!(line["decision"], "deny");
            assert_eq!(line["backend_us"], Value::Null);
            (line["reason"].as_str().unwrap(), line["route"].as_str(), line["certificate"]["thumbprint"].as_str())
        })
        .collect();
    let (hers, his) = (alice.thumbprint(), mallory.thumbprint());
    assert_eq!(
        facts,
        [
            ("route_unknown", None, None),
            ("path_ambiguous", None, None),
            ("certificate_missing", Some("/accounts"), None),
            ("token_expired", Some("/accounts"), Some(hers.as_str())),
            ("binding_mismatch", Some("/accounts"), Some(his.as_str())),
        ]
    );
}

#[test]
fn client_that_goes_before_its_answer_was_let_through_all_the_same() {
    let bank = Bank::start();
    let alice = &Pki::get().alice;
    let (certificate, bearer) = (percent_pem(&alice.der), format!("Bearer {}", alice.token()));
    let fields = [(&b"ssl.client.auth.cert.x509"[..], certificate.as_bytes()), (b"authorization", bearer.as_bytes())];
    for (body, ends) in [(&[][..], "by leaving"), (&[&b"{}"[..]], "by leaving"), (&[], "by a reset")] {
        let sidecar = Config::in_front_of(&bank).start();
        let mut frames = Frames::connect(sidecar.address());
        frames.write(&frames::request(1, &frames::with_pseudo("POST", "/wait", &fields), body));
        let until = Instant::now() + DEADLINE;
        while bank.requests() == 0 {
            assert!(Instant::now() < until, "the bank saw no request");
            std::thread::yield_now();
        }
        bank.take();
        if ends == "by a reset" {
            frames.write(&[frame(RESET, 0, 1, &8_u32.to_be_bytes())]);
        } else {
            drop(frames);
        }

        let line = sidecar.audit(1).remove(0);
        assert_eq!(
            (&line["decision"], &line["reason"], &line["status"]),
            (&"allow".into(), &Value::Null, &Value::Null)
        );
    }
    bank.open();
}

#[test]
fn lines_are_numbered_without_a_gap() {
    let bank = Bank::start();
    let sidecar = Config::in_front_of(&bank).start();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut connection = sidecar.connect();
                for _ in 0..25 {
                    sidecar.get("/a").send_on(&mut connection);
                }
            });
        }
    });

    let lines = sidecar.audit(100);
    let numbers: Vec<_> = lines.iter().map(|line| line["seq"].as_u64().unwrap()).collect();
    assert!(numbers.windows(2).all(|pair| pair[0] + 1 == pair[1]), "{numbers:?}");
    let events: BTreeSet<_> = lines.iter().map(|line| line["event_id"].as_str().unwrap()).collect();
    assert_eq!(events.len(), 100);
}

#[test]
fn nothing_secret_is_in_any_line() {
    let bank = Bank::start();
    let sidecar = Config::in_front_of(&bank)
        .set("load_balancer.secret_header", r#"{ name = "X-LB-Auth", value_file = "secret" }"#)
        .file("secret", "a-secret-of-the-balancer")
        .set("log.level", r#""debug""#)
        .start();
    let alice = &Pki::get().alice;
    let token = alice.token();
    let (header, rest) = token.split_once('.').unwrap();
    let expired = Token::of(alice).expired().sign();

    for token in [token.as_str(), &expired, "malformed-token-value", "a.b.c"] {
        for secret in ["a-secret-of-the-balancer", "wrong-secret-of-nobody"] {
            let request = sidecar.post("/accounts/DE89370400?iban=DE89370400", "body-of-the-request").showing(alice);
            let request = request.bearing(token).header("X-LB-Auth", secret).header("Cookie", "session-of-alice");
            request.header("PSU-IP-Address", "203.0.113.77").header("PSU-User-Agent", "agent-of-alice").send();
        }
    }
    for raw in
        ["GET /accounts/DE89370400/../x HTTP/1.1\r\nHost: h\r\n\r\n", "GET /DE89370400 HTTP/1.1\r\nX A: b\r\n\r\n"]
    {
        let mut connection = sidecar.connect();
        connection.write(raw.as_bytes());
        let _ = connection.try_answer("GET");
    }
    sidecar.get("/hang").send();
    sidecar.audit(10);

    let der = base64_der(&alice.der);
    let said = sidecar.stdout().join("\n") + &sidecar.stderr().join("\n");
    for secret in [
        &token,
        header,
        rest,
        &expired,
        "malformed-token-value",
        "DE89370400",
        &percent_pem(&alice.der),
        &der[40..80],
        "BEGIN",
        "a-secret-of-the-balancer",
        "wrong-secret-of-nobody",
        "body-of-the-request",
        "session-of-alice",
        "203.0.113.77",
        "agent-of-alice",
        "/hang",
    ] {
        assert!(!said.contains(secret), "{secret} is in the log:\n{said}");
    }
}

#[test]
fn audit_goes_where_the_operator_says() {
    let bank = Bank::start();
    let alice = &Pki::get().alice;
    let sidecar = Config::in_front_of(&bank).set("audit.sink", r#""file:audit.log""#).start();
    let path = sidecar.folder().join("audit.log");

    assert_passed(&sidecar.get("/a").by(alice).send(), &bank);
    sidecar.log("access", 1);
    let until = std::time::Instant::now() + crate::support::sidecar::DEADLINE;
    while std::fs::read_to_string(&path).unwrap_or_default().lines().count() < 1 {
        assert!(std::time::Instant::now() < until, "no line in the file");
        std::thread::yield_now();
    }
    let text = std::fs::read_to_string(&path).unwrap();
    let line: Value = serde_json::from_str(text.trim()).unwrap();
    assert_eq!(keys(&line), BTreeSet::from(MEMBERS));
    assert!(sidecar.stdout().iter().all(|line| !line.contains(r#""log_type":"audit""#)));
}

#[test]
fn request_whose_decision_cannot_be_recorded_is_refused_unless_the_operator_allows_it() {
    let bank = Bank::start();
    let alice = &Pki::get().alice;
    // A disk that is always full.
    let full = Config::in_front_of(&bank).set("audit.sink", r#""file:/dev/full""#);
    let sidecar = full.clone().start();
    for _ in 0..5 {
        assert_refused(&sidecar.get("/a").by(alice).send(), "audit_unavailable", &bank);
    }

    let sidecar = full.set("audit.on_failure", r#""allow""#).start();
    for _ in 0..5 {
        assert_passed(&sidecar.get("/a").by(alice).send(), &bank);
    }
}

#[test]
fn access_log_says_what_the_operator_wants_to_read() {
    let bank = Bank::start();
    let alice = &Pki::get().alice;
    for (access, expected) in [("all", 2), ("denied", 1), ("off", 0)] {
        let sidecar = Config::in_front_of(&bank).set("log.access", &format!("{access:?}")).start();
        assert_refused(&sidecar.get("/a").send(), "certificate_missing", &bank);
        assert_passed(&sidecar.get("/a").by(alice).send(), &bank);
        sidecar.audit(2);
        assert_eq!(sidecar.log("access", expected).len(), expected, "{access}");
    }
}

#[test]
fn every_line_on_stdout_is_json_with_its_type() {
    let bank = Bank::start();
    let sidecar = Config::in_front_of(&bank).start();
    assert_passed(&sidecar.get("/a").by(&Pki::get().alice).send(), &bank);
    sidecar.audit(1);

    for line in sidecar.stdout() {
        let kind = serde_json::from_str::<Value>(&line).unwrap()["log_type"].clone();
        assert!(kind == "app" || kind == "access" || kind == "audit", "{line}");
    }
}
