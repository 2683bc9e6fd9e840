//! Bytes that two parties could read in two ways.

use crate::support::frames;

/// One request, or what pretends to be one, and what has to become of it.
pub(super) struct Case<T> {
    pub(super) name: String,
    /// No other request has it.
    pub(super) target: String,
    pub(super) sent: T,
    pub(super) expected: Expected,
}

#[derive(Clone, Debug)]
pub(super) enum Expected {
    /// One request with this body.
    Forwarded(Vec<u8>),
    /// Nothing at all.
    Refused,
    /// One request with this body, or one that never ends, or nothing.
    Unless(Vec<u8>),
}

impl Case<Vec<u8>> {
    /// On which the end of the answer depends.
    pub(super) fn method(&self) -> &'static str {
        if self.sent.starts_with(b"HEAD") { "HEAD" } else { "POST" }
    }
}

pub(super) fn http1() -> Vec<Case<Vec<u8>>> {
    let post = |fields: &str, body: &str| format!("POST @target HTTP/1.1\r\nHost: h\r\n{fields}\r\n\r\n{body}");
    let hidden = format!("0\r\n\r\n{SMUGGLED}");
    let mut all = Vec::new();
    let mut add = |sent: String, expected: Expected| {
        let target = format!("/say/200?case={}", all.len());
        let name = sent.escape_debug().take(120).collect();
        // Each character is one byte, so that bytes which are no text can be written in the tables.
        let sent = sent.replace("@target", &target).chars().map(|byte| u8::try_from(byte).unwrap()).collect();
        all.push(Case { name, target, sent, expected });
    };
    for fields in UNSURE_END {
        add(post(fields, &hidden), Expected::Refused);
    }
    for request in MALFORMED {
        add((*request).to_owned(), Expected::Refused);
    }
    for fields in PLAIN_LENGTH {
        add(post(fields, "hello"), Expected::Forwarded(b"hello".into()));
    }
    let length = format!("Content-Length: {}", SMUGGLED.len());
    for start in HARMLESS {
        let head = format!("{start}\r\n{length}\r\n\r\n{SMUGGLED}");
        add(head, Expected::Forwarded(SMUGGLED.into()));
    }
    for coding in ["Transfer-Encoding: chunked", "transfer-encoding:CHUNKED ", "TRANSFER-ENCODING: \tChunked"] {
        for body in WELL_CHUNKED {
            add(post(coding, body), Expected::Forwarded(b"hello".into()));
        }
    }
    for body in BADLY_CHUNKED {
        add(post("Transfer-Encoding: chunked", body), Expected::Unless(b"hello".into()));
    }
    // Pingora takes the line feed for a part of the extension, and the empty line for the last chunk.
    let read_on = "5;\nhello\r\n2d\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n\r\n0\r\n\r\n";
    add(post("Transfer-Encoding: chunked", read_on), Expected::Unless(b"2d\r\n0".into()));
    all
}

pub(super) fn http2() -> Vec<Case<Vec<Vec<u8>>>> {
    let mut all = OverHttp2(Vec::new());
    all.add_fields();
    all.add_pseudo_fields();
    all.add_lengths();
    all.add_bodies();
    all.0
}

struct OverHttp2(Vec<Case<Vec<Vec<u8>>>>);

impl OverHttp2 {
    fn add(&mut self, name: String, expected: Expected, sent: impl FnOnce(&str) -> Vec<Vec<u8>>) {
        let target = format!("/say/200?frames={}", self.0.len());
        let sent = sent(&target);
        self.0.push(Case { name, target, sent, expected });
    }

    fn add_fields(&mut self) {
        for (name, value) in FIELDS_OF_HTTP2 {
            self.add(format!("{name:?}: {value:?}"), Expected::Refused, |target| {
                let fields = frames::with_pseudo("POST", target, &[(name.as_bytes(), value.as_bytes())]);
                frames::request(1, &fields, &[b"hello", SMUGGLED.as_bytes()])
            });
        }
    }

    fn add_pseudo_fields(&mut self) {
        for (method, path) in PSEUDO_FIELDS {
            self.add(format!("{method:?} {path:?}"), Expected::Refused, |target| {
                let path = path.replace("@target", target);
                frames::request(1, &frames::with_pseudo(method, &path, &[]), &[b"hello"])
            });
        }
        // The parser of HTTP/2 cuts a fragment off before anyone sees it: what is judged is what is forwarded.
        self.add("fragment".to_owned(), Expected::Forwarded(b"hello".into()), |target| {
            let path = format!("{target}#/../smuggled");
            frames::request(1, &frames::with_pseudo("POST", &path, &[]), &[b"hello"])
        });
    }

