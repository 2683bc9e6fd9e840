//! A bank that keeps what it saw by the stream it belongs to, and answers early, late, in part, or not at all.

use std::{
    collections::{BTreeMap, HashSet},
    io::{self, BufRead, BufReader, Read, Write},
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use crate::support::{
    message::Head,
    sidecar::DEADLINE,
    stream::{Listener, Stream},
};

pub(super) struct Bank {
    address: String,
    desk: Arc<Desk>,
}

/// A request as it reached the bank.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    pub(super) marker: String,
    pub(super) method: String,
    pub(super) target: String,
    pub(super) body: Vec<u8>,
    pub(super) state: State,
}

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) enum State {
    #[default]
    Coming,
    Whole,
    /// It never came to its end, or the bank did not want to know.
    Cut,
}

#[derive(Default)]
struct Desk {
    seen: Mutex<BTreeMap<usize, Seen>>,
    count: AtomicUsize,
    open: Mutex<HashSet<String>>,
    opened: Condvar,
}

/// The part of a marker that all requests of one stream share.
pub(super) fn stream_of(marker: &str) -> &str {
    marker.rsplit_once('.').map_or(marker, |(stream, _)| stream)
}

impl Bank {
    pub(super) fn start() -> Self {
        let listener = Listener::tcp();
        let address = listener.address().unwrap().to_string();
        let desk = Arc::new(Desk::default());
        let behind = Arc::clone(&desk);
        listener.serve(move |stream| behind.attend(stream));
        Self { address, desk }
    }

    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// How many requests of the stream have come.
    pub(super) fn count(&self, stream: &str) -> usize {
        self.desk.seen.lock().unwrap().values().filter(|seen| stream_of(&seen.marker) == stream).count()
    }

    /// Lets requests of the stream be answered that wait for it.
    pub(super) fn open(&self, stream: &str) {
        self.desk.open.lock().unwrap().insert(stream.to_owned());
        self.desk.opened.notify_all();
    }

