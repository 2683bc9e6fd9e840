//! Tokens that say nothing, which certbound asks the authorization server about (RFC 7662).

use crate::{
    call::Call,
    plan::Plan,
    stage::{ACCOUNTS, API, Stage},
    tpp::Token,
};

#[test]
fn opaque_token_opens_the_api_to_its_client_alone_until_it_is_revoked() {
    let Some(plan) = Plan::new("An opaque token bound to a certificate") else { return };
    let stage = Stage::on(plan.introspecting());
    let (olga, mallory) = (&stage.olga, &stage.mallory);

    let token = stage.token(olga);

    assert_eq!(token.description(), "opaque");
    let call = || Call::to(API).by(olga).bearing(&token);
    stage.hold(&call(), "200", &[ACCOUNTS]);
    stage.hold(&Call::to(API).by(mallory).bearing(&token), "401 binding_mismatch", &[]);
    stage.hold(&Call::to(API).bearing(&token), "401 certificate_missing", &[]);
    let invented = Token { name: "a token of nobody".to_owned(), text: "a".repeat(43) };
    stage.hold(&Call::to(API).by(olga).bearing(&invented), "401 token_inactive", &[]);

    let form = [("client_id", olga.id.as_str()), ("token", &token.text)];
    let revocation = Call::to("https://as.bank.example/token/revocation").by(olga).form("revocation of olga's", &form);
    stage.hold(&revocation, "200", &["provider: POST /token/revocation"]);

    // certbound remembers the answer for a second.
    stage.hold_soon(&call(), "200", "401 token_inactive", &[]);
}