    fn add_lengths(&mut self) {
        for length in ["10", "2", "0", "5, 5"] {
            // What came before the mistake showed may have been forwarded; an end of it must not.
            self.add(format!("content-length {length} of 5"), Expected::Unless(Vec::new()), |target| {
                let fields = frames::with_pseudo("POST", target, &[(b"content-length", length.as_bytes())]);
                frames::request(1, &fields, &[b"hello"])
            });
        }
        self.add("content-length twice".to_owned(), Expected::Refused, |target| {
            let lengths: [(&[u8], &[u8]); 2] = [(b"content-length", b"5"), (b"content-length", b"7")];
            frames::request(1, &frames::with_pseudo("POST", target, &lengths), &[b"hello"])
        });
    }

    fn add_bodies(&mut self) {
        for method in ["GET", "POST", "DELETE"] {
            self.add(format!("{method} with a request for a body"), Expected::Forwarded(SMUGGLED.into()), |target| {
                let (one, two) = SMUGGLED.as_bytes().split_at(7);
                frames::request(1, &frames::with_pseudo(method, target, &[]), &[one, two])
            });
        }
        for (name, value) in TRAILERS {
            self.add(format!("trailer {name}"), Expected::Unless(b"hello".into()), |target| {
                let mut sent = frames::request(1, &frames::with_pseudo("POST", target, &[]), &[b"hello"]);
                let body = sent.pop().map(frames::open_ended);
                sent.extend(body);
                sent.push(frames::trailers(1, &[(name.as_bytes(), value.as_bytes())]));
                sent
            });
        }
    }
}

const SMUGGLED: &str = "GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n";

/// `Content-Length` and `Transfer-Encoding` that leave open where the body ends.
const UNSURE_END: &[&str] = &[
    // CL.TE and TE.CL.
    "Content-Length: 6\r\nTransfer-Encoding: chunked",
    "Transfer-Encoding: chunked\r\nContent-Length: 6",
    "Content-Length: 0\r\nTransfer-Encoding: chunked",
    "content-length: 6\r\nTRANSFER-ENCODING: chunked",
    "Content-Length: 6\r\nTransfer-Encoding: identity",
    // TE.TE.
    "Transfer-Encoding: xchunked",
    "Transfer-Encoding: chunked, chunked",
    "Transfer-Encoding: chunked, identity",
    "Transfer-Encoding: identity, chunked",
    "Transfer-Encoding: gzip, chunked",
    "Transfer-Encoding: ,chunked",
    "Transfer-Encoding: chunked,",
    "Transfer-Encoding: chunked;q=1",
    "Transfer-Encoding: \"chunked\"",
    "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
    "Transfer-Encoding: chunked\r\nTransfer-Encoding: x",
    "Transfer-Encoding: x\r\nTransfer-Encoding: chunked",
    "Transfer-Encoding:",
    "Transfer-Encoding: \u{b}chunked",
    "Transfer-Encoding: chunked\u{b}",
    "Transfer-Encoding: chunked\u{0}",
    "Transfer-Encoding: \u{a0}chunked",
    "Transfer-Encoding: ch\u{fa}nked",
    "Transfer-Encoding : chunked",
    "Transfer-Encoding\t: chunked",
    "Transfer-Encoding\r\n : chunked",
    "Transfer-Encoding:\r\n chunked",
    "X: y\r\n Transfer-Encoding: chunked",
    "X: y\nTransfer-Encoding: chunked",
    "X: y\rTransfer-Encoding: chunked",
    "X: y\r\nTransfer-Encoding: chunked\nContent-Length: 6",
    // CL.CL.
    "Content-Length: 5\r\nContent-Length: 5",
    "Content-Length: 5\r\nContent-Length: 0",
    "Content-Length: 0\r\nContent-Length: 5",
    "Content-Length: 5, 5",
    "Content-Length: 5,",
    "Content-Length: +5",
    "Content-Length: -5",
    "Content-Length: 5.0",
    "Content-Length: 5e0",
    "Content-Length: 0x5",
    "Content-Length: 5 5",
    "Content-Length: five",
    "Content-Length: \u{b2}",
    "Content-Length: 18446744073709551621",
    "Content-Length : 5",
    "Content-Length\u{0}: 5",
    // Whose removal would leave the other one.
    "Connection: Transfer-Encoding\r\nTransfer-Encoding: chunked",
    "Connection: Content-Length\r\nContent-Length: 5",
];

