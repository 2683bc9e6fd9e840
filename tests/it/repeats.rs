//! What a bank that speaks HTTP/2 says it did nothing with is sent again, and nothing else that could be done twice.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener},
    sync::{Arc, Mutex},
    thread,
};

use crate::support::{
    config::Config,
    frames::{self, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, RESET, SETTINGS},
    pki::Pki,
    stream::patient,
};

/// How the bank ends a stream that it does not answer.
#[derive(Clone, Copy, Debug)]
enum End {
    /// RST_STREAM with this error.
    Reset(u32),
    /// GOAWAY with this error, and the last stream that it has taken so many before this one.
    GoAway(u32, u32),
}

/// A bank that ends the first `refused` requests like this and answers all others.
struct Bank {
    address: SocketAddr,
    bodies: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Bank {
    fn start(refused: usize, end: End) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, bodies) = (listener.local_addr().unwrap(), Arc::<Mutex<Vec<_>>>::default());
        let kept = Arc::clone(&bodies);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (stream, kept) = (patient(stream.unwrap()), Arc::clone(&kept));
                thread::spawn(move || attend(stream, refused, end, &kept));
            }
        });
        Self { address, bodies }
    }
}

/// None at the end of the connection.
fn attend(mut stream: impl Read + Write, refused: usize, end: End, bodies: &Mutex<Vec<Vec<u8>>>) -> Option<()> {
    stream.read_exact(&mut [0; 24]).ok()?;
    stream.write_all(&frames::frame(SETTINGS, 0, 0, b"")).ok()?;
    let mut body = Vec::new();
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head).ok()?;
        let mut payload = vec![0; u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize];
        stream.read_exact(&mut payload).ok()?;
        let (kind, flags, id) = (head[3], head[4], u32::from_be_bytes(head[5..].try_into().unwrap()));
        if kind == DATA {
            body.extend_from_slice(&payload);
        }
        if !matches!(kind, DATA | HEADERS) || flags & END_STREAM == 0 {
            continue;
        }
        let mut bodies = bodies.lock().unwrap();
        bodies.push(std::mem::take(&mut body));
        let answer = match end {
            _ if bodies.len() > refused => {
                // `:status: 200` (RFC 7541, appendix A).
                frames::frame(HEADERS, END_HEADERS | END_STREAM, id, &[0x88])
            }
            End::Reset(error) => frames::frame(RESET, 0, id, &error.to_be_bytes()),
            End::GoAway(error, before) => {
                let last = id.saturating_sub(before);
                frames::frame(GOAWAY, 0, 0, &[last.to_be_bytes(), error.to_be_bytes()].concat())
            }
        };
        stream.write_all(&answer).ok()?;
        if let (GOAWAY, End::GoAway(_, 0)) = (answer[3], end) {
            return None;
        }
    }
}

#[test]
fn request_that_the_bank_did_nothing_with_is_sent_again_whatever_its_method() {
    for (refused, end, status, sent) in [
        (1, End::Reset(REFUSED_STREAM), 200, 2),
        (1, End::GoAway(NO_ERROR, 2), 200, 2),
        (9, End::Reset(REFUSED_STREAM), 502, 3),
        // The bank may have carried these out.
        (1, End::Reset(INTERNAL_ERROR), 502, 1),
        (1, End::Reset(CANCEL), 502, 1),
        (1, End::GoAway(NO_ERROR, 0), 502, 1),
        (1, End::GoAway(ENHANCE_YOUR_CALM, 0), 502, 1),
    ] {
        let bank = Bank::start(refused, end);
        let sidecar = Config::to(&bank.address.to_string()).set("backend.http2", "true").start();

        let answer = sidecar.post("/payments", "1.10").by(&Pki::get().alice).send();

        assert_eq!(answer.status, status, "{end:?}");
        assert_eq!(*bank.bodies.lock().unwrap(), vec![b"1.10".to_vec(); sent], "{end:?}");
    }
}

const NO_ERROR: u32 = 0;
const INTERNAL_ERROR: u32 = 2;
const REFUSED_STREAM: u32 = 7;
const CANCEL: u32 = 8;
const ENHANCE_YOUR_CALM: u32 = 11;
