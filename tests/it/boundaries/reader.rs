//! Where requests begin and end by RFC 9112, and nothing beyond: at the first doubt the reading is over for good.

/// How a body in chunks is read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Manner {
    /// As RFC 9112, section 7.1 has it.
    Strict,
    /// With what `docs/threat-model.md` says that certbound reads over: white space behind a chunk size, any byte in an
    /// extension, an empty size, and trailer lines that are no fields.
    AsDocumented,
}

/// A request that was found.
#[derive(Clone, Debug, Default)]
pub(super) struct Found {
    pub(super) method: String,
    /// In origin-form.
    pub(super) target: String,
    pub(super) fields: Vec<(String, String)>,
    /// How long the header section is.
    pub(super) head: usize,
    pub(super) body: Vec<u8>,
    /// Whether it is of HTTP/1.0.
    pub(super) old: bool,
    /// Where it ends.
    pub(super) end: usize,
}

/// How the reading ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum End {
    /// Where a request could begin, or in the middle of one.
    Open,
    /// The last request ends the connection.
    Closed,
    /// What comes is no request.
    Doubt,
}

#[derive(Debug)]
pub(super) struct Reading {
    pub(super) requests: Vec<Found>,
    /// The head of the request that did not come to its end, with what came of its body.
    pub(super) partial: Option<Found>,
    pub(super) end: End,
}

enum Stop {
    More,
    Doubt,
}

pub(super) fn read(bytes: &[u8], manner: Manner) -> Reading {
    let mut reading = Reading { requests: Vec::new(), partial: None, end: End::Open };
    let mut rest = bytes;
    loop {
        let mut found = match head(&mut rest) {
            Ok(found) => found,
            Err(stop) => return ended(reading, &stop),
        };
        if let Err(stop) = body(&mut found, &mut rest, manner) {
            reading.partial = Some(found);
            return ended(reading, &stop);
        }
        found.end = bytes.len() - rest.len();
        let closes = found.closes();
        reading.requests.push(found);
        if closes {
            reading.end = End::Closed;
            return reading;
        }
    }
}

fn ended(mut reading: Reading, stop: &Stop) -> Reading {
    if matches!(stop, Stop::Doubt) {
        reading.end = End::Doubt;
    }
    reading
}

impl Found {
    pub(super) fn field(&self, name: &str) -> Option<&str> {
        self.all(name).first().copied()
    }

    fn all(&self, name: &str) -> Vec<&str> {
        let same = self.fields.iter().filter(|(other, _)| other.eq_ignore_ascii_case(name));
        same.map(|(_, value)| value.as_str()).collect()
    }

    fn closes(&self) -> bool {
        let says = |word: &str| {
            let values = self.all("connection");
            values.iter().flat_map(|value| value.split(',')).any(|option| option.trim().eq_ignore_ascii_case(word))
        };
        says("close") || (self.old && !says("keep-alive"))
    }
}

fn head(rest: &mut &[u8]) -> Result<Found, Stop> {
    while let Some(after) = rest.strip_prefix(b"\r\n") {
        *rest = after;
    }
    let mut lines = Vec::new();
    let mut unread = *rest;
    loop {
        let end = unread.iter().position(|byte| *byte == b'\n').ok_or(Stop::More)?;
        let (line, after) = unread.split_at(end + 1);
        unread = after;
        if matches!(line, b"\n" | b"\r\n") {
            // Only now can anybody be sure that no more is wrong with it.
            lines.push(line);
            break;
        }
        lines.push(line);
    }
    let lines: Option<Vec<_>> = lines.into_iter().map(|line| line.strip_suffix(b"\r\n")).collect();
    let lines = lines.ok_or(Stop::Doubt)?;
    let (first, fields) = lines.split_first().ok_or(Stop::Doubt)?;
    let mut found = request_line(first).ok_or(Stop::Doubt)?;
    for line in &fields[..fields.len().saturating_sub(1)] {
        found.fields.push(field(line).ok_or(Stop::Doubt)?);
    }
    found.head = rest.len() - unread.len();
    *rest = unread;
    let hosts = found.all("host");
    if hosts.len() > 1 || (hosts.is_empty() && !found.old) {
        return Err(Stop::Doubt);
    }
    found.target = origin(&found.target, found.field("host")).ok_or(Stop::Doubt)?;
    Ok(found)
}

