//! Clients that take their time: each part of a connection's life has a deadline.

use std::time::{Duration, Instant};

use crate::{
    crowd::Crowd,
    stage::{HEADER_TIMEOUT, IDLE_TIMEOUT, Stage},
    support::{
        config::Config,
        frames::{self, Frames},
        pki::Pki,
    },
};

#[test]
fn header_section_that_drips_is_cut_at_its_deadline() {
    let stage = Stage::new(|config| config);

    let toll = stage.under("header sections that drip", |sidecar| {
        let mut crowd = Crowd::of(CROWD, sidecar.address());
        crowd.say(b"GET /attack HTTP/1.1\r\nHost: a\r\nX-Slow: ");
        crowd.drip(b"a", PATIENCE);
        cut(&crowd, HEADER_TIMEOUT)
    });

    toll.spared_the_bank().holds_within(CROWD as u64 * CONNECTION);
}

#[test]
fn header_section_that_drips_on_http2_is_cut_at_its_deadline() {
    let stage = Stage::new(|config| config);

    let toll = stage.under("header sections that drip, HTTP/2", |sidecar| {
        let mut crowd = Crowd::of(CROWD, sidecar.address());
        crowd.say(&Frames::preface());
        crowd.say(&frames::frame(frames::HEADERS, 0, 1, &frames::literal(b":method", b"GET")));
        crowd.drip(&frames::frame(frames::CONTINUATION, 0, 1, b"\0\x01a\x01b"), PATIENCE);
        cut(&crowd, IDLE_TIMEOUT)
    });

    toll.spared_the_bank().holds_within(CROWD as u64 * CONNECTION);
}

#[test]
fn handshake_that_is_never_finished_is_cut_at_the_deadline_of_a_header_section() {
    let stage = Stage::new(Config::with_tls);

    let toll = stage.under("TLS handshakes never finished", |sidecar| {
        let mut crowd = Crowd::of(CROWD, sidecar.address());
        crowd.say(b"\x16\x03\x01\x02\x00\x01");
        crowd.drip(b"\0", PATIENCE);
        cut(&crowd, HEADER_TIMEOUT)
    });

    toll.spared_the_bank().holds_within(CROWD as u64 * CONNECTION);
}

