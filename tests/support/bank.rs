//! A bank's API that knows nothing of certbound, and remembers whatever reached it.

use std::{
    io::{self, BufReader, Read, Write},
    net::SocketAddr,
    path::Path,
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use rustls::ServerConfig;
use serde_json::json;

use super::{
    message::{Fields, Head},
    sidecar::DEADLINE,
    stream::{Listener, Stream},
};

/// The API. What it does depends on the target, see [`Counter::answer`].
pub(crate) struct Bank {
    address: String,
    counter: Arc<Counter>,
}

/// A request as it reached the bank.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) target: String,
    /// The header section, byte for byte.
    pub(crate) raw: Vec<u8>,
    pub(crate) fields: Fields,
    pub(crate) trailers: Fields,
    /// The first 64 KiB.
    pub(crate) body: Vec<u8>,
    /// How long the body was in all.
    pub(crate) body_length: u64,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.fields.get(name)
    }

    /// Every header but those that any proxy may pass on: a header nobody thought of shows up here.
    pub(crate) fn identity(&self) -> Vec<(String, String)> {
        let plain = |(name, _): &&(String, String)| PLAIN.contains(&name.to_ascii_lowercase().as_str());
        let mut rest: Vec<_> = self.fields.0.iter().filter(|field| !plain(field)).cloned().collect();
        rest.iter_mut().for_each(|(name, _)| name.make_ascii_lowercase());
        rest.sort();
        rest
    }
}

struct Counter {
    seen: Mutex<Vec<Seen>>,
    connections: AtomicUsize,
    gate: (Mutex<bool>, Condvar),
}

impl Bank {
    pub(crate) fn start() -> Self {
        Self::on(Listener::tcp(), String::new())
    }

    /// One that listens on every address of this host, as no API behind a sidecar should.
    pub(crate) fn exposed() -> Self {
        let listener = Listener::anywhere();
        let port = listener.address().unwrap().port();
        Self { address: format!("127.0.0.1:{port}"), ..Self::on(listener, String::new()) }
    }

    pub(crate) fn over_tls(config: ServerConfig) -> Self {
        Self::on(Listener::tls(config), String::new())
    }

    pub(crate) fn on_unix(path: &Path) -> Self {
        Self::on(Listener::unix(path), format!("unix:{}", path.display()))
    }

    /// An address at which nobody listens.
    pub(crate) fn closed() -> SocketAddr {
        Listener::tcp().address().unwrap()
    }

    fn on(listener: Listener, name: String) -> Self {
        let address = listener.address().map_or(name, |address| address.to_string());
        let counter = Arc::new(Counter {
            seen: Mutex::default(),
            connections: AtomicUsize::new(0),
            gate: (Mutex::new(false), Condvar::new()),
        });
        let behind = Arc::clone(&counter);
        listener.serve(move |stream| {
            behind.connections.fetch_add(1, Ordering::SeqCst);
            // A client that goes away in the middle is that client's affair.
            let _ = behind.attend(stream);
        });
        Self { address, counter }
    }

    /// As `[backend] address` wants it.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// How many requests have arrived since the last [`Self::take`].
    pub(crate) fn requests(&self) -> usize {
        self.counter.seen.lock().unwrap().len()
    }

    pub(crate) fn connections(&self) -> usize {
        self.counter.connections.load(Ordering::SeqCst)
    }

    /// Everything since the last time, which is then forgotten.
    pub(crate) fn take(&self) -> Vec<Seen> {
        std::mem::take(&mut *self.counter.seen.lock().unwrap())
    }

    /// The one request since the last time, which is then forgotten.
    pub(crate) fn only(&self) -> Seen {
        let mut seen = self.take();
        assert_eq!(seen.len(), 1, "the bank saw {seen:?}");
        seen.remove(0)
    }

