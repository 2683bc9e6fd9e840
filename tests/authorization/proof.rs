//! Tokens bound to a key, which the client proves that it has (RFC 9449).

use crate::{
    call::Call,
    plan::Plan,
    stage::{ACCOUNTS, API, Stage},
};

#[test]
fn token_bound_to_a_key_opens_the_api_once_with_each_proof() {
    let Some(mut plan) = Plan::new("A JWT bound to a key") else { return };
    plan.api = plan.api.set("token.binding", BINDING);
    let stage = Stage::on(plan);
    let dora = &stage.dora;

    let (token, proofs) = stage.token_with_proofs(dora);

    let call = |proof| Call::to(API).by(dora).proving(&token, &proofs, proof);
    stage.hold(&call(Some("a proof")), "200", &[ACCOUNTS]);
    stage.hold(&call(Some("a proof")), "401 proof_replayed", &[]);
    for wrong in ["a proof for another address", "a proof for another token", "a proof of another key"] {
        stage.hold(&call(Some(wrong)), "401 proof_invalid", &[]);
    }
    stage.hold(&call(None), "401 proof_missing", &[]);
    stage.hold(&Call::to(API).by(dora).bearing(&token), "401 proof_missing", &[]);
}

#[test]
fn client_takes_the_nonce_that_it_is_handed_into_its_next_proof() {
    let Some(mut plan) = Plan::new("Proofs that have to hold a nonce") else { return };
    plan.api = plan.api.set("token.binding", BINDING).set("token.dpop.nonce", "true");
    let stage = Stage::on(plan);
    let dora = &stage.dora;

    // openid-client starts without a nonce, and finds one in the refusal.
    let (token, proofs) = stage.token_with_proofs(dora);

    let call = Call::to(API).by(dora).proving(&token, &proofs, Some("a proof"));
    stage.hold(&call, "401 proof_invalid", &[]);
}

const BINDING: &str = r#"["x5t#S256", "jkt"]"#;
