//! Nobody reads standard output any more.

use std::time::{Duration, Instant};

use crate::{
    load,
    matrix::TURN,
    part::{APART, NEEDING},
    support::{bank::Bank, config::Config, pki::Pki, sidecar::DEADLINE},
    verdict::{assert_passed, assert_refusal, assert_refused},
};

#[test]
fn log_that_nobody_reads_holds_up_no_request_and_no_probe() {
    let _alone = TURN.lock();
    let bank = Bank::start();
    // Each failure of the backend is an event of the log.
    let sidecar = Config::to(&Bank::closed().to_string()).set("audit.sink", r#""off""#).start();
    let Pki { alice, mallory, .. } = Pki::get();
    sidecar.hold_output();

    let begun = Instant::now();
    for _ in 0..1000 {
        assert_refusal(&sidecar.get(NEEDING).by(alice).send(), "backend_unreachable");
    }
    assert_refused(&sidecar.get(APART).showing(mallory).bearing(alice.token()).send(), "binding_mismatch", &bank);
    assert_eq!(sidecar.admin("/livez").status, 200);
    assert!(begun.elapsed() < DEADLINE, "{:?}", begun.elapsed());

    sidecar.read_on();
    assert_eq!(sidecar.events("backend_failed", 1000).len(), 1000);
}

#[test]
fn decision_is_not_carried_out_when_nobody_reads_standard_output() {
    let _alone = TURN.lock();
    let bank = Bank::start();
    let sidecar = Config::in_front_of(&bank).start();
    let alice = &Pki::get().alice;
    sidecar.hold_output();

    load::exhaust(&sidecar, || sidecar.get(NEEDING).by(alice).send().status == 200);
    bank.take();
    assert_refused(&sidecar.get(NEEDING).by(alice).send(), "audit_unavailable", &bank);
    assert_eq!(sidecar.admin("/livez").status, 200);

    sidecar.read_on();
    let until = Instant::now() + DEADLINE;
    while sidecar.get(NEEDING).by(alice).send().status != 200 {
        assert!(Instant::now() < until, "it does not recover");
        std::thread::sleep(Duration::from_millis(20));
    }
    bank.take();
    assert_passed(&sidecar.get(NEEDING).by(alice).send(), &bank);
}
