//! HTTP/2 written frame by frame, so that it can say what no client library would (RFC 9113, RFC 7541).

use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream},
};

use super::stream::patient;

/// One connection.
pub(crate) struct Frames {
    stream: TcpStream,
}

/// How a stream ended.
pub(crate) struct Answer {
    pub(crate) reset: bool,
    pub(crate) body: Vec<u8>,
}

impl Frames {
    /// By prior knowledge.
    pub(crate) fn connect(address: SocketAddr) -> Self {
        let mut stream = patient(TcpStream::connect(address).unwrap());
        stream.write_all(&Self::preface()).unwrap();
        Self { stream }
    }

    /// What a connection begins with.
    pub(crate) fn preface() -> Vec<u8> {
        [&b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..], &frame(SETTINGS, 0, 0, b"")].concat()
    }

    /// The other side may have closed already.
    pub(crate) fn write(&mut self, frames: &[Vec<u8>]) {
        let _ = self.stream.write_all(&frames.concat());
    }

    /// The end of this stream; none when the connection ends before it.
    pub(crate) fn answer(&mut self, stream: u32) -> Option<Answer> {
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
pub(crate) fn post(stream: u32, target: &str, body: &str) -> Vec<Vec<u8>> {
    request(stream, &with_pseudo("POST", target, &[]), &[body.as_bytes()])
}

/// A request whose fields are these and whose body comes in these pieces; without any, it ends with its fields.
pub(crate) fn request(stream: u32, fields: &[(&[u8], &[u8])], body: &[&[u8]]) -> Vec<Vec<u8>> {
    let block: Vec<u8> = fields.iter().flat_map(|(name, value)| literal(name, value)).collect();
    let flags = if body.is_empty() { END_HEADERS | END_STREAM } else { END_HEADERS };
    let mut frames = vec![frame(HEADERS, flags, stream, &block)];
    for (place, piece) in body.iter().enumerate() {
        frames.push(frame(DATA, if place + 1 == body.len() { END_STREAM } else { 0 }, stream, piece));
    }
    frames
}

/// Trailers, for a request whose body has not ended.
pub(crate) fn trailers(stream: u32, fields: &[(&[u8], &[u8])]) -> Vec<u8> {
    let block: Vec<u8> = fields.iter().flat_map(|(name, value)| literal(name, value)).collect();
    frame(HEADERS, END_HEADERS | END_STREAM, stream, &block)
}

/// Takes the end of the stream away from a frame.
pub(crate) fn open_ended(mut frame: Vec<u8>) -> Vec<u8> {
    frame[4] &= !END_STREAM;
    frame
}

/// What every request begins with, and `fields`.
pub(crate) fn with_pseudo<'a>(
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

/// Without indexing and without Huffman's code.
pub(crate) fn literal(name: &[u8], value: &[u8]) -> Vec<u8> {
    [&[0][..], &length(name), name, &length(value), value].concat()
}

/// A length with a prefix of seven bits (RFC 7541, section 5.1).
fn length(text: &[u8]) -> Vec<u8> {
    let Some(mut rest) = text.len().checked_sub(127) else { return vec![text.len() as u8] };
    let mut bytes = vec![127];
    while rest >= 128 {
        bytes.push((rest % 128) as u8 | 128);
        rest /= 128;
    }
    bytes.push(rest as u8);
    bytes
}

/// Any frame, well formed or not.
pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u32).to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const RESET: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PING: u8 = 6;
pub(crate) const GOAWAY: u8 = 7;
pub(crate) const CONTINUATION: u8 = 9;
pub(crate) const ACK: u8 = 1;
pub(crate) const END_STREAM: u8 = 1;
pub(crate) const END_HEADERS: u8 = 4;
