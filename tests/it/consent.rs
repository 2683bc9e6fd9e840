//! Where a route asks for it, nothing is forwarded without a consent that a service has just found to cover it.

pub(crate) mod service;

use std::collections::BTreeSet;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use rcgen::{KeyPair, PublicKeyData};
use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use serde_json::{Value, json};

use self::service::{Says, Service};
use crate::{
    support::{
        bank::{Bank, Seen},
        config::Config,
        connection::Answer,
        forms::percent_pem,
        pki::{Pki, hash},
        sidecar::Sidecar,
        tls::server_config,
        token::{Token, now},
    },
    verdict::{assert_passed, assert_refused},
};

/// A bank whose accounts are covered by consents, and whose health is anybody's.
fn consenting(bank: &Bank, endpoint: &str) -> Config {
    Config::in_front_of(bank)
        .set("consent.endpoint", &format!("{endpoint:?}"))
        .set("backend.headers", r#"{ X-Consent = "{consent.id}" }"#)
        .set("errors.detail", r#""full""#)
        .route("path = \"/accounts/{AccountId}\"\nscopes = [\"accounts\"]\nconsent = true")
        .route("path = \"/health\"\nrequire = []")
        .route("path = \"/{*rest}\"")
}

struct Stage {
    bank: Bank,
    service: Service,
    sidecar: Sidecar,
}

impl Stage {
    fn set() -> Self {
        Self::set_with(|config| config)
    }

    fn set_with(change: impl FnOnce(Config) -> Config) -> Self {
        let (bank, service) = (Bank::start(), Service::start());
        let sidecar = change(consenting(&bank, &service.endpoint())).start();
        Self { bank, service, sidecar }
    }

    fn get(&self) -> Answer {
        self.sidecar.get("/accounts/22289?from=2026").showing(&Pki::get().alice).bearing(consented().sign()).send()
    }

    #[track_caller]
    fn refused(&self, code: &str) -> Answer {
        let answer = self.get();
        assert_refused(&answer, code, &self.bank);
        answer
    }
}

/// Alice's token, under a consent.
fn consented() -> Token {
    Token::of(&Pki::get().alice).claim("consent_id", "aac-7")
}

/// What the bank saw of identity besides alice's certificate.
fn beside_the_certificate(seen: &Seen) -> Vec<(String, String)> {
    let mut identity = seen.identity();
    let written = ("ssl.client.auth.cert.x509".to_owned(), percent_pem(&Pki::get().alice.der));
    identity.retain(|field| *field != written);
    identity
}

fn field(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

#[test]
fn consent_that_covers_the_request_lets_it_through_with_what_the_service_says() {
    let stage = Stage::set();

    for (answer, expected) in [
        (json!({"isValid": true}), None),
        (json!({"isValid": true, "consentInformation": "eyJ.eyJ.sig"}), Some("eyJ.eyJ.sig")),
        (
            json!({"isValid": true, "consentInformation": {"status": "Gültig", "accounts": [1]}}),
            Some(r#"{"accounts":[1],"status":"G\u00fcltig"}"#),
        ),
    ] {
        stage.service.answers(answer.to_string());
        let seen = assert_passed(&stage.get(), &stage.bank);
        let information = expected.map(|told| field("account-request-information", told));
        let expected: Vec<_> = information.into_iter().chain([field("x-consent", "aac-7")]).collect();
        assert_eq!(beside_the_certificate(&seen), expected);
    }
    let lines = stage.sidecar.audit(3);
    assert!(lines.iter().all(|line| line["consent_id"] == "aac-7" && line["decision"] == "allow"), "{lines:#?}");
    stage.sidecar.await_metrics(|page| {
        page.contains("certbound_consents_total{result=\"given\"} 3")
            && page.contains("http_client_request_duration_seconds_count{peer=\"consent\"} 3")
    });
}

#[test]
fn question_is_about_this_request_and_holds_nothing_that_could_be_used() {
    let stage = Stage::set();

    let asked: Vec<_> =
        (0..2).map(|_| assert_passed(&stage.get(), &stage.bank)).map(|_| stage.service.only()).collect();

    let question = asked[0].json();
    let issued = question["iat"].as_u64().unwrap();
    assert!(now().abs_diff(issued) < 60);
    assert_ne!(question["jti"], asked[1].json()["jti"]);
    assert_eq!(
        question,
        json!({
            "iss": "certbound", "aud": stage.service.endpoint(), "iat": issued, "exp": issued + 60,
            "jti": question["jti"], "consent_id": "aac-7", "client_id": "tpp-1", "sub": "psu-7", "method": "GET",
            "path": "/accounts/22289", "consentId": "aac-7", "clientId": "tpp-1", "userId": "psu-7",
            "electedResource": "/accounts/{AccountId}",
            "resourceParams": {
                "resource": "/accounts/22289", "httpMethod": "GET", "context": "/accounts/{AccountId}",
            },
        })
    );
    assert_eq!(asked[0].start, "POST /validate HTTP/1.1");
    let names: BTreeSet<_> = asked[0].fields.0.iter().map(|(name, _)| name.to_ascii_lowercase()).collect();
    let expected = ["accept-encoding", "content-length", "content-type", "host", "user-agent"];
    assert_eq!(names, BTreeSet::from(expected.map(str::to_owned)));
    assert_eq!(asked[0].fields.get("content-type"), Some("application/json"));
}

#[test]
fn signed_question_is_a_jwt_that_the_public_key_verifies() {
    let key = KeyPair::generate().unwrap();
    let stage = Stage::set_with(|config| {
        config.set("consent.signing_key_file", r#""consent.key""#).file("consent.key", key.serialize_pem())
    });

    assert_passed(&stage.get(), &stage.bank);

    let asked = stage.service.only();
    assert_eq!(asked.fields.get("content-type"), Some("application/jwt"));
    let jws = String::from_utf8(asked.body).unwrap();
    let (message, signature) = jws.rsplit_once('.').unwrap();
    let decode = |part: &str| BASE64_URL_SAFE_NO_PAD.decode(part).unwrap();
    let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key.der_bytes());
    public.verify(message.as_bytes(), &decode(signature)).unwrap();
    let (header, claims) = message.split_once('.').unwrap();
    let [header, claims] = [header, claims].map(|part| serde_json::from_slice::<Value>(&decode(part)).unwrap());
    let logged = stage.sidecar.event("consent_requests_signed");
    assert_eq!(header, json!({"alg": "ES256", "typ": "JWT", "kid": logged["kid"]}));
    for (claim, value) in [
        ("iss", "certbound"),
        ("aud", &*stage.service.endpoint()),
        ("consentId", "aac-7"),
        ("clientId", "tpp-1"),
        ("userId", "psu-7"),
        ("method", "GET"),
        ("path", "/accounts/22289"),
    ] {
        assert_eq!(claims[claim], value, "{claim}");
    }
    assert!(claims["jti"].as_str().is_some_and(|jti| jti.len() == 36));
    assert_eq!(claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap(), 60);
}

#[test]
fn consent_that_does_not_cover_the_request_is_refused_in_the_words_of_the_service() {
    let stage = Stage::set();
    stage.service.answers(
        r#"{"isValid":false,"errorCode":"00013\r\nX: y","errorMessage":"Revoked","consentInformation":"a.b.c"}"#,
    );

    let answer = stage.refused("consent_refused");

    let detail = answer.json()["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("00013X: y") && detail.contains("Revoked"), "{detail}");
    let line = stage.sidecar.audit(1).remove(0);
    assert_eq!((&line["reason"], &line["consent_id"]), (&"consent_refused".into(), &"aac-7".into()));
    stage.sidecar.await_metrics(|page| page.contains("certbound_consents_total{result=\"refused\"} 1"));
    assert!(stage.sidecar.stdout().iter().all(|line| !line.contains("Revoked") && !line.contains("22289")));
}

#[test]
fn format_with_a_place_for_them_carries_code_and_message_of_the_service() {
    let stage = Stage::set_with(|config| config.set("errors.format", r#""obie-v3""#));
    stage
        .service
        .answers(r#"{"isValid":false,"errorCode":"UK.OBIE.Reauthenticate","errorMessage":"Ask the user anew"}"#);

    let answer = stage.get();

    assert_eq!((answer.status, stage.bank.requests()), (403, 0));
    let error = &answer.json()["Errors"][0];
    assert_eq!(error["ErrorCode"], "UK.OBIE.Reauthenticate");
    assert_eq!(error["Message"], "Ask the user anew");
}

#[test]
fn token_that_names_no_consent_is_refused_before_anybody_is_asked() {
    let stage = Stage::set();
    let alice = &Pki::get().alice;

    for token in
        [Token::of(alice), consented().claim("consent_id", ""), consented().claim("consent_id", json!(["aac-7"]))]
    {
        let answer = stage.sidecar.get("/accounts/1").showing(alice).bearing(token.sign()).send();
        assert_refused(&answer, "consent_missing", &stage.bank);
    }

    assert!(stage.service.take().is_empty());
}

#[test]
fn what_is_wrong_without_any_consent_is_found_before_the_service_is_asked() {
    let stage = Stage::set();
    let pki = Pki::get();
    let get = |token: Token| stage.sidecar.get("/accounts/1").showing(&pki.alice).bearing(token.sign()).send();

    assert_refused(&get(consented().claim("scope", "payments")), "scope_insufficient", &stage.bank);
    assert_refused(&get(consented().expired()), "token_expired", &stage.bank);
    assert_refused(&get(consented().bound_to(&pki.mallory)), "binding_mismatch", &stage.bank);

    assert!(stage.service.take().is_empty());
}

#[test]
fn answer_that_is_no_answer_is_a_refusal() {
    let stage = Stage::set();
    let body = |body: &str| Says::Body(body.to_owned());
    let raw = |text: &str| Says::Raw(text.to_owned());

    for says in [
        body(r#"{"isValid":"true"}"#),
        body("{}"),
        body("yes"),
        body(r#"{"isValid":false,"isValid":true}"#),
        body(r#"{"isValid":true,"modifiedPayload":{"amount":1}}"#),
        body(r#"{"isValid":true,"consentInformation":"a\r\nX-Admin: 1"}"#),
        body(&json!({"isValid": true, "consentInformation": "a".repeat(9 << 10)}).to_string()),
        body(&json!({"isValid": true, "other": "a".repeat(64 << 10)}).to_string()),
        raw("HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n"),
        raw("HTTP/1.1 201 Created\r\nContent-Length: 16\r\n\r\n{\"isValid\":true}"),
        raw("HTTP/1.1 500 Oh\r\nContent-Length: 16\r\n\r\n{\"isValid\":true}"),
        raw("HTTP/1.1 200 OK\r\nContent-Length: nothing\r\n\r\n"),
        raw("garbage\r\n\r\n"),
    ] {
        stage.service.says(says);
        stage.refused("consent_unavailable");
        assert_eq!(stage.service.take().len(), 1, "asked once, and not elsewhere");
    }
    assert!(stage.sidecar.audit(13).iter().all(|line| line["consent_id"] == "aac-7"));
}

#[test]
fn service_that_is_down_hangs_or_hangs_up_is_a_refusal_until_it_is_back() {
    let bank = Bank::start();
    let nobody = consenting(&bank, &format!("http://{}/", Bank::closed())).start();
    let request = nobody.get("/accounts/1").showing(&Pki::get().alice).bearing(consented().sign());
    assert_refused(&request.send(), "consent_unavailable", &bank);

    let stage = Stage::set_with(|config| config.set("consent.timeout", r#""1s""#));
    stage.service.says(Says::Silence);
    stage.refused("consent_unavailable");
    stage.service.says(Says::Nothing);
    stage.service.take();
    stage.refused("consent_unavailable");
    assert_eq!(stage.service.take().len(), 2, "asked once more, and no more than that");
    stage.service.answers(r#"{"isValid":true}"#);
    assert_passed(&stage.get(), &stage.bank);
    let page = stage.sidecar.await_metrics(|page| page.contains("certbound_consents_total{result=\"given\"} 1"));
    assert!(page.contains("certbound_consents_total{result=\"unavailable\"} 2"), "{page}");
}

#[test]
fn connection_to_the_service_is_kept_and_one_that_has_ended_costs_no_request() {
    let stage = Stage::set();
    for _ in 0..10 {
        assert_passed(&stage.get(), &stage.bank);
    }
    assert!(stage.service.connections() <= 3, "{} connections", stage.service.connections());

    stage.service.says(Says::Once(r#"{"isValid":true}"#.to_owned()));
    for _ in 0..20 {
        assert_passed(&stage.get(), &stage.bank);
    }
}

#[test]
fn answer_is_never_remembered() {
    let stage = Stage::set();
    assert_passed(&stage.get(), &stage.bank);

    stage.service.answers(r#"{"isValid":false}"#);

    stage.refused("consent_refused");
}

#[test]
fn information_that_a_client_sends_never_reaches_the_bank() {
    let stage = Stage::set();
    let alice = &Pki::get().alice;
    let token = consented().sign();

    for name in ["Account-Request-Information", "account_request_information", "Account_Request.Information"] {
        for path in ["/accounts/1", "/health", "/other"] {
            let request = stage.sidecar.get(path).showing(alice).bearing(&token).header(name, "forged");
            let seen = assert_passed(&request.send(), &stage.bank);
            assert!(!String::from_utf8_lossy(&seen.raw).contains("forged"), "{name} {path}");
        }
    }
    stage.service.answers(r#"{"isValid":true,"consentInformation":"ours"}"#);
    let request = stage.sidecar.get("/accounts/1").showing(alice).bearing(&token);
    let seen = assert_passed(&request.header("account_request_information", "forged").send(), &stage.bank);
    let expected = [field("account-request-information", "ours"), field("x-consent", "aac-7")];
    assert_eq!(beside_the_certificate(&seen), expected);
}

#[test]
fn route_that_does_not_ask_is_served_without_the_service() {
    let stage = Stage::set();
    let alice = &Pki::get().alice;

    let request = stage.sidecar.get("/other").showing(alice).bearing(consented().sign());
    let seen = assert_passed(&request.send(), &stage.bank);

    assert!(beside_the_certificate(&seen).is_empty(), "{:?}", seen.identity());
    assert!(stage.service.take().is_empty());
    assert_eq!(stage.sidecar.audit(1)[0]["consent_id"], Value::Null);
}

#[test]
fn refusal_is_recorded_in_report_mode_and_the_request_goes_on_without_information() {
    let stage = Stage::set_with(|config| config.set("mode", r#""report""#));
    stage.service.answers(r#"{"isValid":false,"consentInformation":"a.b.c"}"#);

    let seen = assert_passed(&stage.get(), &stage.bank);

    assert!(beside_the_certificate(&seen).is_empty(), "{:?}", seen.identity());
    let line = stage.sidecar.audit(1).remove(0);
    assert_eq!(line["decision"], "would_deny");
    assert_eq!((&line["reason"], &line["consent_id"]), (&"consent_refused".into(), &"aac-7".into()));
}

#[test]
fn https_of_the_service_is_believed_from_its_own_authority_alone() {
    let pki = Pki::get();
    let (bank, service) =
        (Bank::start(), Service::over_tls(server_config(&pki.infrastructure.server(&["localhost"]), None)));
    let get = |sidecar: &Sidecar| sidecar.get("/accounts/1").showing(&pki.alice).bearing(consented().sign()).send();
    let config = consenting(&bank, &service.endpoint());
    let authority = crate::support::pki::pem(&pki.infrastructure.der);

    let named = config.clone().set("consent.ca_file", r#""ca.pem""#).file("ca.pem", authority).start();
    assert_passed(&get(&named), &bank);
    assert_eq!(service.take().len(), 1);
    assert_refused(&get(&config.start()), "consent_unavailable", &bank);
    assert!(service.take().is_empty());
}

#[test]
fn claim_that_names_the_consent_can_be_another() {
    let stage = Stage::set_with(|config| config.set("consent.claim", r#""openbanking_intent_id""#));
    stage.refused("consent_missing");

    let token = Token::of(&Pki::get().alice).claim("openbanking_intent_id", "intent-3").sign();
    let request = stage.sidecar.get("/accounts/1").showing(&Pki::get().alice).bearing(token);

    assert_passed(&request.send(), &stage.bank);
    assert_eq!(stage.service.only().json()["consentId"], "intent-3");
}

#[test]
fn body_goes_along_where_that_is_configured_and_on_to_the_bank_unchanged() {
    let stage = Stage::set_with(|config| config.set("consent.body", "true"));
    let send = |body: &str| {
        let request = stage.sidecar.post("/accounts/1", body).showing(&Pki::get().alice);
        request.bearing(consented().sign()).send()
    };
    let digest = |body: &str| json!(BASE64_URL_SAFE_NO_PAD.encode(hash(body.as_bytes())));

    let payment = "{\"amount\": 1.10,\n \"to\":\"X\"}";
    assert_eq!(assert_passed(&send(payment), &stage.bank).body, payment.as_bytes());
    let asked = stage.service.only();
    assert_eq!(asked.json()["body"], json!({"amount": 1.1, "to": "X"}));
    assert_eq!(asked.json()["body_sha256"], digest(payment));

    assert_eq!(assert_passed(&send("<xml/>"), &stage.bank).body, b"<xml/>");
    let asked = stage.service.only().json();
    assert_eq!((asked.get("body"), &asked["body_sha256"]), (None, &digest("<xml/>")));

    assert_passed(&send(""), &stage.bank);
    assert_eq!(stage.service.only().json().get("body_sha256"), None);

    let answer = send(&"a".repeat(64 * 1024 + 1));
    assert_refused(&answer, "body_too_large", &stage.bank);
    assert!(stage.service.take().is_empty());
}

#[test]
fn nobody_is_asked_about_a_body_that_the_bank_will_not_get() {
    let stage = Stage::set_with(|config| config.set("consent.body", "true").set("backend.max_body_bytes", r#""10""#));
    let request = stage.sidecar.request("POST", "/accounts/1").showing(&Pki::get().alice);
    let request = request.bearing(consented().sign());
    let announced = request.clone().body("eleven byte").send();
    let mut connection = stage.sidecar.connect();
    connection.write(&request.header("Transfer-Encoding", "chunked").bytes());
    connection.write(b"b\r\neleven byte\r\n0\r\n\r\n");

    for answer in [announced, connection.answer("POST")] {
        assert_refused(&answer, "body_too_large", &stage.bank);
    }
    assert!(stage.service.take().is_empty());
    assert_eq!(stage.bank.connections(), 0);
}
