//! Request lines as they came.
//!
//! Pingora's parser percent-encodes what it cannot read in a target and starts again, so a repaired target cannot be
//! told from one that was sent so. Whoever reads the socket therefore watches the bytes go by.

use std::sync::atomic::{AtomicU8, Ordering::Relaxed};

/// Watches one HTTP/1 connection, a request line at a time. Shared by the socket and the requests that come on it.
///
/// Requests on such a connection do not overlap, so plain loads and stores do.
#[derive(Debug, Default)]
pub struct RequestLine(AtomicU8);

impl RequestLine {
    /// Sees `bytes` as they are read from the connection. Costs one load once the line has ended.
    pub fn see(&self, bytes: &[u8]) {
        let mut seen = self.0.load(Relaxed);
        if seen & ENDED != 0 {
            return;
        }
        if seen & BEGUN == 0
            && let Some(line) = memchr::memchr(b'\n', bytes).and_then(|end| bytes.get(..end))
            && is_usual(line)
        {
            self.0.store(BEGUN | ENDED, Relaxed);
            return;
        }
        for byte in bytes {
            match byte {
                // Empty lines before the request line are allowed (RFC 9112, section 2.2).
                b'\r' | b'\n' if seen & BEGUN == 0 => continue,
                b'\n' => {
                    seen |= ENDED;
                    break;
                }
                // A CR ends the line or is a control byte like any other.
                _ if seen & RETURNED != 0 => seen |= REPAIRED,
                b'\r' => seen |= RETURNED,
                b' ' if seen & SPACES < MOST_SPACES => seen += 1,
                b'!'..=b'~' => {}
                // Obsolete text above ASCII is left to the rules of targets, which see it unchanged.
                0x80.. => {}
                _ => seen |= REPAIRED,
            }
            seen |= BEGUN;
        }
        self.0.store(seen, Relaxed);
    }

    /// Whether the line holds a third space or a control byte, a CR before its end among them: Pingora would have encoded
    /// it.
    pub fn was_repaired(&self) -> bool {
        self.0.load(Relaxed) & REPAIRED != 0
    }

    /// Whether the line is over, so that fields follow.
    pub fn has_ended(&self) -> bool {
        self.0.load(Relaxed) & ENDED != 0
    }

    /// Whether the method is over and the target is not.
    pub fn is_in_target(&self) -> bool {
        self.0.load(Relaxed) & SPACES == 1
    }

    /// Waits for the next request line: everything before it has been read.
    pub fn expect_next(&self) {
        self.0.store(0, Relaxed);
    }
}

/// Whether a line, without its line feed, is visible ASCII with two spaces: almost every one, seen many bytes at a time.
fn is_usual(line: &[u8]) -> bool {
    let Some((b'\r', line)) = line.split_last() else { return false };
    let (visible, spaces) = line.iter().fold((true, 0_u32), |(visible, spaces), byte| {
        (visible & matches!(byte, b' '..=b'~'), spaces + u32::from(*byte == b' '))
    });
    visible && spaces == u32::from(MOST_SPACES)
}

/// Bits that count the spaces.
const SPACES: u8 = 0b11;
/// Before and after the target.
const MOST_SPACES: u8 = 2;
const BEGUN: u8 = 1 << 2;
const ENDED: u8 = 1 << 3;
const REPAIRED: u8 = 1 << 4;
const RETURNED: u8 = 1 << 5;

#[cfg(test)]
mod tests {
    use super::*;

    /// In one piece and byte by byte.
    #[track_caller]
    fn check(sent: &[u8], repaired: bool) {
        let (whole, dripping) = (RequestLine::default(), RequestLine::default());
        whole.see(sent);
        for byte in sent {
            dripping.see(std::slice::from_ref(byte));
        }
        assert_eq!((whole.was_repaired(), dripping.was_repaired()), (repaired, repaired), "{}", sent.escape_ascii());
    }

    #[test]
    fn ordinary_line_is_not_repaired_whatever_follows_it() {
        check(b"GET /a?b HTTP/1.1\r\nHost: a b c\r\n\r\n", false);
        check(b"\r\n\nGET /a HTTP/1.1\r\nX: \x01\r\n\r\n", false);
        check("GET /ä HTTP/1.1\r\n".as_bytes(), false);
        check(b"GET / HTTP/1.1", false);
    }

    #[test]
    fn space_or_control_byte_in_the_target_is_seen() {
        check(b"GET /a b HTTP/1.1\r\n", true);
        check(b"GET /a?b c HTTP/1.1\r\n", true);
        check(b"GET  /a HTTP/1.1\r\n", true);
        check(b"GET /a\tb HTTP/1.1\r\n", true);
        check(b"GET /a\0 HTTP/1.1\r\n", true);
        check(b"\r\nGET /a\x7f HTTP/1.1\r\n", true);
        check(b"GET /a?b\r HTTP/1.1\r\n", true);
        check(b"GET /a\rb HTTP/1.1\r\n", true);
        check(b"GET /a HTTP/1.1\r\r\n", true);
    }

    #[test]
    fn each_request_of_a_connection_is_seen_anew() {
        let line = RequestLine::default();
        line.see(b"GET /a HTTP/1.1\r\n\r\n");
        line.see(b"GET /a b HTTP/1.1\r\n\r\n");
        assert!(!line.was_repaired());
        line.expect_next();
        line.see(b"GET /a b HTTP/1.1\r\n\r\n");
        assert!(line.was_repaired());
        line.expect_next();
        line.see(b"GET /a HTTP/1.1\r\n\r\n");
        assert!(!line.was_repaired());
    }
}
