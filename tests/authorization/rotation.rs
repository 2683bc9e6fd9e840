//! A new key signs while requests run.

use std::{
    thread,
    time::{Duration, Instant},
};

use crate::{
    call::Call,
    stage::{ACCOUNTS, API, Stage},
    support::{balancer::curl::Curl, sidecar::DEADLINE},
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
    await_passing(&stage, &call(&third));
    stage.hold(&call(&third), "200", &[ACCOUNTS]);
    stage.hold(&call(&second), "200", &[ACCOUNTS]);
    stage.hold(&call(&first), "401 token_key_unknown", &[]);
    stage.note(&format!("meanwhile, with <{}>", second.name), &with_second.end(), &[]);
}

/// Unknown keys make certbound ask for keys once in ten seconds, so a second new key that soon waits for its turn.
fn await_passing(stage: &Stage, call: &Call<'_>) {
    let curl = Curl::new(stage.api.port());
    let until = Instant::now() + DEADLINE;
    loop {
        let answer = call.send(&curl);
        if answer.status == 200 {
            break;
        }
        assert_eq!((answer.status, answer.code().as_str()), (401, "token_key_unknown"));
        assert!(Instant::now() < until, "the newest key is never found");
        thread::sleep(Duration::from_millis(100));
    }
    stage.note(&format!("{}, until it passes", call.shown()), "200", &[ACCOUNTS]);
}
