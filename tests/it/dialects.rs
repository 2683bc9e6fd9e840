//! A refusal is written in the format of its route, or else in the one of the configuration.

use serde_json::{Value, json};

use crate::{
    support::{
        bank::Bank,
        config::Config,
        connection::Answer,
        pki::{Client, Pki},
        sidecar::Sidecar,
        token::Token,
    },
    verdict::{assert_passed, assert_refusal, assert_refused},
};

const ID: &str = "4f1c2b3a-9d8e-4c7b-a6f5-0123456789ab";

fn writing(bank: &Bank, format: &str) -> Sidecar {
    Config::in_front_of(bank)
        .set("errors.format", &format!("{format:?}"))
        .route("path = \"/accounts/{AccountId}\"\nscopes = [\"accounts\"]")
        .start()
}

/// A refusal of each kind: what is asked, the status, and the challenge.
fn refusals(sidecar: &Sidecar) -> Vec<(Answer, u16, Option<&'static str>)> {
    let alice = &Pki::get().alice;
    let get = |path, client: Option<&Client>, token: Option<String>| {
        let mut request = sidecar.get(path).header("x-fapi-interaction-id", ID);
        if let Some(client) = client {
            request = request.showing(client);
        }
        if let Some(token) = token {
            request = request.bearing(token);
        }
        request.send()
    };
    let account = "/accounts/GB29NWBK60161331926819";
    let invalid = Some(r#"Bearer error="invalid_token""#);
    let scope = Some(r#"Bearer error="insufficient_scope", scope="accounts""#);
    vec![
        (get(account, None, None), 401, Some("Bearer")),
        (get(account, Some(alice), Some(Token::of(alice).expired().sign())), 401, invalid),
        (get(account, Some(alice), Some(Token::of(&Pki::get().mallory).sign())), 401, invalid),
        (get(account, Some(alice), Some(Token::of(alice).claim("scope", "payments").sign())), 403, scope),
        (get("/elsewhere", None, None), 404, None),
    ]
}

/// Status, challenge, and length hold for each refusal, the bank saw none of them; what is left is media type and body.
#[track_caller]
fn bodies(format: &str) -> Vec<Option<(String, Value)>> {
    let bank = Bank::start();
    let sidecar = writing(&bank, format);
    let bodies = refusals(&sidecar)
        .into_iter()
        .map(|(answer, status, challenge)| {
            assert_eq!((answer.status, answer.header("www-authenticate")), (status, challenge), "{format}");
            assert_eq!(answer.header("content-length"), Some(answer.body.len().to_string().as_str()));
            assert_eq!(answer.header("cache-control"), Some("no-store"));
            assert_eq!(answer.header("x-fapi-interaction-id"), Some(ID));
            let text = String::from_utf8_lossy(&answer.body);
            assert!(!text.contains("GB29") && !text.contains("elsewhere"), "{text}");
            let media_type = answer.header("content-type").map(str::to_owned);
            assert_eq!(media_type.is_some(), !answer.body.is_empty(), "{format}");
            media_type.map(|media_type| (media_type, answer.json()))
        })
        .collect();
    assert_eq!(bank.requests(), 0);
    bodies
}

/// In the order of [`refusals`].
const TITLES: [&str; 5] = [
    "A client certificate is required",
    "The access token has expired",
    "The access token is bound to another certificate",
    "The access token lacks a scope that this route demands",
    "No route leads here",
];

#[track_caller]
fn check(format: &str, media_type: &str, expected: [Option<Value>; 5]) {
    let expected = expected.map(|body| body.map(|body| (media_type.to_owned(), body)));
    assert_eq!(bodies(format), expected, "{format}");
}

#[test]
fn uk_of_version_3_gets_its_error_response() {
    let body = |code: &str, error: &str, title: &str, path: Option<&str>| {
        let mut errors = json!([{"ErrorCode": format!("UK.OBIE.{error}"), "Message": title}]);
        if let Some(path) = path {
            errors[0]["Path"] = path.into();
        }
        Some(json!({"Code": code, "Id": ID, "Message": title, "Errors": errors}))
    };
    let header = Some("Authorization");
    check(
        "obie-v3",
        "application/json; charset=utf-8",
        [
            body("401 Unauthorized", "UnexpectedError", TITLES[0], None),
            body("401 Unauthorized", "Header.Invalid", TITLES[1], header),
            body("401 Unauthorized", "Header.Invalid", TITLES[2], header),
            body("403 Forbidden", "Header.Invalid", TITLES[3], header),
            body("404 Not Found", "Resource.NotFound", TITLES[4], None),
        ],
    );
}

#[test]
fn uk_of_version_4_gets_no_body_with_a_401_unless_the_token_has_expired() {
    let body = |code: &str, title: &str| Some(json!({"Id": ID, "Errors": [{"ErrorCode": code, "Message": title}]}));
    check(
        "obie-v4",
        "application/json; charset=utf-8",
        [None, body("TKXP", TITLES[1]), None, body("U006", TITLES[3]), body("U011", TITLES[4])],
    );
}

#[test]
fn berlin_group_gets_tpp_messages() {
    let codes = ["CERTIFICATE_MISSING", "TOKEN_EXPIRED", "TOKEN_INVALID", "FORBIDDEN", "RESOURCE_UNKNOWN"];
    let mut titles = TITLES.into_iter();
    let body = |code| Some(json!({"tppMessages": [{"category": "ERROR", "code": code, "text": titles.next()}]}));
    check("berlin-group", "application/json", codes.map(body));
}

#[test]
fn australia_gets_errors_with_urns() {
    let expected = ("GeneralError/Expected", "Expected Error Encountered");
    let consent = ("Authorisation/InvalidConsent", "Consent Is Invalid");
    let mut titles = TITLES.into_iter();
    let body = |(code, title)| {
        let code = format!("urn:au-cds:error:cds-all:{code}");
        Some(json!({"errors": [{"code": code, "title": title, "detail": titles.next()}]}))
    };
    let codes = [expected, expected, expected, consent, ("Resource/NotFound", "Resource Not Found")];
    check("cds", "application/json", codes.map(body));
}

#[test]
fn oauth_client_gets_error_and_description() {
    let codes = ["invalid_client", "invalid_token", "invalid_token", "insufficient_scope", "invalid_request"];
    let mut titles = TITLES.into_iter();
    let body = |code| Some(json!({"error": code, "error_description": titles.next()}));
    check("oauth", "application/json", codes.map(body));
}

#[test]
fn wso2_client_gets_our_code_in_its_form() {
    let codes = ["certificate_missing", "token_expired", "binding_mismatch", "scope_insufficient", "route_unknown"];
    let mut titles = TITLES.into_iter();
    let body = |code| {
        let title = titles.next();
        Some(json!({"error": {"code": code, "message": title, "description": title}}))
    };
    check("wso2", "application/json", codes.map(body));
}

#[test]
fn empty_format_says_nothing_in_the_body() {
    check("empty", "", [const { None }; 5]);
}

#[test]
fn route_has_its_own_format_and_everything_before_routing_that_of_the_configuration() {
    let bank = Bank::start();
    let sidecar = Config::in_front_of(&bank)
        .set("errors.format", r#""wso2""#)
        .set("errors.status", "{ certificate_missing = 403 }")
        .route("path = \"/oauth\"\nmethods = [\"GET\", \"HEAD\"]\nerrors = \"oauth\"")
        .route("path = \"/problem\"\nerrors = \"problem+json\"")
        .route("path = \"/as-everywhere\"\nerrors = \"\"")
        .route("path = \"/token\"\nkind = \"token\"")
        .route("path = \"/v4\"\nerrors = \"obie-v4\"")
        .start();
    let mut connection = sidecar.connect();
    let mut get = |path| sidecar.get(path).send_on(&mut connection);

    let oauth = get("/oauth");
    assert_eq!((oauth.status, &oauth.json()["error"]), (403, &json!("invalid_client")));
    let problem = get("/problem");
    assert_eq!((problem.status, &problem.json()["status"]), (403, &json!(403)));
    assert_eq!(get("/as-everywhere").json()["error"]["code"], "certificate_missing");
    assert_eq!(get("/token").json(), oauth.json());
    assert_eq!(get("/v4").json()["Errors"][0]["ErrorCode"], "U000");
    for (path, code) in [("/nowhere", "route_unknown"), ("/oauth/../v4", "path_ambiguous")] {
        assert_eq!(get(path).json()["error"]["code"], code);
    }
    let posted = sidecar.post("/oauth", "x").send_on(&mut connection);
    assert_eq!((posted.status, &posted.json()["error"]["code"]), (405, &json!("method_not_allowed")));

    let head = sidecar.request("HEAD", "/oauth").send_on(&mut connection);
    assert_eq!((head.status, head.header("content-type")), (403, Some("application/json")));
    assert_eq!(bank.requests(), 0);
    assert_passed(&sidecar.get("/v4").by(&Pki::get().alice).send_on(&mut connection), &bank);
}

#[test]
fn refusal_after_the_verdict_is_written_as_the_route_says() {
    let alice = &Pki::get().alice;
    let route = "path = \"/{*rest}\"\nerrors = \"berlin-group\"";
    let closed = Config::to(&Bank::closed().to_string()).route(route).start();

    let unreachable = closed.get("/a").by(alice).send();

    assert_eq!((unreachable.status, code_of_berlin(&unreachable)), (502, "SERVICE_UNAVAILABLE".to_owned()));

    let bank = Bank::start();
    let sidecar = Config::in_front_of(&bank).set("backend.max_body_bytes", r#""4B""#).route(route).start();
    let announced = sidecar.post("/a", "hello").by(alice).send();
    assert_eq!((announced.status, code_of_berlin(&announced)), (413, "FORMAT_ERROR".to_owned()));
    assert_eq!(bank.requests(), 0);
    let chunked = sidecar.request("POST", "/a").by(alice).header("Transfer-Encoding", "chunked");
    let mut connection = sidecar.connect();
    connection.write(&[chunked.bytes(), b"5\r\nhello\r\n0\r\n\r\n".to_vec()].concat());
    let counted = connection.answer("POST");
    assert_eq!((counted.status, code_of_berlin(&counted)), (413, "FORMAT_ERROR".to_owned()));
}

fn code_of_berlin(answer: &Answer) -> String {
    answer.json()["tppMessages"][0]["code"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn detail_is_told_in_every_format_only_where_the_operator_wants_it() {
    let bank = Bank::start();
    let Pki { alice, mallory, .. } = Pki::get();
    let sidecar = Config::in_front_of(&bank)
        .set("errors.detail", r#""full""#)
        .set("errors.format", r#""oauth""#)
        .route("path = \"/problem\"\nerrors = \"problem+json\"")
        .route("path = \"/{*rest}\"")
        .start();

    let oauth = sidecar.get("/a").showing(mallory).bearing(alice.token()).send();
    let problem = sidecar.get("/problem").showing(mallory).bearing(alice.token()).send();

    let description = oauth.json()["error_description"].clone();
    assert!(description.as_str().is_some_and(|text| text.contains(&mallory.thumbprint())), "{description}");
    assert_refused(&problem, "binding_mismatch", &bank);
    assert_refusal(&problem, "binding_mismatch");
}
