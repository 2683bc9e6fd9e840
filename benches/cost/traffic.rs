//! Clients and the backend between which a proxy stands.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    thread,
};

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
pub(crate) fn drive(address: SocketAddr, batch: &[Vec<u8>], count: u32) {
    thread::scope(|scope| {
        for client in 0..CLIENTS {
            let own = batch.iter().cycle().skip(client as usize % batch.len()).step_by(CLIENTS as usize);
            scope.spawn(move || one_client(address, own.take((count / CLIENTS) as usize)));
        }
    });
}

fn one_client<'a>(address: SocketAddr, requests: impl Iterator<Item = &'a Vec<u8>>) {
    let mut stream = TcpStream::connect(address).expect("a connection");
    stream.set_nodelay(true).expect("no delay");
    for request in requests {
        let answer = exchange(&mut stream, request);
        assert!(is_passed(&answer), "{}", String::from_utf8_lossy(&answer));
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

/// A keep-alive server that answers every request alike.
pub(crate) fn backend() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port for the backend");
    let address = listener.local_addr().expect("its address");
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || answer(&stream));
        }
    });
    address
}

fn answer(mut stream: &TcpStream) {
    let _ = stream.set_nodelay(true);
    let mut buffer = Vec::new();
    let mut chunk = [0; 16 * 1024];
    while let Ok(read @ 1..) = stream.read(&mut chunk) {
        buffer.extend_from_slice(&chunk[..read]);
        while let Some(end) = buffer.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
            buffer.drain(..end + 4);
            if stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").is_err() {
                return;
            }
        }
    }
}

/// Connections at a time.
pub(crate) const CLIENTS: u32 = 8;
const PASSED: &[u8] = b"HTTP/1.1 200";
const END: &[u8] = b"\r\n\r\nok";
