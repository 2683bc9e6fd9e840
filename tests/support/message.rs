//! HTTP/1.1 messages, read without any leniency that a test could hide behind.

use std::io::{self, BufRead, Read};

/// Header lines or trailers, in order, as they stood on the wire.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Fields(pub(crate) Vec<(String, String)>);

impl Fields {
    /// The first value of this name, case aside.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.all(name).first().copied()
    }

    /// Every value of this name, case aside.
    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        let same = |(other, _): &&(String, String)| other.eq_ignore_ascii_case(name);
        self.0.iter().filter(same).map(|(_, value)| value.as_str()).collect()
    }
}

/// The start line and the header section.
#[derive(Clone, Debug, Default)]
pub(crate) struct Head {
    /// The bytes as received, the empty line included.
    pub(crate) raw: Vec<u8>,
    pub(crate) start: String,
    pub(crate) fields: Fields,
}

impl Head {
    /// None when the stream ends before the first byte.
    pub(crate) fn read(reader: &mut impl BufRead) -> io::Result<Option<Self>> {
        let mut head = Self::default();
        let Some(start) = line(reader, &mut head.raw)? else { return Ok(None) };
        head.start = start;
        head.fields = fields(reader, &mut head.raw)?;
        Ok(Some(head))
    }

    fn is_chunked(&self) -> bool {
        self.fields.get("transfer-encoding").is_some_and(|value| value.eq_ignore_ascii_case("chunked"))
    }

    fn length(&self) -> Option<u64> {
        self.fields.get("content-length").and_then(|value| value.parse().ok())
    }

    /// The body that follows, if this is a request.
    pub(crate) fn request_body(&self) -> Body {
        let rest = if self.is_chunked() { Rest::Chunks(0) } else { Rest::Bytes(self.length().unwrap_or(0)) };
        Body { rest, trailers: Fields::default() }
    }

    /// The body that follows, if this is an answer: without a length it ends with the connection.
    pub(crate) fn answer_body(&self) -> Body {
        match self.length() {
            None if !self.is_chunked() => Body { rest: Rest::All, trailers: Fields::default() },
            _ => self.request_body(),
        }
    }
}

/// A body as far as it has been read.
pub(crate) struct Body {
    rest: Rest,
    /// Complete once [`Self::next`] has returned None.
    pub(crate) trailers: Fields,
}

enum Rest {
    /// This much of the current chunk, and maybe more chunks.
    Chunks(u64),
    Bytes(u64),
    /// All until the stream ends.
    All,
    Nothing,
}

impl Body {
    /// The next piece, as soon as there is one.
    pub(crate) fn next(&mut self, reader: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
        match self.rest {
            Rest::Nothing | Rest::Bytes(0) => Ok(None),
            Rest::Bytes(left) => {
                let piece = read_some(reader, left)?;
                self.rest = Rest::Bytes(left - piece.len() as u64);
                Ok(Some(piece))
            }
            Rest::All => {
                let piece = reader.fill_buf()?.to_vec();
                reader.consume(piece.len());
                Ok((!piece.is_empty()).then_some(piece))
            }
            Rest::Chunks(left) => self.next_of_chunks(left, reader),
        }
    }

    fn next_of_chunks(&mut self, left: u64, reader: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
        let left = if left > 0 { left } else { chunk_size(reader)? };
        if left == 0 {
            self.trailers = fields(reader, &mut Vec::new())?;
            self.rest = Rest::Nothing;
            return Ok(None);
        }
        let piece = read_some(reader, left)?;
        let left = left - piece.len() as u64;
        if left == 0 {
            line(reader, &mut Vec::new())?;
        }
        self.rest = Rest::Chunks(left);
        Ok(Some(piece))
    }
}

fn chunk_size(reader: &mut impl BufRead) -> io::Result<u64> {
    let size = line(reader, &mut Vec::new())?.ok_or_else(cut)?;
    let digits = size.split(';').next().unwrap_or_default();
    u64::from_str_radix(digits.trim(), 16).map_err(io::Error::other)
}

/// At least one byte, and at most this many.
fn read_some(reader: &mut impl BufRead, at_most: u64) -> io::Result<Vec<u8>> {
    let buffer = reader.fill_buf()?;
    if buffer.is_empty() {
        return Err(cut());
    }
    let taken = buffer.len().min(usize::try_from(at_most).unwrap_or(usize::MAX));
    let piece = buffer[..taken].to_vec();
    reader.consume(taken);
    Ok(piece)
}

fn fields(reader: &mut impl BufRead, raw: &mut Vec<u8>) -> io::Result<Fields> {
    let mut fields = Vec::new();
    loop {
        let line = line(reader, raw)?.ok_or_else(cut)?;
        if line.is_empty() {
            return Ok(Fields(fields));
        }
        let (name, value) = line.split_once(':').ok_or_else(|| io::Error::other("a header line without a colon"))?;
        fields.push((name.to_owned(), value.trim().to_owned()));
    }
}

/// One line without its end; its bytes are appended to `raw`. None at the end of the stream.
fn line(reader: &mut impl BufRead, raw: &mut Vec<u8>) -> io::Result<Option<String>> {
    let mut bytes = Vec::new();
    reader.take(LONGEST_LINE).read_until(b'\n', &mut bytes)?;
    if bytes.is_empty() {
        return Ok(None);
    }
    raw.extend_from_slice(&bytes);
    let text = bytes.strip_suffix(b"\r\n").ok_or_else(cut)?;
    Ok(Some(String::from_utf8_lossy(text).into_owned()))
}

fn cut() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "the message is cut short")
}

const LONGEST_LINE: u64 = 1 << 20;
