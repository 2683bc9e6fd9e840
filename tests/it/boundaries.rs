//! Whatever stands on one connection, and however it is cut: the bank sees the requests that a strict reader finds there,
//! and nothing after the first doubt.
//!
//! `CERTBOUND_STREAMS=50000` sends many more; `CERTBOUND_STREAMS_SEED=N` sends others, and the same again.

mod bank;
mod bodies;
mod client;
mod plan;
mod reader;
mod stage;
mod verdict;

use std::{
    sync::atomic::{AtomicU64, Ordering},
    thread,
};

use self::{
    plan::{Entrance, Plan},
    stage::Stage,
    verdict::Tally,
};
use crate::spoof::chance::number;

#[test]
fn bank_sees_the_requests_of_a_connection_that_a_strict_reader_finds_and_nothing_after_the_first_doubt() {
    let entrances = [Entrance::Enforcing, Entrance::Enforcing, Entrance::Reporting, Entrance::Alone];
    let tally = hold(&entrances, number("CERTBOUND_STREAMS").unwrap_or(STREAMS));

    // A certbound that refuses everything, or hears nothing, would keep all of this too.
    tally.assert_broad();
}

#[test]
fn bank_sees_the_requests_of_a_tls_connection_that_a_strict_reader_finds() {
    hold(&[Entrance::Tls], number("CERTBOUND_STREAMS").unwrap_or(STREAMS) / 8);
}

/// So many streams, from the seed on; each is judged for itself.
fn hold(entrances: &[Entrance], streams: u64) -> Tally {
    let seed = number("CERTBOUND_STREAMS_SEED").unwrap_or(1);
    let (stage, next) = (Stage::set(entrances), AtomicU64::new(0));
    let tally = thread::scope(|scope| {
        let workers: Vec<_> = (0..WORKERS)
            .map(|_| {
                scope.spawn(|| {
                    let mut tally = Tally::default();
                    loop {
                        let number = next.fetch_add(1, Ordering::Relaxed);
                        if number >= streams {
                            return tally;
                        }
                        let plan = Plan::of(seed.wrapping_add(number), entrances, &stage.credentials);
                        if let Err(fault) = stage.send(&plan).judge(&plan, &mut tally) {
                            next.store(streams, Ordering::Relaxed);
                            panic!("CERTBOUND_STREAMS_SEED={} CERTBOUND_STREAMS=8: {fault}", plan.seed);
                        }
                    }
                })
            })
            .collect();
        workers.into_iter().fold(Tally::default(), |all, worker| all.with(worker.join().unwrap()))
    });
    stage.judge_the_late(entrances);
    println!("{tally:?}");
    tally
}

/// Some seconds.
const STREAMS: u64 = 800;
/// Most of the time each waits.
const WORKERS: usize = 8;
