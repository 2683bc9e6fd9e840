//! Ten thousand connections on which nothing happens.

use std::{thread, time::Duration};

use crate::{
    crowd::Crowd,
    process::{Process, allow_descriptors},
    stage::Stage,
    support::{connection::Connection, pki::Pki},
};

#[test]
fn ten_thousand_idle_connections_cost_little_and_one_more_is_turned_away() {
    // Each has an end here and an end there, and the bank and the good client need some.
    let allowed = usize::try_from(allow_descriptors(WANTED as u64 + 500)).unwrap();
    let count = WANTED.min(allowed.saturating_sub(500));
    if count < WANTED {
        eprintln!("SCALED DOWN: only {count} idle connections, for this process may open no more than {allowed} files");
    }
    // One for the good client.
    let stage = Stage::new(|config| {
        config.set("listen.max_connections", &(count + 1).to_string()).set("listen.idle_timeout", r#""600s""#)
    });
    let request = stage.sidecar.get("/idle").by(&Pki::get().alice).bytes();
    let process = Process(stage.sidecar.process());

    let toll = stage.under("idle connections", |sidecar| {
        let quiet = process.resident();
        // A few at a time: whoever says nothing within the header timeout is not taken for idle.
        let mut crowd = Crowd::of(0, sidecar.address());
        while crowd.count() < count {
            let mut some = Crowd::of(AT_ONCE.min(count - crowd.count()), sidecar.address());
            some.say(&request);
            some.await_answers(1, Duration::from_secs(10));
            crowd.join(some);
        }
        assert_eq!(crowd.statuses().get("200"), Some(&count), "{:?}", crowd.statuses());
        thread::sleep(SETTLE);
        let each = (process.resident() - quiet) * 1024 / count as u64;
        assert!(each <= IDLE_CONNECTION * 1024, "an idle connection takes {each} bytes");

        let mut over = Crowd::of(TOO_MANY, sidecar.address());
        over.drip(b"", Duration::from_secs(5));
        assert_eq!(over.open(), 0, "connections over the limit are closed at once");
        sidecar.await_metrics(|page| page.contains(&format!("certbound_connections_refused_total {TOO_MANY}\n")));
        (count, format!("kept, {each} bytes each; {TOO_MANY} more closed after {:?} at most", over.longest()))
    });

    toll.holds_within(count as u64 * IDLE_CONNECTION);
    let mut late = Connection::tcp(stage.sidecar.address());
    assert_eq!(
        stage.sidecar.get("/late").by(&Pki::get().alice).send_on(&mut late).status,
        200,
        "a place is free again"
    );
}

const WANTED: usize = 10_000;
const AT_ONCE: usize = 100;
const TOO_MANY: usize = 200;
/// In KiB, about twice what one takes: with Pingora's state of a request it would be over 30.
const IDLE_CONNECTION: u64 = 8;
/// Until what the requests took has been given back.
const SETTLE: Duration = Duration::from_millis(500);
