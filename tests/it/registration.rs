//! Dynamic client registration: what a verified software statement covers reaches the bank as it came, and nothing else.

mod managing;
mod stage;

use std::process::Command;

use serde_json::{Value, json};

use self::stage::{REDIRECTION, Stage};
use crate::{
    http2::{self, Message},
    support::{
        bank::Bank,
        connection::CERTIFICATE_HEADER,
        forms::percent_pem,
        issuer::{Issuer, Mood},
        pki::{Pki, pem},
        sidecar::binary,
        tls::server_config,
        token::{SigningKey, Token},
    },
    verdict::assert_passed,
};

/// Longer is refused.
const MOST: usize = 64 * 1024;

#[test]
fn good_registration_reaches_the_bank_byte_for_byte() {
    let stage = Stage::set();
    let body = stage.good();

    let seen = assert_passed(&stage.registering(&body).send(), &stage.bank);

    assert_eq!((seen.method.as_str(), seen.target.as_str()), ("POST", "/register"));
    assert_eq!(seen.body, body.as_bytes());
    assert_eq!(seen.header("content-type"), Some("application/jwt"));
    assert_eq!(seen.header("content-length"), Some(&*body.len().to_string()));
    assert_eq!(seen.identity(), [(CERTIFICATE_HEADER.to_lowercase(), percent_pem(&stage.tpp.der))]);
    assert_eq!((stage.directory.key_requests(), stage.software.key_requests()), (1, 1));
    stage
        .sidecar
        .await_metrics(|page| page.contains("http_client_request_duration_seconds_count{peer=\"registration\"} 2"));
}

#[test]
fn certificate_is_judged_for_its_subject_though_the_route_demands_none() {
    let stage = Stage::set_with(|config| {
        config.route("path = \"/open\"\nkind = \"registration\"\nmethods = [\"POST\"]\nrequire = []")
    });
    let sending =
        || stage.sidecar.request("POST", "/open").header("Content-Type", "application/jwt").body(stage.good());

    stage.assert_refused(&sending().send(), 401, "invalid_client");
    stage.assert_refused(&sending().showing(&Pki::get().expired).send(), 401, "invalid_client");
    let reasons: Vec<_> = stage.sidecar.audit(2).iter().map(|line| line["reason"].clone()).collect();
    assert!(reasons.contains(&"certificate_missing".into()) && reasons.contains(&"certificate_expired".into()));

    let seen = assert_passed(&sending().showing(&stage.tpp).send(), &stage.bank);
    assert_eq!(seen.identity(), [(CERTIFICATE_HEADER.to_lowercase(), percent_pem(&stage.tpp.der))]);
}

#[test]
fn body_is_read_whole_however_it_comes() {
    let stage = Stage::set();
    let mut connection = stage.sidecar.connect();

    let body = stage.good();
    connection.write(&stage.sending("POST", "/register").header("Transfer-Encoding", "chunked").bytes());
    for piece in body.as_bytes().chunks(500) {
        connection.write(format!("{:x}\r\n", piece.len()).as_bytes());
        connection.write(&[piece, b"\r\n"].concat());
    }
    connection.write(b"0\r\n\r\n");
    assert_eq!(assert_passed(&connection.answer("POST"), &stage.bank).body, body.as_bytes());

    let body = stage.good();
    let waiting = stage.sending("POST", "/register").header("Expect", "100-continue");
    connection.write(&waiting.header("Content-Length", &body.len().to_string()).bytes());
    assert_eq!(connection.head().0, 100);
    assert_eq!(stage.bank.requests(), 0);
    connection.write(body.as_bytes());
    let (status, _) = connection.head();
    assert_eq!(status, 200, "and no second 100");
    let seen = stage.bank.only();
    assert_eq!((seen.body, seen.fields.get("expect")), (body.into_bytes(), None));

    let body = stage.good();
    let headers = vec![(CERTIFICATE_HEADER, percent_pem(&stage.tpp.der))];
    let message = Message { method: "POST", target: "/register", headers, body: &body, trailers: Vec::new() };
    let answers = http2::send(stage.sidecar.address(), None, &[message]);
    assert_eq!(assert_passed(&answers[0], &stage.bank).body, body.as_bytes());
}

#[test]
fn connection_serves_the_next_request_after_100_continue() {
    let stage = Stage::set();
    let mut connection = stage.sidecar.connect();
    for _ in 0..2 {
        let body = stage.good();
        let waiting = stage.sending("POST", "/register").header("Expect", "100-continue");
        connection.write(&waiting.header("Content-Length", &body.len().to_string()).bytes());
        assert_eq!(connection.head().0, 100);
        connection.write(body.as_bytes());
        assert_passed(&connection.answer("POST"), &stage.bank);
    }
}

