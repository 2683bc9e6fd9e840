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

    toll.spared_the_bank().holds_within(2 * CROWD as u64 * CONNECTION);
}

#[test]
fn pipelined_requests_are_no_flood() {
    let stage = Stage::new(|config| config);
    let many = stage.sidecar.get("/attack").showing(&Pki::get().mallory).bytes().repeat(20);

    let toll = stage.under("pipelined requests", |sidecar| {
        let mut statuses = Vec::new();
        for _ in 0..ROUNDS {
            let mut crowd = Crowd::of(CROWD, sidecar.address());
            crowd.say(&many);
            crowd.drip(b"", HEADER_TIMEOUT * 2);
            assert_eq!(crowd.open(), 0, "{:?}", crowd.statuses());
            statuses.push(crowd.statuses());
        }
        (ROUNDS * CROWD * 20, format!("{:?}", statuses[0]))
    });

    toll.spared_the_bank().holds_within(CROWD as u64 * CONNECTION);
}

#[test]
fn header_section_of_two_megabytes_is_refused_in_our_own_words_and_not_kept() {
    let stage = Stage::new(|config| config.set("listen.request_header_timeout", r#""30s""#));
    let filler = b"a".repeat(2 << 20);
    let line = [&b"GET /attack/"[..], &filler, b" HTTP/1.1\r\nHost: a\r\n\r\n"].concat();
    let field = [&b"GET /attack HTTP/1.1\r\nX-Long: "[..], &filler, b"\r\nHost: a\r\n\r\n"].concat();

    let toll = stage.under("header sections of 2 MiB", |sidecar| {
        let mut statuses = Vec::new();
        for section in [&line, &field] {
            let mut crowd = Crowd::of(LONG, sidecar.address());
            crowd.say_all(section, Duration::from_secs(25));
            crowd.drip(b"", Duration::from_secs(5));
            assert_eq!(crowd.statuses().get("431"), Some(&LONG), "{:?}", crowd.statuses());
            assert_eq!(crowd.open(), 0);
            statuses.push(crowd.statuses());
        }
        (2 * LONG, format!("{statuses:?}"))
    });

    toll.spared_the_bank().holds_within(LONG as u64 * (HEADER_BYTES + CONNECTION));
}

const CROWD: usize = 200;
const ROUNDS: usize = 3;
const LONG: usize = 50;
/// In KiB: `max_header_bytes`, twice that while the buffer doubles, and what the allocator has not given back yet.
const HEADER_BYTES: u64 = 4 * 128;
/// In KiB: what a connection may take besides what its request may.
const CONNECTION: u64 = 64;
