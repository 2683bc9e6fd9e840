//! The server behind every proxy.

use std::{
    collections::HashMap,
    io::{ErrorKind, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    os::fd::{AsFd, AsRawFd},
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};

/// Whether the backend has to look for requests instead of being woken.
static AWAKE: AtomicBool = AtomicBool::new(false);

/// As long as it lives, the backend does not sleep.
pub(crate) struct Awake;

/// The backend looks for requests until the value is dropped.
pub(crate) fn stay_awake() -> Awake {
    AWAKE.store(true, Ordering::Relaxed);
    Awake
}

impl Drop for Awake {
    fn drop(&mut self) {
        AWAKE.store(false, Ordering::Relaxed);
    }
}

/// Starts a keep-alive server that answers every request alike, in one thread.
pub(crate) fn start() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port for the backend");
    let address = listener.local_addr().expect("its address");
    listener.set_nonblocking(true).expect("no waiting");
    thread::spawn(move || serve(&listener));
    address
}

fn serve(listener: &TcpListener) {
    let ready = Epoll::new(EpollCreateFlags::empty()).expect("epoll");
    let watch = |socket: &dyn AsFd, number: u64| {
        ready.add(socket.as_fd(), EpollEvent::new(EpollFlags::EPOLLIN, number)).expect("a socket to watch");
    };
    watch(listener, LISTENER);
    let mut connections = HashMap::new();
    let mut events = [EpollEvent::empty(); 64];
    loop {
        let awake = AWAKE.load(Ordering::Relaxed);
        let timeout = if awake { EpollTimeout::ZERO } else { EpollTimeout::NONE };
        let count = ready.wait(&mut events, timeout).unwrap_or_default();
        for event in &events[..count] {
            let number = event.data();
            if number == LISTENER {
                while let Ok((stream, _)) = listener.accept() {
                    let _ = stream.set_nodelay(true);
                    stream.set_nonblocking(true).expect("no waiting");
                    let number = stream.as_raw_fd() as u64;
                    watch(&stream, number);
                    connections.insert(number, Connection { stream, head: Vec::new() });
                }
            } else if connections.get_mut(&number).is_some_and(|connection| !connection.answer()) {
                connections.remove(&number);
            }
        }
        if awake {
            thread::yield_now();
        }
    }
}

struct Connection {
    stream: TcpStream,
    /// What has come of the next request.
    head: Vec<u8>,
}

impl Connection {
    /// Answers what has come; whether the connection is still there.
    fn answer(&mut self) -> bool {
        let mut chunk = [0; 16 * 1024];
        match self.stream.read(&mut chunk) {
            Ok(read @ 1..) => self.head.extend_from_slice(&chunk[..read]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return true,
            Ok(_) | Err(_) => return false,
        }
        while let Some(end) = self.head.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
            self.head.drain(..end + 4);
            if self.stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").is_err() {
                return false;
            }
        }
        true
    }
}

/// No descriptor has this number.
const LISTENER: u64 = u64::MAX;