#[test]
fn registration_of_64_kib_passes_and_one_byte_more_is_too_large() {
    let stage = Stage::set();

    let seen = assert_passed(&stage.registering(&of_length(&stage, MOST)).send(), &stage.bank);
    assert_eq!(seen.body.len(), MOST);

    let large = "a".repeat(MOST + 1);
    stage.assert_refused(&stage.registering(&large).send(), 413, "invalid_request");
    let mut connection = stage.sidecar.connect();
    let chunked = stage.sending("POST", "/register").header("Transfer-Encoding", "chunked").bytes();
    connection.write(&[chunked, format!("{:x}\r\n{large}\r\n0\r\n\r\n", large.len()).into_bytes()].concat());
    stage.assert_refused(&connection.answer("POST"), 413, "invalid_request");
    // Nobody who announces too much is told to go on.
    let waiting = stage.sending("POST", "/register").header("Expect", "100-continue");
    let mut connection = stage.sidecar.connect();
    connection.write(&waiting.header("Content-Length", &large.len().to_string()).bytes());
    assert_eq!(connection.head().0, 413);
    assert_eq!(stage.bank.requests(), 0);
}

/// A good request of exactly so many bytes.
fn of_length(stage: &Stage, length: usize) -> String {
    let request = |more: usize, header: usize| {
        let request = stage.request().claim("client_description", "a".repeat(more)).header("x", "a".repeat(header));
        request.sign_with(&stage.software_key)
    };
    // Not every length is one of base64, so the header helps.
    let room = (length - request(0, 0).len()) * 3 / 4;
    let lengths = (0..3).flat_map(|header| (0..8).map(move |less| (room - less, header)));
    lengths.map(|(more, header)| request(more, header)).find(|request| request.len() == length).unwrap()
}

#[test]
fn refusal_has_the_code_of_rfc_7591_and_the_bank_sees_nothing() {
    let stage = Stage::set();
    let (key, other) = (&stage.software_key, SigningKey::new("software"));
    let saying = |claim: &str, value: serde_json::Value| {
        stage.request_with(&stage.statement().claim(claim, value).sign_with(&stage.directory_key)).sign_with(key)
    };
    let request = || stage.request();

    for (body, error) in [
        ("{}".to_owned(), "invalid_client_metadata"),
        (request().sign_with(&other), "invalid_client_metadata"),
        (request().header("alg", "none").sign_with(key), "invalid_client_metadata"),
        (request().header("alg", "RS256").sign_with(key), "invalid_client_metadata"),
        (request().claim("aud", "https://elsewhere.example").sign_with(key), "invalid_client_metadata"),
        (request().claim("exp", 1).sign_with(key), "invalid_client_metadata"),
        (request().without("jti").sign_with(key), "invalid_client_metadata"),
        (request().claim("grant_types", json!(["implicit"])).sign_with(key), "invalid_client_metadata"),
        (request().claim("scope", "openid payments").sign_with(key), "invalid_client_metadata"),
        (saying("software_id", "software-2".into()), "invalid_client_metadata"),
        (saying("org_id", "org-2".into()), "invalid_client_metadata"),
        (
            request().claim("redirect_uris", json!([REDIRECTION, "https://evil.example/"])).sign_with(key),
            "invalid_redirect_uri",
        ),
        (stage.request_with(&stage.statement().sign_with(&other)).sign_with(key), "invalid_software_statement"),
        (stage.request_with("a.b.c").sign_with(key), "invalid_software_statement"),
        (saying("exp", 1.into()), "invalid_software_statement"),
        (saying("iss", "Other Directory".into()), "unapproved_software_statement"),
        (saying("org_status", "Revoked".into()), "unapproved_software_statement"),
        (saying("software_jwks_endpoint", "http://127.0.0.1/jwks".into()), "unapproved_software_statement"),
    ] {
        stage.assert_refused(&stage.registering(&body).send(), 400, error);
    }
    let reasons = stage.sidecar.audit(18);
    assert!(reasons.iter().all(|line| line["reason"] == "registration_invalid"), "{reasons:#?}");
    stage.assert_refused(&stage.sidecar.post("/register", &stage.good()).send(), 401, "invalid_client");
}