fn request_line(line: &[u8]) -> Option<Found> {
    let line = std::str::from_utf8(line).ok()?;
    let [method, target, version] = line.split(' ').collect::<Vec<_>>()[..] else { return None };
    let is_target = !target.is_empty() && target.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#');
    let old = match version {
        "HTTP/1.1" => false,
        "HTTP/1.0" => true,
        _ => return None,
    };
    let known = is_token(method.as_bytes()) && is_target && method != "CONNECT";
    known.then(|| Found { method: method.to_owned(), target: target.to_owned(), old, ..Found::default() })
}

fn origin(target: &str, host: Option<&str>) -> Option<String> {
    if target.starts_with('/') || target == "*" {
        return Some(target.to_owned());
    }
    let rest = target.strip_prefix("http://")?;
    let (authority, path) = rest.split_at(rest.find('/')?);
    host.is_none_or(|host| host == authority).then(|| path.to_owned())
}

fn field(line: &[u8]) -> Option<(String, String)> {
    let colon = line.iter().position(|byte| *byte == b':')?;
    let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
    let is_text = value.iter().all(|byte| matches!(byte, b'\t' | b' '..=b'~' | 0x80..));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (is_token(name) && is_text).then(|| (text(name), text(value)))
}

fn is_token(name: &[u8]) -> bool {
    !name.is_empty() && name.iter().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte))
}

fn body(found: &mut Found, rest: &mut &[u8], manner: Manner) -> Result<(), Stop> {
    let (lengths, codings) = (found.all("content-length"), found.all("transfer-encoding"));
    match (&lengths[..], &codings[..]) {
        ([], []) => Ok(()),
        ([length], []) => {
            let is_number = !length.is_empty() && length.bytes().all(|byte| byte.is_ascii_digit());
            let length: u64 = length.parse().ok().filter(|_| is_number).ok_or(Stop::Doubt)?;
            take(rest, length, &mut found.body)
        }
        ([], [coding]) if coding.eq_ignore_ascii_case("chunked") && !found.old => chunks(rest, &mut found.body, manner),
        _ => Err(Stop::Doubt),
    }
}

/// So many bytes of `rest`; as many as there are, where there are fewer.
fn take(rest: &mut &[u8], length: u64, taken: &mut Vec<u8>) -> Result<(), Stop> {
    let there = usize::try_from(length).unwrap_or(usize::MAX).min(rest.len());
    let (now, later) = rest.split_at(there);
    taken.extend_from_slice(now);
    *rest = later;
    if (there as u64) < length { Err(Stop::More) } else { Ok(()) }
}

fn chunks(rest: &mut &[u8], body: &mut Vec<u8>, manner: Manner) -> Result<(), Stop> {
    loop {
        let size = size(line(rest, manner)?, manner).ok_or(Stop::Doubt)?;
        if size == 0 {
            return trailers(rest, manner);
        }
        take(rest, size, body)?;
        for expected in *b"\r\n" {
            let (byte, after) = rest.split_first().ok_or(Stop::More)?;
            if *byte != expected {
                return Err(Stop::Doubt);
            }
            *rest = after;
        }
    }
}

/// A line without its CRLF. A line feed alone is in it only as documented, and only in a chunk extension.
fn line<'a>(rest: &mut &'a [u8], manner: Manner) -> Result<&'a [u8], Stop> {
    let mut extended = false;
    for (at, byte) in rest.iter().enumerate() {
        match byte {
            b'\r' => {
                let line = &rest[..at];
                return match rest.get(at + 1) {
                    None => Err(Stop::More),
                    Some(b'\n') => {
                        *rest = &rest[at + 2..];
                        Ok(line)
                    }
                    Some(_) => Err(Stop::Doubt),
                };
            }
            b'\n' if manner == Manner::Strict || !extended => return Err(Stop::Doubt),
            b';' => extended = true,
            _ => {}
        }
    }
    Err(Stop::More)
}

