//! HTTP/2 written frame by frame, so that it can say what no client library would (RFC 9113, RFC 7541).

use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream},
};

use crate::support::stream::patient;

/// One connection.
pub(super) struct Frames {
    stream: TcpStream,
}

/// How a stream ended.
pub(super) struct Answer {
    pub(super) reset: bool,
    pub(super) body: Vec<u8>,
}

impl Frames {
    /// By prior knowledge.
    pub(super) fn connect(address: SocketAddr) -> Self {
        let mut stream = patient(TcpStream::connect(address).unwrap());
        stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").unwrap();
        stream.write_all(&frame(SETTINGS, 0, 0, b"")).unwrap();
        Self { stream }
    }

    /// The other side may have closed already.
    pub(super) fn write(&mut self, frames: &[Vec<u8>]) {
        let _ = self.stream.write_all(&frames.concat());
    }

    /// The end of this stream; none when the connection ends before it.
    pub(super) fn answer(&mut self, stream: u32) -> Option<Answer> {
        let mut body = Vec::new();
        loop {
            let (kind, flags, of, payload) = self.next().ok()?;
            match kind {
                SETTINGS if flags & ACK == 0 => self.write(&[frame(SETTINGS, ACK, 0, b"")]),
                GOAWAY => return None,
                RESET if of == stream => return Some(Answer { reset: true, body }),
                DATA if of == stream => body.extend_from_slice(&payload),
                _ => {}
            }
            if of == stream && matches!(kind, DATA | HEADERS) && flags & END_STREAM != 0 {
                return Some(Answer { reset: false, body });
            }
        }
    }

    fn next(&mut self) -> io::Result<(u8, u8, u32, Vec<u8>)> {
        let mut head = [0; 9];
        self.stream.read_exact(&mut head)?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut payload = vec![0; length as usize];
        self.stream.read_exact(&mut payload)?;
        Ok((head[3], head[4], u32::from_be_bytes([head[5], head[6], head[7], head[8]]) & (u32::MAX >> 1), payload))
    }
}

/// A plain request.
pub(super) fn post(stream: u32, target: &str, body: &str) -> Vec<Vec<u8>> {
    request(stream, &with_pseudo("POST", target, &[]), &[body.as_bytes()])
}

/// A request whose fields are these and whose body comes in these pieces; without any, it ends with its fields.
pub(super) fn request(stream: u32, fields: &[(&[u8], &[u8])], body: &[&[u8]]) -> Vec<Vec<u8>> {
    let block: Vec<u8> = fields.iter().flat_map(|(name, value)| literal(name, value)).collect();
    let flags = if body.is_empty() { END_HEADERS | END_STREAM } else { END_HEADERS };
    let mut frames = vec![frame(HEADERS, flags, stream, &block)];
    for (place, piece) in body.iter().enumerate() {
        frames.push(frame(DATA, if place + 1 == body.len() { END_STREAM } else { 0 }, stream, piece));
    }
    frames
}

/// Trailers, for a request whose body has not ended.
pub(super) fn trailers(stream: u32, fields: &[(&[u8], &[u8])]) -> Vec<u8> {
    let block: Vec<u8> = fields.iter().flat_map(|(name, value)| literal(name, value)).collect();
    frame(HEADERS, END_HEADERS | END_STREAM, stream, &block)
}

/// Takes the end of the stream away from a frame.
pub(super) fn open_ended(mut frame: Vec<u8>) -> Vec<u8> {
    frame[4] &= !END_STREAM;
    frame
}

/// What every request begins with, and `fields`.
pub(super) fn with_pseudo<'a>(
    method: &'a str,
    target: &'a str,
    fields: &[(&'a [u8], &'a [u8])],
) -> Vec<(&'a [u8], &'a [u8])> {
    let pseudo: [(&[u8], &[u8]); 4] = [
        (b":method", method.as_bytes()),
        (b":scheme", b"http"),
        (b":authority", b"api.bank.example"),
        (b":path", target.as_bytes()),
    ];
    pseudo.iter().chain(fields).copied().collect()
}

/// Without indexing and without Huffman's code; both lengths have to fit into seven bits.
fn literal(name: &[u8], value: &[u8]) -> Vec<u8> {
    assert!(name.len() < 127 && value.len() < 127);
    [&[0, name.len() as u8], name, &[value.len() as u8], value].concat()
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u32).to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RESET: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
const ACK: u8 = 1;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