#[test]
fn nobody_is_asked_on_the_word_of_a_statement_that_is_not_verified() {
    let stage = Stage::set();
    let forged = Token::sign_with(stage.statement(), &SigningKey::new("directory"));
    let elsewhere = stage.software.jwks().replace("localhost", "127.0.0.1");
    let elsewhere = stage.statement().claim("software_jwks_endpoint", elsewhere).sign_with(&stage.directory_key);

    for (statement, error) in [(forged, "invalid_software_statement"), (elsewhere, "unapproved_software_statement")] {
        let body = stage.request_with(&statement).sign_with(&stage.software_key);
        stage.assert_refused(&stage.registering(&body).send(), 400, error);
    }
    assert_eq!(stage.software.key_requests(), 0);
    let bare = stage.sidecar.post("/register", &stage.good());
    stage.assert_refused(&bare.send(), 401, "invalid_client");
    assert_eq!((stage.directory.key_requests(), stage.software.key_requests()), (1, 0));
}

#[test]
fn request_registers_once() {
    let stage = Stage::set();
    let body = stage.good();
    assert_passed(&stage.registering(&body).send(), &stage.bank);

    stage.assert_refused(&stage.registering(&body).send(), 400, "invalid_client_metadata");

    // What was refused for another reason is not spent.
    let body = stage.good();
    let mallory = stage.sidecar.post("/register", &body).showing(&Pki::get().mallory);
    stage.assert_refused(&mallory.send(), 400, "invalid_client_metadata");
    assert_passed(&stage.registering(&body).send(), &stage.bank);
}