#[test]
fn proxy_header_that_never_comes_is_cut_at_the_deadline_of_a_header_section() {
    let stage = Stage::new(|config| config.set("load_balancer.proxy_protocol", r#""v1""#));

    let toll = stage.under("PROXY headers that never come", |sidecar| {
        let mut crowd = Crowd::of(CROWD, sidecar.address());
        crowd.say(b"PROXY TCP4 192.0.2.1 ");
        crowd.drip(b"", PATIENCE);
        cut(&crowd, HEADER_TIMEOUT)
    });

    toll.spared_the_bank().holds_within(CROWD as u64 * CONNECTION);
}

#[test]
fn body_that_drips_on_a_request_that_is_refused_is_not_waited_for() {
    let stage = Stage::new(|config| config);

    let toll = stage.under("bodies that drip, refused", |sidecar| {
        let mut crowd = Crowd::of(FORWARDED, sidecar.address());
        crowd.say(b"POST /attack HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n");
        crowd.drip(b"a", PATIENCE);
        assert_eq!(crowd.statuses().get("401"), Some(&FORWARDED), "{:?}", crowd.statuses());
        cut(&crowd, DRAIN)
    });

    toll.spared_the_bank().holds_within(FORWARDED as u64 * (CONNECTION + BODY));
}

#[test]
fn body_that_drips_on_a_request_that_is_forwarded_is_cut_when_it_is_too_slow_as_a_whole() {
    let stage = Stage::new(|config| config);
    let allowed = stage.sidecar.post("/slow", "").header("X-Slow", "1").by(&Pki::get().alice).bytes();
    let allowed = String::from_utf8(allowed).unwrap().replace("Content-Length: 0", "Content-Length: 100000");

    let toll = stage.under("bodies that drip, forwarded", |sidecar| {
        let mut crowd = Crowd::of(FORWARDED, sidecar.address());
        crowd.say(allowed.as_bytes());
        crowd.drip(b"a", PATIENCE);
        assert_eq!(crowd.statuses().get("400"), Some(&FORWARDED), "{:?}", crowd.statuses());
        cut(&crowd, IDLE_TIMEOUT + DRAIN)
    });

    toll.holds_within(FORWARDED as u64 * FORWARDED_CONNECTION);
}

#[test]
fn body_that_drips_on_http2_is_cut_when_it_is_too_slow_as_a_whole() {
    let stage = Stage::new(|config| config);
    let alice = &Pki::get().alice;
    let certificate = crate::support::forms::percent_pem(&alice.der);
    let token = format!("Bearer {}", alice.token());
    let fields =
        [(&b"ssl.client.auth.cert.x509"[..], certificate.as_bytes()), (&b"authorization"[..], token.as_bytes())];
    let head = frames::open_ended(frames::request(1, &frames::with_pseudo("POST", "/slow", &fields), &[]).remove(0));

    let toll = stage.under("bodies that drip, HTTP/2", |sidecar| {
        let mut crowd = Crowd::of(FORWARDED, sidecar.address());
        crowd.say(&[&Frames::preface()[..], &head].concat());
        crowd.drip(&frames::frame(frames::DATA, 0, 1, b"a"), PATIENCE);
        // The stream ends, and the connection when it has been idle long enough.
        cut(&crowd, IDLE_TIMEOUT * 2 + DRAIN)
    });

    toll.holds_within(FORWARDED as u64 * FORWARDED_CONNECTION);
}

#[test]
fn answer_that_nobody_reads_is_given_up_when_nothing_was_taken_for_the_idle_timeout() {
    let stage = Stage::new(|config| config);
    let large = stage.sidecar.get("/large/100000000").by(&Pki::get().alice).bytes();

    let toll = stage.under("answers that nobody reads", |sidecar| {
        let mut crowd = Crowd::of(READERS, sidecar.address());
        crowd.say(&large);
        let active = |page: &str| page.lines().find_map(|line| line.strip_prefix(ACTIVE)?.parse::<usize>().ok());
        sidecar.await_metrics(|page| active(page) >= Some(READERS));
        let begun = Instant::now();
        // The good client may be the last.
        sidecar.await_metrics(|page| active(page) <= Some(1));
        assert!(begun.elapsed() < IDLE_TIMEOUT + GRACE, "{:?}", begun.elapsed());
        (READERS, format!("given up after {:.1} s", begun.elapsed().as_secs_f64()))
    });

    toll.holds_within(READERS as u64 * FORWARDED_CONNECTION);
}

/// What has to be said of clients that were all cut off in time.
fn cut(crowd: &Crowd, deadline: Duration) -> (usize, String) {
    assert_eq!(crowd.open(), 0, "some are still open after {PATIENCE:?}: {:?}", crowd.statuses());
    assert!(crowd.longest() < deadline + GRACE, "{:?}", crowd.longest());
    (crowd.count(), format!("cut after {:.1} s at most, {:?}", crowd.longest().as_secs_f64(), crowd.statuses()))
}

const CROWD: usize = 400;
/// Where each has a buffer for a body, and a connection to the bank.
const FORWARDED: usize = 100;
/// Few, or the system runs out of memory for what is on its way, and hands it on piece by piece.
const READERS: usize = 20;
/// In KiB: what a connection may take besides what its request may.
const CONNECTION: u64 = 64;
/// In KiB: the same with pieces of an answer on their way to a client that does not take them.
const FORWARDED_CONNECTION: u64 = 2048;
/// In KiB: the buffer that pieces of a body are read into.
const BODY: u64 = 128;
const ACTIVE: &str = "http_server_active_requests ";
const PATIENCE: Duration = Duration::from_secs(12);
/// How long the rest of a body is read before and after a refusal.
const DRAIN: Duration = Duration::from_secs(3);
/// For a busy machine.
const GRACE: Duration = Duration::from_secs(5);