/// Heads that no party should read at all.
const MALFORMED: &[&str] = &[
    "GET @target HTTP/1.1\nHost: h\n\n",
    "GET @target HTTP/1.1\r\nHost: h\n\r\n",
    "GET @target HTTP/1.1\r\nHost: h\r\nX: 1\r\n folded: 1\r\n\r\n",
    "GET @target HTTP/1.1\r\n Host: h\r\n\r\n",
    "GET @target HTTP/1.1\r\nHost : h\r\n\r\n",
    "GET @target HTTP/1.1\r\nHost: h\r\nHost: i\r\n\r\n",
    "GET @target HTTP/1.1\r\nX: 1\r\n\r\n",
    "GET @target HTTP/1.1\r\nHost: h\r\nX\r\n\r\n",
    "GET @target HTTP/1.1\r\nHost: h\r\n: 1\r\n\r\n",
    "GET @target HTTP/1.1\r\nHost: h\r\nX(Y): 1\r\n\r\n",
    "GET @target HTTP/1.1\r\nHost: h\r\nX/Y: 1\r\n\r\n",
    "GET @target HTTP/1.1\r\nHost: h\r\nX@Y: 1\r\n\r\n",
    "GET @target HTTP/1.1\r\nHost: h\r\nX\u{80}: 1\r\n\r\n",
    "GET @target HTTP/1.1\r\nHost: h\r\nX\u{0}: 1\r\n\r\n",
    "GET @target HTTP/1.1\r\nHost: h\r\nX\tY: 1\r\n\r\n",
    "GET @target HTTP/1.1\r\nHost: h\r\nX: 1\u{0}2\r\n\r\n",
    "GET @target HTTP/1.1\r\nHost: h\r\nX: 1\r2\r\n\r\n",
    "GET @target HTTP/1.1\r\nHost: h\r\nX: 1\r\r\n\r\n",
    "GET @target HTTP/1.2\r\nHost: h\r\n\r\n",
    "GET @target HTTP/2.0\r\nHost: h\r\n\r\n",
    "GET @target http/1.1\r\nHost: h\r\n\r\n",
    "GET @target HTTP/1.1 \r\nHost: h\r\n\r\n",
    "GET @target HTTP/1.1 HTTP/1.1\r\nHost: h\r\n\r\n",
    "GET @target\r\nHost: h\r\n\r\n",
    "GET  @target HTTP/1.1\r\nHost: h\r\n\r\n",
    "GET\t@target HTTP/1.1\r\nHost: h\r\n\r\n",
    "GET @target\u{b}HTTP/1.1\r\nHost: h\r\n\r\n",
    " GET @target HTTP/1.1\r\nHost: h\r\n\r\n",
    "G\u{0}T @target HTTP/1.1\r\nHost: h\r\n\r\n",
    "GET http://other@target HTTP/1.1\r\nHost: h\r\n\r\n",
    "GET http://u@h@target HTTP/1.1\r\nHost: h\r\n\r\n",
    "GET ftp://h@target HTTP/1.1\r\nHost: h\r\n\r\n",
    "CONNECT h:80 HTTP/1.1\r\nHost: h\r\n\r\n",
    "POST @target HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
];

/// One sure length of five, whatever else looks like one.
const PLAIN_LENGTH: &[&str] = &[
    "Content-Length: 5",
    "content-length:5",
    "Content-Length: \t5 ",
    "Content-Length: 5\r\nTransfer_Encoding: chunked",
    "Content-Length: 5\r\nTransfer.Encoding: chunked",
    "Content-Length: 5\r\nContent_Length: 7",
    "Content-Length: 5\r\nX-Transfer-Encoding: chunked",
    "Content-Length: 5\r\nTE: trailers, chunked",
    "Content-Length: 5\r\nTrailer: Content-Length",
    "Content-Length: 5\r\nExpect: 100-continue",
    "Content-Length: 5\r\nX: \u{e9}\u{ff}",
];

/// Starts of requests that go through, with a request for a body.
const HARMLESS: &[&str] = &[
    "GET @target HTTP/1.1\r\nHost: h",
    "DELETE @target HTTP/1.1\r\nHost: h",
    "OPTIONS @target HTTP/1.1\r\nHost: h",
    "GET @target HTTP/1.0\r\nHost: h\r\nConnection: keep-alive",
    "GET http://h@target HTTP/1.1\r\nHost: h",
    "\r\nPOST @target HTTP/1.1\r\nHost: h",
    "POST @target HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk",
    "POST @target HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13",
    "POST @target HTTP/1.1\r\nHost: h\r\nConnection: keep-alive, te\r\nTE: trailers",
    "POST @target HTTP/1.1\r\nHost: h\r\nProxy-Connection: close\r\nKeep-Alive: timeout=1",
    "POST @target HTTP/1.1\r\nHost: h\r\nExpect: 100-continue",
];