#[test]
fn keys_that_are_not_to_be_had_are_a_refusal_until_they_are() {
    for of_directory in [true, false] {
        let stage = Stage::set_with(|config| config.set("token.fetch_timeout", r#""500ms""#));
        let (issuer, key) = match of_directory {
            true => (&stage.directory, &stage.directory_key),
            false => (&stage.software, &stage.software_key),
        };
        issuer.change_mood(Mood::Failing);
        let answer = stage.registering(&stage.good()).send();
        stage.assert_refused(&answer, 503, "temporarily_unavailable");
        assert!(answer.header("retry-after").is_some());

        issuer.change_mood(Mood::Keys(SigningKey::set(&[key])));
        let asked = issuer.key_requests();
        // What is not to be had is asked for again after a second.
        while issuer.key_requests() == asked {
            stage.registering(&stage.good()).send();
        }
        stage.bank.take();
        assert_passed(&stage.registering(&stage.good()).send(), &stage.bank);
    }
}

#[test]
fn registration_comes_again_where_nobody_can_say_whether_it_was_used() {
    let nobody = format!("\"redis://{}/0\"", Bank::closed());
    let stage = Stage::set_with(|config| config.set("replay.redis", &nobody));

    let answer = stage.registering(&stage.good()).send();

    stage.assert_refused(&answer, 503, "temporarily_unavailable");
    assert!(answer.header("retry-after").is_some());
    assert_eq!(stage.sidecar.audit(1)[0]["reason"], "overloaded");
    assert_eq!(stage.sidecar.event("uses_not_answered")["level"], "warn");
}

/// A request that holds, but for who signed its statement, or the request itself.
fn signed_by(key: &SigningKey, kid: &str, stage: &Stage, of_directory: bool) -> String {
    match of_directory {
        true => {
            let statement = stage.statement().header("kid", kid).sign_with(key);
            stage.request_with(&statement).sign_with(&stage.software_key)
        }
        false => stage.request().header("kid", kid).sign_with(key),
    }
}

#[test]
fn rotated_key_is_taken_at_once_and_unknown_ones_make_no_more_fetches() {
    for (of_directory, error) in [(true, "invalid_software_statement"), (false, "invalid_client_metadata")] {
        let stage = Stage::set();
        assert_passed(&stage.registering(&stage.good()).send(), &stage.bank);
        let issuer = if of_directory { &stage.directory } else { &stage.software };
        let (new, unpublished) = (SigningKey::new("new"), SigningKey::new("unpublished"));

        issuer.change_mood(Mood::Keys(SigningKey::set(&[&new])));
        assert_passed(&stage.registering(&signed_by(&new, "new", &stage, of_directory)).send(), &stage.bank);
        assert_eq!(issuer.key_requests(), 2);

        for _ in 0..3 {
            let body = signed_by(&unpublished, "unpublished", &stage, of_directory);
            stage.assert_refused(&stage.registering(&body).send(), 400, error);
        }
        assert_eq!(issuer.key_requests(), 2);
        assert_passed(&stage.registering(&signed_by(&new, "new", &stage, of_directory)).send(), &stage.bank);
    }
}

#[test]
fn keys_stay_in_use_when_they_cannot_be_fetched_anew() {
    for (of_directory, error) in [(true, "invalid_software_statement"), (false, "invalid_client_metadata")] {
        let stage = Stage::set();
        assert_passed(&stage.registering(&stage.good()).send(), &stage.bank);
        let issuer = if of_directory { &stage.directory } else { &stage.software };
        let unknown = SigningKey::new("unknown");

        issuer.change_mood(Mood::Failing);
        for _ in 0..3 {
            let body = signed_by(&unknown, "unknown", &stage, of_directory);
            stage.assert_refused(&stage.registering(&body).send(), 400, error);
        }

        assert_eq!(issuer.key_requests(), 2);
        assert_passed(&stage.registering(&stage.good()).send(), &stage.bank);
    }
}

#[test]
fn hosts_may_have_an_authority_of_their_own() {
    let pki = Pki::get();
    let tls = server_config(&pki.infrastructure.server(&["localhost"]), None);
    let stage = Stage::set_over(
        |mood| {
            let issuer = Issuer::over_tls(tls);
            issuer.change_mood(mood);
            issuer
        },
        |config| {
            config.set("registration.ca_file", r#""bank-ca.pem""#).file("bank-ca.pem", pem(&pki.infrastructure.der))
        },
    );
    assert!(stage.software.jwks().starts_with("https:"));
    assert_passed(&stage.registering(&stage.good()).send(), &stage.bank);
}

#[test]
fn directory_in_a_file_is_read_anew_when_the_file_changes() {
    let stage = Stage::set_with(|config| {
        let keys = SigningKey::set(&[&SigningKey::new("directory")]);
        config.set("registration.directory_jwks", r#""directory.jwks""#).file("directory.jwks", keys)
    });
    let strange = stage.registering(&stage.good()).send();
    stage.assert_refused(&strange, 400, "invalid_software_statement");

    let keys = SigningKey::set(&[&stage.directory_key]);
    std::fs::write(stage.sidecar.folder().join("directory.jwks"), keys).unwrap();
    stage.sidecar.events("config_reloaded", 1);

    assert_passed(&stage.registering(&stage.good()).send(), &stage.bank);
    assert_eq!(stage.directory.key_requests(), 0);
    stage.sidecar.await_metrics(|page| page.contains("\ncertbound_config_restart_required 0\n"));
}

#[test]
fn report_mode_forwards_what_it_would_refuse_as_it_came() {
    let stage = Stage::set_with(|config| config.set("mode", r#""report""#));
    let forged = stage.request_with("a.b.c").sign_with(&stage.software_key);

    let seen = assert_passed(&stage.registering(&forged).send(), &stage.bank);

    assert_eq!(seen.body, forged.as_bytes());
    let line = &stage.sidecar.audit(1)[0];
    assert_eq!((&line["decision"], &line["reason"]), (&json!("would_deny"), &json!("registration_invalid")));
    stage.assert_refused(&stage.registering(&"a".repeat(MOST + 1)).send(), 413, "invalid_request");
}

#[test]
fn explain_judges_a_registration_whose_body_it_is_given() {
    let stage = Stage::set();
    let folder = stage.sidecar.folder();
    let explain = |method: &str, path: &str, body: &str| {
        std::fs::write(folder.join("tpp.pem"), stage.tpp.pem()).unwrap();
        std::fs::write(folder.join("token"), stage.token_of("tpp-1")).unwrap();
        std::fs::write(folder.join("body"), body).unwrap();
        let mut program = Command::new(binary());
        program.current_dir(folder).args(["explain", "--json", "--certificate", "tpp.pem", "--token", "token"]);
        program.args(["--method", method, "--path", path]);
        let output = program.args(if body.is_empty() { &[][..] } else { &["--body", "body"] }).output().unwrap();
        let explained: Value = serde_json::from_slice(&output.stdout).unwrap();
        let check =
            |name: &str| explained["checks"].as_array().unwrap().iter().find(|line| line["check"] == name).cloned();
        let (route, registration) = (check("route").unwrap(), check("registration").unwrap());
        (route["facts"]["require"].clone(), registration["verdict"].clone(), explained["code"].clone())
    };
    let forged = stage.request_with("a.b.c").sign_with(&stage.software_key);
    let (one, all) = (json!(["certificate"]), json!(["certificate", "token", "binding"]));

    for (method, path, body, require, verdict, code) in [
        ("POST", "/register", String::new(), &one, "unknown", json!("request_malformed")),
        ("POST", "/register", stage.good(), &one, "pass", Value::Null),
        ("POST", "/register", forged, &one, "fail", json!("registration_invalid")),
        ("PUT", "/register/tpp-1", String::new(), &all, "unknown", json!("request_malformed")),
        ("PUT", "/register/tpp-1", stage.good(), &all, "pass", Value::Null),
        ("GET", "/register/tpp-1", String::new(), &all, "pass", Value::Null),
    ] {
        assert_eq!(explain(method, path, &body), (require.clone(), verdict.into(), code), "{method} {path}");
    }
    assert_eq!(stage.bank.requests(), 0);
}
