//! What was used at one instance is known at the others, and silence is a refusal.

use crate::{
    dpop::{self, ADDRESS},
    support::{bank::Bank, config::Config, connection::Answer, proof::Holder, redis::Redis, sidecar::Sidecar},
    verdict::{assert_passed, assert_refused},
};

/// Certbound that remembers on this server.
fn remembering(redis: &Redis, bank: &Bank) -> Config {
    dpop::config(bank).set("replay.redis", &format!("{:?}", format!("unix:{}", redis.socket().display())))
}

/// A request with a proof of its own, to be sent anywhere.
fn fresh(holder: &Holder) -> (String, String) {
    let token = holder.token().sign();
    let proof = holder.proof(ADDRESS, &token).sign();
    (token, proof)
}

fn send(sidecar: &Sidecar, (token, proof): &(String, String)) -> Answer {
    sidecar.get("/accounts").header("Authorization", &format!("DPoP {token}")).header("DPoP", proof).send()
}

#[test]
fn proof_that_one_instance_took_is_refused_by_the_other() {
    let Some(redis) = Redis::start() else { return };
    let (bank, holder) = (Bank::start(), Holder::new());
    let config = remembering(&redis, &bank);
    let (here, there) = (config.start(), config.start());
    let (first, second) = (fresh(&holder), fresh(&holder));

    assert_passed(&send(&here, &first), &bank);
    assert_refused(&send(&there, &first), "proof_replayed", &bank);
    assert_refused(&send(&here, &first), "proof_replayed", &bank);
    assert_passed(&send(&there, &second), &bank);
    assert_refused(&send(&here, &second), "proof_replayed", &bank);

    let counted = |result| format!("certbound_single_uses_total{{result=\"{result}\"}} 1");
    there.await_metrics(|page| page.contains(&counted("first")) && page.contains(&counted("again")));
}

#[test]
fn nothing_is_taken_while_the_server_is_away() {
    let Some(mut redis) = Redis::start() else { return };
    let (bank, holder) = (Bank::start(), Holder::new());
    let sidecar = remembering(&redis, &bank).start();
    assert_passed(&send(&sidecar, &fresh(&holder)), &bank);

    redis.stop();
    assert_refused(&send(&sidecar, &fresh(&holder)), "proof_invalid", &bank);
    assert_eq!(sidecar.event("uses_not_answered")["level"], "warn");
    sidecar.await_metrics(|page| page.contains("certbound_single_uses_total{result=\"unknown\"} 1"));

    redis.start_again();
    assert_passed(&send(&sidecar, &fresh(&holder)), &bank);
}

#[test]
fn password_is_in_no_line() {
    let Some(redis) = Redis::with_password("correct-horse") else { return };
    let (bank, holder) = (Bank::start(), Holder::new());
    let with = |password: &str| {
        remembering(&redis, &bank).set("replay.password_file", r#""redis-password""#).file("redis-password", password)
    };
    let (wrong, right) = (with("battery-staple\n").start(), with("correct-horse\n").start());

    assert_refused(&send(&wrong, &fresh(&holder)), "proof_invalid", &bank);
    let warning = wrong.event("uses_not_answered");
    assert_eq!(warning["error"], "the server refuses: WRONGPASS");
    assert_passed(&send(&right, &fresh(&holder)), &bank);

    for line in [wrong.stdout(), wrong.stderr(), right.stdout(), right.stderr()].concat() {
        assert!(!line.contains("battery-staple") && !line.contains("correct-horse"), "{line}");
    }
}

#[test]
fn memory_without_room_takes_nothing_new() {
    let (bank, holder) = (Bank::start(), Holder::new());
    let sidecar = dpop::config(&bank).set("replay.entries", "1").start();
    let first = fresh(&holder);

    assert_passed(&send(&sidecar, &first), &bank);
    assert_refused(&send(&sidecar, &fresh(&holder)), "overloaded", &bank);
    assert_refused(&send(&sidecar, &first), "proof_replayed", &bank);
    assert_eq!(sidecar.event("uses_full")["level"], "warn");
}