/// Of these five bytes, and an end.
const WELL_CHUNKED: &[&str] = &[
    "5\r\nhello\r\n0\r\n\r\n",
    "2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
    "0005\r\nhello\r\n000\r\n\r\n",
    "5;a=b\r\nhello\r\n0;c\r\n\r\n",
    "5;a=\"b;c\"\r\nhello\r\n0\r\n\r\n",
    "5\r\nhello\r\n0\r\nX-Trailer: 1\r\n\r\n",
    "5\r\nhello\r\n0\r\nContent-Length: 50\r\nHost: i\r\nTransfer-Encoding: chunked\r\n\r\n",
];

/// Chunks that some parser forgives, and another reads otherwise.
const BADLY_CHUNKED: &[&str] = &[
    "5\nhello\r\n0\r\n\r\n",
    "5\r\nhello\n0\r\n\r\n",
    "5\r\nhello\r\n0\n\n",
    "5\rhello\r\n0\r\n\r\n",
    "0x5\r\nhello\r\n0\r\n\r\n",
    "+5\r\nhello\r\n0\r\n\r\n",
    "-5\r\nhello\r\n0\r\n\r\n",
    " 5\r\nhello\r\n0\r\n\r\n",
    "5 \r\nhello\r\n0\r\n\r\n",
    "\t5\r\nhello\r\n0\r\n\r\n",
    "5\u{0}\r\nhello\r\n0\r\n\r\n",
    "\r\n5\r\nhello\r\n0\r\n\r\n",
    "10000000000000005\r\nhello\r\n0\r\n\r\n",
    "ffffffffffffffff\r\nhello\r\n0\r\n\r\n",
    "5\r\nhelloxx\r\n0\r\n\r\n",
    "5\r\nhell\r\n0\r\n\r\n",
    "5\r\nhello0\r\n\r\n",
    "5_0\r\nhello\r\n0\r\n\r\n",
    "g\r\nhello\r\n0\r\n\r\n",
    ";a\r\nhello\r\n0\r\n\r\n",
    // A line that ends in the extension for one party, and after it for another.
    "5;a\nb\r\nhello\r\n0\r\n\r\n",
    "5;a\rb\r\nhello\r\n0\r\n\r\n",
    // An end that is none for a party that wants trailers to be fields.
    "5\r\nhello\r\n0\r\nGET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n",
    "5\r\nhello\r\n0\r\nX\r\n\r\n",
    "5\r\nhello\r\n0\r\n X: 1\r\n\r\n",
    "5\r\nhello\r\n0\r\nX: 1\nY: 2\r\n\r\n",
    "5\r\nhello\r\n0\r\nX: 1\n\nGET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n",
    "5\r\nhello\r\n0\r\n",
    "5\r\nhello\r\n",
    "5\r\nhel",
];

/// What has no place in HTTP/2 (RFC 9113, section 8.2).
const FIELDS_OF_HTTP2: &[(&str, &str)] = &[
    ("transfer-encoding", "chunked"),
    ("connection", "keep-alive"),
    ("connection", "ssl.client.auth.cert.x509"),
    ("keep-alive", "timeout=1"),
    ("proxy-connection", "close"),
    ("upgrade", "h2c"),
    ("te", "gzip"),
    ("x", "1\r\nTransfer-Encoding: chunked"),
    ("x", "1\nTransfer-Encoding: chunked"),
    ("x", "1\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: h"),
    ("x", "1\0"),
    ("x: 1\r\nTransfer-Encoding", "chunked"),
    ("x y", "1"),
    ("x:y", "1"),
    ("X-Upper", "1"),
    ("", "1"),
    (":status", "200"),
    (":path", "/smuggled"),
    ("host", "other.example"),
    ("content-length", "five"),
    ("content-length", "+5"),
    ("content-length", "18446744073709551621"),
];

const TRAILERS: &[(&str, &str)] = &[
    ("content-length", "50"),
    ("transfer-encoding", "chunked"),
    ("x", "1\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: h"),
    (":path", "/smuggled"),
];

/// Method and path, from which an HTTP/1 request line is written.
const PSEUDO_FIELDS: &[(&str, &str)] = &[
    ("POST /smuggled HTTP/1.1\r\nHost: h\r\n\r\nGET", "@target"),
    ("P OST", "@target"),
    ("", "@target"),
    ("POST", "@target HTTP/1.1\r\nHost: h\r\n\r\nGET /smuggled"),
    ("POST", "@target /smuggled"),
    ("POST", "@target\t/smuggled"),
    ("POST", ""),
    ("POST", "smuggled"),
    ("POST", "*"),
];