fn size(line: &[u8], manner: Manner) -> Option<u64> {
    let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    let (number, extension) = line.split_at(digits);
    let number = number
        .iter()
        .try_fold(0_u64, |sum, digit| sum.checked_mul(16)?.checked_add(u64::from((*digit as char).to_digit(16)?)))?;
    match manner {
        Manner::Strict => (digits > 0 && is_extension(extension)).then_some(number),
        Manner::AsDocumented => matches!(extension.trim_ascii_start(), [] | [b';', ..]).then_some(number),
    }
}

fn is_extension(mut rest: &[u8]) -> bool {
    while !rest.is_empty() {
        let Some(after) = blank(rest).strip_prefix(b";") else { return false };
        let Some(after) = token(blank(after)) else { return false };
        rest = after;
        if let Some(after) = blank(after).strip_prefix(b"=") {
            let after = blank(after);
            let value = if after.first() == Some(&b'"') { quoted(&after[1..]) } else { token(after) };
            let Some(after) = value else { return false };
            rest = after;
        }
    }
    true
}

fn blank(rest: &[u8]) -> &[u8] {
    &rest[rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count()..]
}

fn token(rest: &[u8]) -> Option<&[u8]> {
    let length = rest.iter().take_while(|byte| is_token(&[**byte])).count();
    (length > 0).then(|| &rest[length..])
}

fn quoted(mut rest: &[u8]) -> Option<&[u8]> {
    loop {
        match rest {
            [b'"', after @ ..] => return Some(after),
            [b'\\', b'\t' | b' '..=b'~' | 0x80.., after @ ..] => rest = after,
            [b'\t' | b' ' | b'!' | b'#'..=b'[' | b']'..=b'~' | 0x80.., after @ ..] => rest = after,
            _ => return None,
        }
    }
}

fn trailers(rest: &mut &[u8], manner: Manner) -> Result<(), Stop> {
    loop {
        // No extension, so no line feed either way.
        let line = line(rest, Manner::Strict)?;
        if line.is_empty() {
            return Ok(());
        }
        if manner == Manner::Strict && field(line).is_none() {
            return Err(Stop::Doubt);
        }
    }
}

#[test]
fn strict_reader_finds_requests_up_to_the_first_doubt() {
    let post = |fields: &str, rest: &str| format!("POST /a HTTP/1.1\r\nHost: h\r\n{fields}\r\n\r\n{rest}");
    let chunked = |rest: &str| post("Transfer-Encoding: chunked", rest);
    let next = "GET /b HTTP/1.1\r\nHost: h\r\n\r\n";
    for (sent, strict, documented, end) in [
        (format!("{next}{next}"), 2, 2, End::Open),
        (format!("\r\n{next}\r\n{next}X"), 2, 2, End::Open),
        (post("Content-Length: 2", &format!("ab{next}")), 2, 2, End::Open),
        (post("Content-Length: +2", &format!("ab{next}")), 0, 0, End::Doubt),
        (post("Content-Length: 200", next), 0, 0, End::Open),
        (chunked(&format!("2;a=\"b\\\"\"\r\nab\r\n00\r\nX: y\r\n\r\n{next}")), 2, 2, End::Open),
        (chunked(&format!("2\nab\n0\n\n{next}")), 0, 0, End::Doubt),
        (chunked(&format!("2\r\nabc\r\n0\r\n\r\n{next}")), 0, 0, End::Doubt),
        (chunked(&format!("2;\n\r\nab\r\n0\r\n\r\n{next}")), 0, 2, End::Doubt),
        (chunked(&format!("2 \r\nab\r\n\r\nX\r\n\r\n{next}")), 0, 2, End::Doubt),
        (chunked(&format!("0\r\nX\n\r\n{next}")), 0, 0, End::Doubt),
        (format!("GET /a HTTP/1.0\r\n\r\n{next}"), 1, 1, End::Closed),
        (format!("GET /a HTTP/1.1\r\n\r\n{next}"), 0, 0, End::Doubt),
    ] {
        let (found, lenient) = (read(sent.as_bytes(), Manner::Strict), read(sent.as_bytes(), Manner::AsDocumented));
        assert_eq!((found.requests.len(), found.end), (strict, end), "{sent:?}");
        assert_eq!(lenient.requests.len(), documented, "{sent:?}");
    }
}
