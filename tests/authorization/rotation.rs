//! A new key signs while requests run.

use crate::{
    call::Call,
    stage::{ACCOUNTS, API, Stage},
    tpp::Token,
    traffic::Traffic,
};

#[test]
fn keys_change_while_requests_run_and_none_is_lost() {
    let Some(stage) = Stage::set("New keys while requests run") else { return };
    let alice = &stage.alice;
    let call = |token: &Token| Call::to(API).by(alice).bearing(token);
    let first = stage.token(alice).named("first token");
    let with_first = Traffic::start(&stage, alice, &first);
    let asked = stage.provider.key_requests();

    stage.provider.rotate();

    let second = stage.token(alice).named("second token");
    assert_ne!(first.part(0)["kid"], second.part(0)["kid"]);
    stage.hold(&call(&second), "200", &[ACCOUNTS]);
    stage.hold(&call(&first), "200", &[ACCOUNTS]);
    assert_eq!(stage.provider.key_requests(), asked + 1, "one fetch finds the new key, and the old one is still there");
    let with_second = Traffic::start(&stage, alice, &second);
    stage.note(&format!("meanwhile, with <{}>", first.name), &with_first.end(), &[]);

    stage.provider.rotate();

    let third = stage.token(alice).named("third token");
    // Unknown keys make certbound ask for keys once in ten seconds, so a second new one has to wait for its turn.
    stage.hold_soon(&call(&third), "401 token_key_unknown", "200", &[ACCOUNTS]);
    stage.hold(&call(&second), "200", &[ACCOUNTS]);
    stage.hold(&call(&first), "401 token_key_unknown", &[]);
    stage.note(&format!("meanwhile, with <{}>", second.name), &with_second.end(), &[]);
}
