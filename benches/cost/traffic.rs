//! Clients of a proxy.

use std::{
    io::{ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream},
    thread,
};

use super::backend;

/// What the clients of a leg send.
pub(crate) enum Requests<'a> {
    /// The same again and again.
    Same(Vec<u8>),
    /// One that was never sent before, each time; made before the clock runs.
    New(Box<dyn Fn() -> Vec<u8> + 'a>),
}

impl Requests<'_> {
    /// Enough for `count` requests.
    pub(crate) fn batch(&self, count: u32) -> Vec<Vec<u8>> {
        match self {
            Self::Same(request) => vec![request.clone()],
            Self::New(make) => (0..count).map(|_| make()).collect(),
        }
    }
}

/// Sends `count` requests over a few kept connections, the batch in turn, and waits for all answers.
///
/// Neither clients nor backend sleep meanwhile: waking them is work of the kernel that is charged to the proxy, and how much
/// of it there is depends on what else the machine does.
pub(crate) fn drive(address: SocketAddr, batch: &[Vec<u8>], count: u32) {
    let _awake = backend::stay_awake();
    let mut clients: Vec<_> = (0..CLIENTS)
        .map(|client| {
            let own = batch.iter().cycle().skip(client as usize % batch.len()).step_by(CLIENTS as usize);
            Client::connect(address, own.take((count / CLIENTS) as usize))
        })
        .collect();
    while !clients.is_empty() {
        clients.retain_mut(Client::go_on);
        thread::yield_now();
    }
}

/// A connection with requests that follow one another.
struct Client<I> {
    stream: TcpStream,
    requests: I,
    /// What has come so far of the answer that is waited for.
    answer: Vec<u8>,
}

impl<'a, I: Iterator<Item = &'a Vec<u8>>> Client<I> {
    fn connect(address: SocketAddr, requests: I) -> Self {
        let stream = TcpStream::connect(address).expect("a connection");
        stream.set_nodelay(true).expect("no delay");
        stream.set_nonblocking(true).expect("no waiting");
        let mut client = Self { stream, requests, answer: Vec::new() };
        client.send_next();
        client
    }

    /// Takes what has come; whether there is more to do.
    fn go_on(&mut self) -> bool {
        let mut chunk = [0; 4096];
        match self.stream.read(&mut chunk) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => return true,
            read => self.answer.extend_from_slice(&chunk[..read.expect("an answer")]),
        }
        if !self.answer.ends_with(END) {
            let begins = PASSED.starts_with(&self.answer) || self.answer.starts_with(PASSED);
            assert!(begins && !self.answer.is_empty(), "{}", String::from_utf8_lossy(&self.answer));
            return true;
        }
        assert!(is_passed(&self.answer), "{}", String::from_utf8_lossy(&self.answer));
        self.answer.clear();
        self.send_next()
    }

    /// Whether there was one.
    fn send_next(&mut self) -> bool {
        let Some(request) = self.requests.next() else { return false };
        // A few KiB, for which there is always room.
        self.stream.write_all(request).expect("a request sent");
        true
    }
}

/// Whether one request, sent alone, reaches the backend.
pub(crate) fn passes(address: SocketAddr, request: &[u8]) -> bool {
    let mut stream = TcpStream::connect(address).expect("a connection");
    is_passed(&exchange(&mut stream, request))
}

/// Whether this is the backend's answer, and all of it.
pub(crate) fn is_passed(answer: &[u8]) -> bool {
    answer.starts_with(PASSED) && answer.ends_with(END)
}

/// The answer, or its beginning where it is not the backend's.
pub(crate) fn exchange(stream: &mut TcpStream, request: &[u8]) -> Vec<u8> {
    stream.write_all(request).expect("a request sent");
    let (mut answer, mut chunk) = (Vec::new(), [0; 4096]);
    while !answer.ends_with(END) {
        let read = stream.read(&mut chunk).expect("an answer");
        answer.extend_from_slice(&chunk[..read]);
        if read == 0 || !answer.starts_with(PASSED) {
            break;
        }
    }
    answer
}

/// Connections at a time.
pub(crate) const CLIENTS: u32 = 8;
const PASSED: &[u8] = b"HTTP/1.1 200";
const END: &[u8] = b"\r\n\r\nok";
