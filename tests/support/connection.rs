//! A client of certbound: requests written byte for byte, answers read strictly.

use std::{
    io::{self, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    os::unix::net::UnixStream,
    path::Path,
    sync::Arc,
};

use rustls::{ClientConfig, ClientConnection, StreamOwned, pki_types::ServerName};
use serde_json::Value;

use super::{
    forms::percent_pem,
    message::{Fields, Head},
    pki::Client,
    sidecar::Sidecar,
    stream::{Stream, patient, patient_unix},
};

/// A request in the making. [`Self::send`] uses a connection of its own.
#[derive(Clone)]
pub(crate) struct Request<'a> {
    sidecar: &'a Sidecar,
    method: String,
    target: String,
    lines: Vec<(String, String)>,
    body: Vec<u8>,
}

impl<'a> Request<'a> {
    pub(crate) fn new(sidecar: &'a Sidecar, method: &str, target: &str) -> Self {
        let lines = vec![("Host".to_owned(), "api.bank.example".to_owned())];
        Self { sidecar, method: method.to_owned(), target: target.to_owned(), lines, body: Vec::new() }
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.lines.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The certificate in the default header and form, as the load balancer writes it.
    pub(crate) fn showing(self, client: &Client) -> Self {
        self.header(CERTIFICATE_HEADER, &percent_pem(&client.der))
    }

    pub(crate) fn bearing(self, token: impl AsRef<str>) -> Self {
        self.header("Authorization", &format!("Bearer {}", token.as_ref()))
    }

    /// Certificate and token of this client: all that a default route demands.
    pub(crate) fn by(self, client: &Client) -> Self {
        self.showing(client).bearing(client.token())
    }

    pub(crate) fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        let length = self.body.len().to_string();
        self.header("Content-Length", &length)
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut bytes = format!("{} {} HTTP/1.1\r\n", self.method, self.target).into_bytes();
        for (name, value) in &self.lines {
            bytes.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
        }
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(&self.body);
        bytes
    }

    pub(crate) fn send(&self) -> Answer {
        self.send_on(&mut self.sidecar.connect())
    }

    pub(crate) fn send_on(&self, connection: &mut Connection) -> Answer {
        connection.write(&self.bytes());
        connection.answer(&self.method)
    }
}

/// One connection to certbound.
pub(crate) struct Connection {
    stream: BufReader<Box<dyn Stream>>,
}

impl Connection {
    pub(crate) fn tcp(address: SocketAddr) -> Self {
        Self::over(Box::new(patient(TcpStream::connect(address).unwrap())))
    }

    pub(crate) fn unix(path: &Path) -> Self {
        Self::over(Box::new(patient_unix(UnixStream::connect(path).unwrap())))
    }

    pub(crate) fn tls(address: SocketAddr, name: &str, config: ClientConfig) -> Self {
        Self::tls_after(b"", address, name, config)
    }

    /// With these bytes in plaintext before the handshake.
    pub(crate) fn tls_after(first: &[u8], address: SocketAddr, name: &str, config: ClientConfig) -> Self {
        let name = ServerName::try_from(name.to_owned()).unwrap();
        let session = ClientConnection::new(Arc::new(config), name).unwrap();
        let mut stream = patient(TcpStream::connect(address).unwrap());
        stream.write_all(first).unwrap();
        Self::over(Box::new(StreamOwned::new(session, stream)))
    }

    /// The certificate that a server shows in the handshake.
    pub(crate) fn certificate_of(address: SocketAddr, name: &str, config: ClientConfig) -> Vec<u8> {
        let name = ServerName::try_from(name.to_owned()).unwrap();
        let mut session = ClientConnection::new(Arc::new(config), name).unwrap();
        let mut stream = patient(TcpStream::connect(address).unwrap());
        while session.is_handshaking() {
            session.complete_io(&mut stream).unwrap();
        }
        session.peer_certificates().unwrap()[0].to_vec()
    }

    fn over(stream: Box<dyn Stream>) -> Self {
        Self { stream: BufReader::with_capacity(1 << 16, stream) }
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) {
        self.try_write(bytes).unwrap();
    }

    pub(crate) fn try_write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.get_mut().write_all(bytes)?;
        self.stream.get_mut().flush()
    }

    /// The answer to a request with this method; interim answers (1xx) are passed over.
    pub(crate) fn answer(&mut self, method: &str) -> Answer {
        self.try_answer(method).expect("certbound answers").expect("certbound answers before it closes")
    }

    /// None when the connection ends instead.
    pub(crate) fn try_answer(&mut self, method: &str) -> io::Result<Option<Answer>> {
        loop {
            let Some(head) = Head::read(&mut self.stream)? else { return Ok(None) };
            let status = status(&head);
            if status == 101 || status >= 200 {
                return self.rest(head, status, method).map(Some);
            }
        }
    }

    /// The next head alone, interim or not, with its status.
    pub(crate) fn head(&mut self) -> (u16, Fields) {
        let head = Head::read(&mut self.stream).unwrap().expect("certbound answers");
        (status(&head), head.fields)
    }

    fn rest(&mut self, head: Head, status: u16, method: &str) -> io::Result<Answer> {
        let mut body = Vec::new();
        if method != "HEAD" && !matches!(status, 101 | 204 | 304) {
            let mut rest = head.answer_body();
            while let Some(piece) = rest.next(&mut self.stream)? {
                body.extend_from_slice(&piece);
            }
        }
        Ok(Answer { status, fields: head.fields, body })
    }

    /// Reads and forgets a body of this many bytes; the head must have been read.
    pub(crate) fn skip(&mut self, length: u64) {
        let read = io::copy(&mut (&mut self.stream).take(length), &mut io::sink()).unwrap();
        assert_eq!(read, length, "the body is cut short");
    }

    /// Exactly this many bytes, whatever they are.
    pub(crate) fn read(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        self.stream.read_exact(&mut bytes).unwrap();
        bytes
    }

    /// Whether the other side has closed: waits for that, or for bytes.
    pub(crate) fn is_closed(&mut self) -> bool {
        matches!(self.stream.read(&mut [0; 1]), Ok(0) | Err(_))
    }
}

/// What came back.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) fields: Fields,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.fields.get(name)
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// The code of the refusal; empty where there is none.
    pub(crate) fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }
}

fn status(head: &Head) -> u16 {
    head.start.split(' ').nth(1).and_then(|word| word.parse().ok()).expect("a status line")
}

/// The default of the default profile.
pub(crate) const CERTIFICATE_HEADER: &str = "ssl.client.auth.cert.X509";
