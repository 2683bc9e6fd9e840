//! Clients that say half of something, or too much at once, and what becomes of their connections.

use std::time::Duration;

use crate::{
    crowd::Crowd,
    stage::{HEADER_TIMEOUT, Stage},
    support::pki::Pki,
};

#[test]
fn half_closed_connection_is_answered_or_ended_and_never_kept() {
    let stage = Stage::new(|config| config);
    let whole = stage.sidecar.get("/attack").bytes();

    let toll = stage.under("half-closed connections", |sidecar| {
        let mut crowds = [Crowd::of(CROWD, sidecar.address()), Crowd::of(CROWD, sidecar.address())];
        crowds[0].say(&whole);
        crowds[1].say(&whole[..whole.len() / 2]);
        for crowd in &mut crowds {
            crowd.half_close();
            crowd.drip(b"", HEADER_TIMEOUT * 2);
            assert_eq!(crowd.open(), 0, "{:?}", crowd.statuses());
        }
        (2 * CROWD, format!("{:?}, {:?}", crowds[0].statuses(), crowds[1].statuses()))
    });

    toll.spared_the_bank().is_within(2 * CROWD as u64 * CONNECTION);
}

#[test]
fn pipelined_requests_are_no_flood() {
    let stage = Stage::new(|config| config);
    let many = stage.sidecar.get("/attack").showing(&Pki::get().mallory).bytes().repeat(20);

    let toll = stage.under("pipelined requests", |sidecar| {
        let mut crowd = Crowd::of(CROWD, sidecar.address());
        crowd.say(&many);
        crowd.drip(b"", HEADER_TIMEOUT * 2);
        assert_eq!(crowd.open(), 0, "{:?}", crowd.statuses());
        (CROWD * 20, format!("{:?}", crowd.statuses()))
    });

    toll.spared_the_bank().is_within(CROWD as u64 * CONNECTION);
}

#[test]
fn line_of_a_megabyte_is_refused_before_it_is_read_to_its_end() {
    let stage = Stage::new(|config| config);
    let line = [b"GET /".as_slice(), &b"a".repeat(1 << 20)].concat();

    let toll = stage.under("request lines of 1 MiB", |sidecar| {
        let mut crowd = Crowd::of(LONG, sidecar.address());
        for piece in line.chunks(1 << 14) {
            crowd.say(piece);
            crowd.listen();
        }
        crowd.drip(b"", Duration::from_secs(8));
        assert_eq!(crowd.open(), 0, "{:?}", crowd.statuses());
        (LONG, format!("{:?}", crowd.statuses()))
    });

    toll.spared_the_bank().is_within(LONG as u64 * (HEADER_BYTES + CONNECTION));
}

const CROWD: usize = 200;
const LONG: usize = 100;
/// In KiB: `max_header_bytes`, and what a buffer that doubles takes beyond it.
const HEADER_BYTES: u64 = 2 * 128;
/// In KiB: what a connection may take besides what its request may.
const CONNECTION: u64 = 64;
