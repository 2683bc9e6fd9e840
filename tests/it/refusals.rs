//! A refusal has one shape, tells the caller little, and leaves the connection usable.

use serde_json::json;

use crate::{
    support::{bank::Bank, config::Config, pki::Pki, sidecar::Sidecar, token::Token},
    verdict::{assert_passed, assert_refused},
};

const ID: &str = "4f1c2b3a-9d8e-4c7b-a6f5-0123456789ab";

#[test]
fn refusal_is_a_problem_of_exactly_these_members() {
    let bank = Bank::start();
    let sidecar = Sidecar::in_front_of(&bank);

    let answer = sidecar.get("/a").header("x-fapi-interaction-id", ID).send();

    assert_refused(&answer, "certificate_missing", &bank);
    let title = answer.json()["title"].clone();
    let problem = json!({
        "type": "urn:certbound:denial:certificate_missing", "title": title, "status": 401,
        "code": "certificate_missing", "instance": format!("urn:uuid:{ID}"),
    });
    assert_eq!(answer.json(), problem);
    assert_eq!(answer.header("content-length"), Some(answer.body.len().to_string().as_str()));
}

#[test]
fn detail_is_told_only_where_the_operator_wants_it() {
    let bank = Bank::start();
    let sidecar = Config::in_front_of(&bank).set("errors.detail", r#""full""#).start();
    let Pki { alice, mallory, .. } = Pki::get();

    let answer = sidecar.get("/a").showing(mallory).bearing(alice.token()).send();

    assert_refused(&answer, "binding_mismatch", &bank);
    assert!(answer.json()["detail"].as_str().is_some_and(|detail| detail.contains(&mallory.thumbprint())));
}

/// Whoever is called at night has neither the token nor the certificate.
#[test]
fn audit_line_says_what_stood_where_something_else_was_expected() {
    let bank = Bank::start();
    let sidecar = Sidecar::in_front_of(&bank);
    let Pki { alice, stranger, .. } = Pki::get();
    let token = || Token::of(alice);

    let by_alice = [
        (token().claim("iss", "https://as.bank.example/\n"), "iss is https://as.bank.example/"),
        (
            token().claim("aud", json!(["https://a.example", "https://b.example"])),
            "aud is https://a.example, https://b.example",
        ),
        (token().claim("aud", json!([])), "aud is empty"),
        (token().header("typ", "JWT+other"), "typ is jwt+other"),
        (token().without_header("typ"), "typ is missing"),
        (token().header("alg", "HS256"), "alg is HS256"),
        (token().header("kid", "unheard-of"), "no key of the issuer fits, after a refresh: kid is unheard-of"),
    ];
    let by_alice = by_alice.map(|(token, detail)| (sidecar.get("/a").showing(alice).bearing(token.sign()), detail));
    let untrusted = "no issuer leads to an anchor: issued by CN=Directory Root CA of Elsewhere";

    for (sent, (request, detail)) in
        by_alice.into_iter().chain([(sidecar.get("/a").by(stranger), untrusted)]).enumerate()
    {
        let code = request.send().code();
        let line = &sidecar.audit(sent + 1)[sent];
        assert_eq!((&line["reason"], &line["detail"]), (&json!(code), &json!(detail)));
    }
    assert_eq!(bank.requests(), 0);
}

#[test]
fn status_is_the_operators_where_one_is_given() {
    let bank = Bank::start();
    let sidecar = Config::in_front_of(&bank).set("errors.status", "{ certificate_missing = 403 }").start();

    let answer = sidecar.get("/a").send();

    assert_eq!((answer.status, answer.code().as_str()), (403, "certificate_missing"));
    assert_eq!(answer.json()["status"], 403);
    assert_eq!(bank.requests(), 0);
}

#[test]
fn interaction_id_is_the_callers_if_it_is_a_uuid_and_a_new_one_otherwise() {
    let bank = Bank::start();
    let sidecar = Sidecar::in_front_of(&bank);
    let alice = &Pki::get().alice;

    let hers = sidecar.get("/a").by(alice).header("x-fapi-interaction-id", ID);
    assert_eq!(assert_passed(&hers.send(), &bank).fields.all("x-fapi-interaction-id"), [ID]);
    let mut given = vec![ID.to_owned()];
    for said in ["", "1", "not-a-uuid", &format!("{ID}0"), &format!("{{{ID}}}"), "'; drop table"] {
        let seen = assert_passed(&sidecar.get("/a").by(alice).header("x-fapi-interaction-id", said).send(), &bank);
        let ids = seen.fields.all("x-fapi-interaction-id");
        assert_eq!(ids.len(), 1);
        assert!(is_uuid(ids[0]) && !given.contains(&ids[0].to_owned()), "{ids:?} for {said:?}");
        given.push(ids[0].to_owned());
    }
    // The bank's own is not the answer's.
    let answer = sidecar.get("/own-id").by(alice).header("x-fapi-interaction-id", ID).send();
    assert_eq!(answer.fields.all("x-fapi-interaction-id"), [ID]);
}

fn is_uuid(text: &str) -> bool {
    let lengths: Vec<_> = text.split('-').map(str::len).collect();
    lengths == [8, 4, 4, 4, 12] && text.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit())
}

#[test]
fn connection_stays_usable_after_a_refusal() {
    let bank = Bank::start();
    let sidecar = Sidecar::in_front_of(&bank);
    let alice = &Pki::get().alice;
    let mut connection = sidecar.connect();

    for _ in 0..3 {
        let answer = sidecar.get("/a").send_on(&mut connection);
        assert_refused(&answer, "certificate_missing", &bank);
        let answer = sidecar.post("/a", &"x".repeat(50_000)).showing(alice).send_on(&mut connection);
        assert_refused(&answer, "token_missing", &bank);
        let expired = Token::of(alice).expired().sign();
        let answer = sidecar.get("/a").showing(alice).bearing(expired).send_on(&mut connection);
        assert_refused(&answer, "token_expired", &bank);
        let answer = sidecar.get("/a/../b").send_on(&mut connection);
        assert_refused(&answer, "path_ambiguous", &bank);
        assert_passed(&sidecar.post("/a", "body").by(alice).send_on(&mut connection), &bank);
    }
}

#[test]
fn connection_stays_usable_after_a_refused_chunked_body() {
    let bank = Bank::start();
    let sidecar = Sidecar::in_front_of(&bank);
    let mut connection = sidecar.connect();

    connection.write(b"POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n");
    assert_refused(&connection.answer("POST"), "certificate_missing", &bank);
    assert_passed(&sidecar.get("/a").by(&Pki::get().alice).send_on(&mut connection), &bank);
}

#[test]
fn client_that_waits_for_100_is_refused_without_sending_its_body() {
    let bank = Bank::start();
    let sidecar = Sidecar::in_front_of(&bank);
    let mut connection = sidecar.connect();

    connection.write(b"POST /a HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 100000\r\n\r\n");
    let answer = connection.answer("POST");

    assert_refused(&answer, "certificate_missing", &bank);
}

#[test]
fn refusal_of_head_has_no_body() {
    let bank = Bank::start();
    let sidecar = Sidecar::in_front_of(&bank);
    let mut connection = sidecar.connect();

    let answer = sidecar.request("HEAD", "/a").send_on(&mut connection);

    assert_eq!(answer.status, 401);
    assert!(answer.header("x-fapi-interaction-id").is_some());
    assert_passed(&sidecar.get("/a").by(&Pki::get().alice).send_on(&mut connection), &bank);
}
