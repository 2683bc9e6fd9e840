//! Tokens bound to a certificate, from the token endpoint to the API (RFC 8705).

use crate::{
    call::Call,
    plan::Plan,
    stage::{ACCOUNTS, API, Stage, TOKEN, TOKEN_ENDPOINT},
};

#[test]
fn token_of_the_authorization_server_opens_the_api_to_its_client_alone() {
    let Some(stage) = Stage::set("A JWT bound to a certificate") else { return };
    let (alice, mallory) = (&stage.alice, &stage.mallory);

    let token = stage.token(alice);

    let (header, claims) = (token.part(0), token.part(1));
    assert_eq!((header["typ"].as_str(), header["alg"].as_str()), (Some("at+jwt"), Some("PS256")));
    assert_eq!(claims["cnf"]["x5t#S256"], alice.certificate.thumbprint());
    stage.hold(&Call::to(API).by(alice).bearing(&token), "200", &[ACCOUNTS]);
    stage.hold(&Call::to(API).by(mallory).bearing(&token), "401 binding_mismatch", &[]);
    stage.hold(&Call::to(API).bearing(&token), "401 certificate_missing", &[]);
    stage.hold(&Call::to(API).by(alice), "401 token_missing", &[]);
    let hers = stage.token(mallory);
    stage.hold(&Call::to(API).by(mallory).bearing(&hers), "200", &[ACCOUNTS]);
}

#[test]
fn authorization_server_is_asked_by_holders_of_a_certificate_alone() {
    let Some(stage) = Stage::set("The authorization server behind certbound") else { return };
    let (alice, mallory) = (&stage.alice, &stage.mallory);
    let token = || credentials("alice");
    let push = || Call::to("https://as.bank.example/request").form("authorization request of alice", &REQUEST);

    stage.hold(&token().by(alice), "200", &[TOKEN]);
    stage.hold(&token(), "401 invalid_client (certificate_missing)", &[]);
    // Her certificate holds, so it is the authorization server that finds it to be another client's.
    stage.hold(&token().by(mallory), "401 invalid_client", &[TOKEN]);
    stage.hold(&push().by(alice), "201 request_uri", &["provider: POST /request"]);
    stage.hold(&push(), "401 invalid_client (certificate_missing)", &[]);
    stage.hold(&push().by(mallory), "401 invalid_client", &["provider: POST /request"]);
    let rotate = Call::to("https://as.bank.example/rotate").by(alice).form("nothing", &[]);
    stage.hold(&rotate, "404 route_unknown", &[]);
}

#[test]
fn token_that_is_bound_to_nothing_is_kept_from_its_client() {
    let Some(plan) = Plan::new("An authorization server that forgets to bind") else { return };
    let stage = Stage::on(plan.checking_issued());

    stage.hold(&credentials("alice").by(&stage.alice), "200", &[TOKEN]);
    let answer =
        stage.hold(&credentials("ulf").by(&stage.ulf), "502 temporarily_unavailable (binding_missing)", &[TOKEN]);

    assert!(answer.json()["access_token"].is_null());
}

/// RFC 6749, section 4.4.2.
fn credentials(client: &str) -> Call<'static> {
    let form = [("grant_type", "client_credentials"), ("client_id", client), ("scope", "accounts")];
    Call::to(TOKEN_ENDPOINT).form(&format!("client credentials of {client}"), &form)
}

/// RFC 9126, with the challenge of RFC 7636, appendix B.
const REQUEST: [(&str, &str); 6] = [
    ("response_type", "code"),
    ("client_id", "alice"),
    ("scope", "accounts"),
    ("redirect_uri", "https://tpp.example/callback"),
    ("code_challenge_method", "S256"),
    ("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),
];
