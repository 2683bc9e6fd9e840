//! What HTTP/2 lets a client have for next to nothing: streams, resets, settings, header lists.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    thread,
    time::{Duration, Instant},
};

use crate::{
    stage::Stage,
    support::{
        frames::{self, Frames},
        sidecar::Sidecar,
    },
};

/// Writes `piece` of the flood, numbered, again and again, while another thread reads what comes back. Returns how many were
/// written before the connection ended, at most `most`, and how it ended.
fn flood(address: SocketAddr, most: usize, piece: impl Fn(u32) -> Vec<u8>) -> (usize, Ended) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_write_timeout(Some(Duration::from_secs(10))).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let mut reading = stream.try_clone().unwrap();
    let reader = thread::spawn(move || Ended::read(&mut reading));
    stream.write_all(&Frames::preface()).unwrap();
    let mut written = 0;
    let mut batch = Vec::new();
    'flood: while written < most {
        batch.clear();
        for _ in 0..BATCH {
            batch.extend(piece(u32::try_from(written).unwrap()));
            written += 1;
        }
        if stream.write_all(&batch).is_err() {
            break 'flood;
        }
    }
    let _ = stream.shutdown(std::net::Shutdown::Write);
    (written, reader.join().unwrap())
}

/// What came back until the connection ended.
#[derive(Debug, Default)]
struct Ended {
    /// HTTP/2 error code (RFC 9113, section 7) of the last GOAWAY.
    goaway: Option<u32>,
    answers: usize,
    resets: usize,
}

impl Ended {
    fn read(stream: &mut TcpStream) -> Self {
        let mut ended = Self::default();
        let mut head = [0; 9];
        while stream.read_exact(&mut head).is_ok() {
            let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
            let mut payload = vec![0; length];
            if stream.read_exact(&mut payload).is_err() {
                break;
            }
            match head[3] {
                frames::GOAWAY => ended.goaway = Some(u32::from_be_bytes(payload[4..8].try_into().unwrap())),
                frames::HEADERS => ended.answers += 1,
                frames::RESET => ended.resets += 1,
                _ => {}
            }
        }
        ended
    }
}

fn get(stream: u32) -> Vec<u8> {
    frames::request(stream, &frames::with_pseudo("GET", "/attack", &[]), &[]).concat()
}

fn odd(number: u32) -> u32 {
    number * 2 + 1
}

fn run(name: &str, most: usize, piece: impl Fn(u32) -> Vec<u8> + Sync) {
    let stage = Stage::new(|config| config);

    let toll = stage.under(name, |sidecar| {
        let begun = Instant::now();
        let (mut written, mut last) = (0, Ended::default());
        // A connection that is ended is begun anew.
        while begun.elapsed() < LONG {
            for (frames, ended) in attackers(sidecar, most, &piece) {
                written += frames;
                last = ended;
            }
        }
        (written, format!("{last:?}"))
    });

    toll.spared_the_bank().holds_within(ATTACKERS as u64 * CONNECTION);
}

fn attackers(sidecar: &Sidecar, most: usize, piece: &(impl Fn(u32) -> Vec<u8> + Sync)) -> Vec<(usize, Ended)> {
    thread::scope(|scope| {
        let threads: Vec<_> = (0..ATTACKERS).map(|_| scope.spawn(|| flood(sidecar.address(), most, piece))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

#[test]
fn streams_that_are_reset_at_once_end_the_connection() {
    run("rapid reset", 20_000, |number| {
        [get(odd(number)), frames::frame(frames::RESET, 0, odd(number), &8_u32.to_be_bytes())].concat()
    });
}

#[test]
fn continuation_without_end_ends_the_connection() {
    run("CONTINUATION without end", 20_000, |number| match number {
        0 => frames::frame(frames::HEADERS, 0, 1, &frames::literal(b":method", b"GET")),
        _ => frames::frame(frames::CONTINUATION, 0, 1, b""),
    });
}

#[test]
fn settings_without_end_are_no_burden() {
    run("SETTINGS without end", 50_000, |_| frames::frame(frames::SETTINGS, 0, 0, b""));
}

#[test]
fn pings_without_end_are_no_burden() {
    run("PING without end", 50_000, |_| frames::frame(frames::PING, 0, 0, b"12345678"));
}

#[test]
fn more_streams_than_allowed_are_refused() {
    run("2,000 streams at once", 2000, |number| frames::open_ended(get(odd(number))));
}

#[test]
fn empty_data_without_end_is_no_burden() {
    run("empty DATA without end", 50_000, |number| match number {
        0 => frames::open_ended(get(1)),
        _ => frames::frame(frames::DATA, 0, 1, b""),
    });
}

#[test]
fn header_list_that_is_packed_is_measured_unpacked() {
    // One entry of 4,000 bytes in the table, then named by one byte, again and again.
    let value = vec![b'a'; 4000];
    let entry = [&b"\x40\x01x"[..], &frames::literal(b"", &value)[2..]].concat();
    run("packed header lists", 2000, move |number| {
        let pseudo: Vec<u8> = frames::with_pseudo("GET", "/attack", &[])
            .into_iter()
            .flat_map(|(name, value)| frames::literal(name, value))
            .collect();
        let bomb = if number == 0 { entry.clone() } else { vec![0x80 | 62; 10_000] };
        frames::frame(frames::HEADERS, frames::END_HEADERS | frames::END_STREAM, odd(number), &[pseudo, bomb].concat())
    });
}

const LONG: Duration = Duration::from_secs(2);
const BATCH: usize = 50;
const ATTACKERS: usize = 4;
/// In KiB: what a connection may take with as many streams as it may have.
const CONNECTION: u64 = 100 * 64;