    /// Waits until it has seen so many requests.
    pub(crate) fn await_requests(&self, count: usize) {
        let until = Instant::now() + DEADLINE;
        while self.requests() < count {
            assert!(Instant::now() < until, "the bank saw {} requests", self.requests());
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Lets `/wait` answer, now and ever after.
    pub(crate) fn open(&self) {
        *self.counter.gate.0.lock().unwrap() = true;
        self.counter.gate.1.notify_all();
    }
}

impl Counter {
    fn attend(&self, stream: Box<dyn Stream>) -> io::Result<()> {
        let mut stream = BufReader::new(stream);
        while let Some(head) = Head::read(&mut stream)? {
            let mut words = head.start.split(' ').map(str::to_owned);
            let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
            let seen = Seen { method, target, raw: head.raw.clone(), fields: head.fields.clone(), ..Seen::default() };
            let place = self.record(seen.clone());
            let upgrades = head.fields.get("upgrade").is_some_and(|value| value.eq_ignore_ascii_case("websocket"));
            if upgrades && !head.start.contains("/wait") {
                return match head.start.contains("/101") {
                    true => say(
                        stream.get_mut(),
                        b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
                    ),
                    false => parrot(stream.get_mut()),
                };
            }
            if head.fields.get("expect").is_some() {
                say(stream.get_mut(), b"HTTP/1.1 100 Continue\r\n\r\n")?;
            }
            self.answer(&mut stream, &head, seen, place)?;
        }
        Ok(())
    }

    fn record(&self, seen: Seen) -> usize {
        let mut all = self.seen.lock().unwrap();
        all.push(seen);
        all.len() - 1
    }

    /// `/echo` gives back the body as it comes, `/large/N` gives N bytes, `/hang` nothing, `/wait` waits for
    /// [`Bank::open`] and changes to no other protocol, `/status/N` has that status, `/say/N` too and gives
    /// back the body, `/coded/CODING` too and says that it stands in that coding, `/own-id` sets a header of
    /// certbound's, `/hop` some of its connection, `/close` closes the connection unannounced, `/half` in the middle
    /// of the body, `/drop` before the answer, `/drop-once` unless it saw requests before that were not taken; all
    /// else is a little JSON.
    fn answer(&self, stream: &mut BufReader<Box<dyn Stream>>, head: &Head, seen: Seen, place: usize) -> io::Result<()> {
        let target = seen.target.clone();
        if target == "/echo" {
            return echo(stream, head);
        }
        let mut body = head.request_body();
        let (mut kept, mut body_length) = (Vec::new(), 0);
        while let Some(piece) = body.next(stream)? {
            body_length += piece.len() as u64;
            kept.extend_from_slice(&piece[..piece.len().min(KEPT - kept.len())]);
        }
        let said = kept.clone();
        if let Some(record) = self.seen.lock().unwrap().get_mut(place) {
            *record = Seen { trailers: body.trailers, body: kept, body_length, ..seen };
        }
        let stream = stream.get_mut();
        match target.split('/').collect::<Vec<_>>()[1..] {
            ["hang", ..] => io::copy(stream, &mut io::sink()).map(|_| ()),
            ["large", length] => large(stream, length.parse().unwrap()),
            ["status", status] => {
                say(stream, format!("HTTP/1.1 {status} Said\r\nContent-Length: 0\r\n\r\n").as_bytes())
            }
            ["say", status] => {
                let status = status.split('?').next().unwrap();
                let head = format!("HTTP/1.1 {status} Said\r\nContent-Type: application/json;charset=UTF-8\r\n");
                let length = format!("Cache-Control: no-store\r\nContent-Length: {}\r\n\r\n", said.len());
                say(stream, &[head.as_bytes(), length.as_bytes(), &said].concat())
            }
            ["coded", coding] => {
                let length = said.len();
                let head = format!("HTTP/1.1 200 OK\r\nContent-Encoding: {coding}\r\nContent-Length: {length}\r\n\r\n");
                say(stream, &[head.as_bytes(), &said].concat())
            }
            ["own-id"] => say(stream, b"HTTP/1.1 200 OK\r\nx-fapi-interaction-id: bank\r\nContent-Length: 0\r\n\r\n"),
            ["hop"] => {
                let named =
                    "Connection: x-hop, keep-alive\r\nKeep-Alive: timeout=5\r\nTE: trailers\r\nUpgrade: h2c\r\n";
                say(
                    stream,
                    format!("HTTP/1.1 200 OK\r\n{named}X-Hop: 1\r\nX-Own: 2\r\nContent-Length: 0\r\n\r\n").as_bytes(),
                )
            }
            ["close"] => {
                account(stream)?;
                Err(io::ErrorKind::ConnectionAborted.into())
            }
            ["drop"] => Err(io::ErrorKind::ConnectionAborted.into()),
            ["drop-once"] if place == 0 => Err(io::ErrorKind::ConnectionAborted.into()),
            ["half"] => {
                say(stream, b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")?;
                Err(io::ErrorKind::ConnectionAborted.into())
            }
            ["wait", ..] => {
                let (open, turned) = &self.gate;
                drop(turned.wait_timeout_while(open.lock().unwrap(), GATE, |open| !*open).unwrap());
                account(stream)
            }
            _ => account(stream),
        }
    }
}

fn account(stream: &mut impl Write) -> io::Result<()> {
    let body = json!({"account": "DE89 3704 0044 0532 0130 00", "balance": "12.34"}).to_string();
    let head = format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n", body.len());
    say(stream, format!("{head}{body}").as_bytes())
}

fn large(stream: &mut impl Write, length: u64) -> io::Result<()> {
    write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n")?;
    io::copy(&mut io::repeat(b'a').take(length), stream)?;
    stream.flush()
}

/// Answers while the body still comes in, so that neither side can hold it whole.
fn echo(stream: &mut BufReader<Box<dyn Stream>>, head: &Head) -> io::Result<()> {
    say(stream.get_mut(), b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")?;
    let mut body = head.request_body();
    while let Some(piece) = body.next(stream)? {
        let chunk = [format!("{:x}\r\n", piece.len()).as_bytes(), &piece, b"\r\n"].concat();
        say(stream.get_mut(), &chunk)?;
    }
    say(stream.get_mut(), b"0\r\n\r\n")
}

/// Agrees to the upgrade and says everything twice.
fn parrot(stream: &mut Box<dyn Stream>) -> io::Result<()> {
    say(stream, b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")?;
    let mut buffer = [0; 1024];
    loop {
        let read = stream.read(&mut buffer)?;
        if read == 0 {
            return Ok(());
        }
        say(stream, &buffer[..read])?;
    }
}

fn say(stream: &mut impl Write, bytes: &[u8]) -> io::Result<()> {
    stream.write_all(bytes)?;
    stream.flush()
}

const KEPT: usize = 1 << 16;
const GATE: Duration = Duration::from_secs(30);

const PLAIN: [&str; 16] = [
    "accept",
    "accept-encoding",
    "authorization",
    "connection",
    "content-length",
    "content-type",
    "expect",
    "host",
    "te",
    "trailer",
    "transfer-encoding",
    "user-agent",
    "x-fapi-interaction-id",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
];