    /// What came of the stream, once nothing more of it is on its way; it is then forgotten.
    pub(super) fn take(&self, stream: &str) -> Vec<Seen> {
        let until = Instant::now() + DEADLINE;
        loop {
            let mut seen = self.desk.seen.lock().unwrap();
            let of_stream = |seen: &Seen| stream_of(&seen.marker) == stream;
            let coming = seen.values().any(|seen| of_stream(seen) && seen.state == State::Coming);
            if !coming || Instant::now() > until {
                self.desk.open.lock().unwrap().remove(stream);
                let (taken, left) = std::mem::take(&mut *seen).into_iter().partition(|(_, seen)| of_stream(seen));
                *seen = left;
                return BTreeMap::into_values(taken).collect();
            }
            drop(seen);
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// What came and belongs to none of the streams that were taken.
    pub(super) fn left(&self) -> Vec<Seen> {
        self.desk.seen.lock().unwrap().values().cloned().collect()
    }
}

impl Desk {
    fn attend(&self, stream: Box<dyn Stream>) {
        let mut stream = BufReader::new(stream);
        loop {
            let mut place = usize::MAX;
            match self.serve(&mut stream, &mut place) {
                Ok(true) => {}
                Ok(false) => return self.note(place, |seen| seen.state = State::Cut),
                Err(error) => {
                    // Bytes behind what could not be read are no end of a connection, but something that is no request.
                    let is_of_reading = matches!(error.kind(), io::ErrorKind::Other | io::ErrorKind::UnexpectedEof);
                    let left = stream.fill_buf().map(<[u8]>::to_vec).unwrap_or_default();
                    self.note(place, |seen| seen.state = State::Cut);
                    if is_of_reading && !left.is_empty() {
                        let marker = format!("unreadable: {}", left.escape_ascii());
                        self.enter(Seen { marker, state: State::Cut, ..Seen::default() });
                    }
                    return;
                }
            }
        }
    }

    fn note(&self, place: usize, change: impl FnOnce(&mut Seen)) {
        if let Some(seen) = self.seen.lock().unwrap().get_mut(&place).filter(|seen| seen.state == State::Coming) {
            change(seen);
        }
    }

    fn enter(&self, seen: Seen) -> usize {
        let place = self.count.fetch_add(1, Ordering::Relaxed);
        self.seen.lock().unwrap().insert(place, seen);
        place
    }

    /// Whether the connection goes on. `place`: of what is seen.
    fn serve(&self, stream: &mut BufReader<Box<dyn Stream>>, place: &mut usize) -> io::Result<bool> {
        let Some(head) = Head::read(stream)? else { return Ok(false) };
        let mut words = head.start.split(' ').map(str::to_owned);
        let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let marker = head.fields.all("x-marker").join(", ");
        let seen = Seen { marker: marker.clone(), method, target: target.clone(), ..Seen::default() };
        *place = self.enter(seen);
        let place = *place;
        let does = target.rsplit('/').next().unwrap_or_default();
        if head.fields.get("upgrade").is_some() && does == "socket" {
            return tunnel(stream.get_mut(), &marker);
        }
        if does.starts_with("early") {
            answer(stream.get_mut(), &marker, "200 Early", "")?;
        }
        if does == "early-close" {
            return Ok(false);
        }
        if head.fields.get("expect").is_some() && does != "early" {
            say(stream.get_mut(), b"HTTP/1.1 100 Continue\r\n\r\n")?;
        }
        let mut body = head.request_body();
        while let Some(piece) = body.next(stream)? {
            self.note(place, |seen| seen.body.extend_from_slice(&piece));
        }
        self.note(place, |seen| seen.state = State::Whole);
        let stream = stream.get_mut();
        match does {
            "early" => Ok(true),
            "late" => {
                let (open, name) = (self.open.lock().unwrap(), stream_of(&marker));
                drop(self.opened.wait_timeout_while(open, LATE, |open| !open.contains(name)).unwrap());
                answer(stream, &marker, "200 Late", "")
            }
            "drop" => Ok(false),
            "close" => answer(stream, &marker, "200 OK", "Connection: close\r\n").map(|_| false),
            "cut" => {
                say(stream, b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")?;
                Ok(false)
            }
            "interim" => {
                say(stream, b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")?;
                answer(stream, &marker, "200 OK", "")
            }
            "chunks" => {
                let head = format!("HTTP/1.1 200 OK\r\nX-Answered: {marker}\r\nTransfer-Encoding: chunked\r\n\r\n");
                let is_head = self.seen.lock().unwrap().get(&place).is_some_and(|seen| seen.method == "HEAD");
                let body = if is_head { "" } else { "5\r\nhello\r\n0\r\n\r\n" };
                say(stream, [head.as_bytes(), body.as_bytes()].concat().as_slice()).map(|()| true)
            }
            _ => answer(stream, &marker, "200 OK", ""),
        }
    }
}

/// Without a body, so that the method does not matter.
fn answer(stream: &mut impl Write, marker: &str, status: &str, more: &str) -> io::Result<bool> {
    let head = format!("HTTP/1.1 {status}\r\nX-Answered: {marker}\r\n{more}Content-Length: 0\r\n\r\n");
    say(stream, head.as_bytes()).map(|()| true)
}

fn tunnel(stream: &mut Box<dyn Stream>, marker: &str) -> io::Result<bool> {
    let head = format!("HTTP/1.1 101 Switching Protocols\r\nX-Answered: {marker}\r\nConnection: Upgrade\r\n");
    say(stream, format!("{head}Upgrade: websocket\r\n\r\n").as_bytes())?;
    let mut buffer = [0; 1024];
    while stream.read(&mut buffer)? > 0 {}
    Ok(false)
}

fn say(stream: &mut impl Write, bytes: &[u8]) -> io::Result<()> {
    stream.write_all(bytes)?;
    stream.flush()
}

/// Somebody forgot to open.
const LATE: Duration = Duration::from_secs(5);
