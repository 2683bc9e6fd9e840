//! The client's side of one connection: writes what was planned, and keeps whatever comes back.

use std::{
    io::{self, Read, Write},
    net::{Shutdown, SocketAddr, TcpStream},
    sync::Arc,
    time::{Duration, Instant},
};

use rustls::{ClientConfig, ClientConnection, StreamOwned, pki_types::ServerName};

pub(super) struct Client {
    wire: Wire,
    raw: Vec<u8>,
    /// The other side has closed.
    pub(super) ended: bool,
}

enum Wire {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

/// An answer, or one that only announces another.
#[derive(Clone, Debug, Default)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) interaction: String,
    /// The request that the bank answered with it.
    pub(super) answered: Option<String>,
    pub(super) closes: bool,
    /// Whether its body comes in chunks.
    pub(super) chunked: bool,
    /// The statuses that came before it.
    pub(super) interim: Vec<u16>,
}

impl Client {
    pub(super) fn connect(address: SocketAddr, tls: Option<ClientConfig>) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_write_timeout(Some(Duration::from_secs(10))).unwrap();
        stream.set_read_timeout(Some(GLANCE)).unwrap();
        let wire = match tls {
            None => Wire::Plain(stream),
            Some(config) => {
                let name = ServerName::try_from("localhost").unwrap();
                let session = ClientConnection::new(Arc::new(config), name).unwrap();
                let mut stream = StreamOwned::new(session, stream);
                stream.sock.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
                while stream.conn.is_handshaking() {
                    stream.conn.complete_io(&mut stream.sock).unwrap();
                }
                stream.sock.set_read_timeout(Some(GLANCE)).unwrap();
                Wire::Tls(Box::new(stream))
            }
        };
        Self { wire, raw: Vec::new(), ended: false }
    }

    /// Whoever has closed already does not get it.
    pub(super) fn write(&mut self, bytes: &[u8]) {
        let _ = match &mut self.wire {
            Wire::Plain(stream) => stream.write_all(bytes),
            Wire::Tls(stream) => stream.write_all(bytes).and_then(|()| stream.flush()),
        };
    }

    /// Says that nothing more comes.
    pub(super) fn half_close(&mut self) {
        let socket = match &mut self.wire {
            Wire::Plain(stream) => stream,
            Wire::Tls(stream) => {
                stream.conn.send_close_notify();
                let _ = stream.flush();
                &mut stream.sock
            }
        };
        let _ = socket.shutdown(Shutdown::Write);
    }

    /// Reads until it `is_so`, or the other side has closed, or the time is over.
    pub(super) fn until(&mut self, most: Duration, mut is_so: impl FnMut(&Self) -> bool) -> bool {
        let until = Instant::now() + most;
        loop {
            if is_so(self) {
                return true;
            }
            if self.ended || Instant::now() >= until {
                return false;
            }
            self.glance();
        }
    }

    /// Reads what comes within a moment.
    pub(super) fn glance(&mut self) {
        let mut buffer = [0; 16 * 1024];
        let read = match &mut self.wire {
            Wire::Plain(stream) => stream.read(&mut buffer),
            Wire::Tls(stream) => stream.read(&mut buffer),
        };
        match read {
            Ok(0) => self.ended = true,
            Ok(read) => self.raw.extend_from_slice(&buffer[..read]),
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {}
            Err(_) => self.ended = true,
        }
    }

    /// The answers that are whole, to requests with these methods. After `101` there are none.
    pub(super) fn answers(&self, methods: &[&str]) -> Result<Vec<Answer>, String> {
        let (mut answers, mut rest, mut interim) = (Vec::<Answer>::new(), self.raw.as_slice(), Vec::new());
        while let Some(end) = rest.windows(4).position(|window| window == b"\r\n\r\n") {
            let (head, after) = rest.split_at(end + 4);
            let head = String::from_utf8_lossy(head);
            let unread = || format!("this is no answer: {:?}", &head[..head.len().min(400)]);
            let status = head.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)?.parse::<u16>().ok());
            let status = status.ok_or_else(unread)?;
            let field = |name: &str| {
                let mut lines = head.lines().filter_map(|line| line.split_once(": "));
                lines.find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value.to_owned())
            };
            if status < 200 && status != 101 {
                (rest, _) = (after, interim.push(status));
                continue;
            }
            let closes = field("connection").is_some_and(|value| value == "close");
            let bodiless = methods.get(answers.len()) == Some(&"HEAD") || matches!(status, 101 | 204 | 304);
            let length = match (bodiless, field("content-length"), field("transfer-encoding")) {
                (true, ..) => 0,
                (_, Some(length), None) => length.parse().map_err(|_| unread())?,
                (_, None, Some(_)) => match after.windows(7).position(|window| window == b"\r\n0\r\n\r\n") {
                    None => return Ok(answers),
                    Some(end) => end + 7,
                },
                // It ends with the connection.
                (_, None, None) if closes && self.ended => after.len(),
                (_, None, None) if closes => return Ok(answers),
                _ => return Err(unread()),
            };
            if after.len() < length {
                return Ok(answers);
            }
            rest = &after[length..];
            answers.push(Answer {
                status,
                interaction: field("x-fapi-interaction-id").unwrap_or_default(),
                answered: field("x-answered"),
                closes,
                chunked: field("transfer-encoding").is_some(),
                interim: std::mem::take(&mut interim),
            });
            if status == 101 {
                return Ok(answers);
            }
        }
        Ok(answers)
    }
}

/// Between two looks at whether something else has happened.
const GLANCE: Duration = Duration::from_millis(4);
