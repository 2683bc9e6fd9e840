//! A header section that is longer than it may be: what is too much is read and forgotten, and the section is brought to
//! an end, so that the request can be refused in our own words.
//!
//! Pingora would keep up to a megabyte of it. Whatever comes after is not believed: the connection reads as ended.

use crate::proxy::request_line::RequestLine;

/// Counts one header section as it is handed on, and knows in which part of a line it stands.
#[derive(Debug, Default)]
pub(super) struct Section {
    bytes: usize,
    /// The line that has not ended yet has begun.
    begun: bool,
    colon: bool,
    carriage: bool,
    long_line: bool,
}

/// The way from where a section was cut to its end.
#[derive(Debug)]
pub(super) struct Excess {
    /// Read and forgotten.
    bytes: usize,
    /// Whether everything since the last line feed is nothing, but for a carriage return.
    blank: bool,
    over: bool,
    /// Makes what was handed on a whole section.
    closing: &'static [u8],
}

impl Section {
    /// Sees what is handed on. Costs nothing but a look at the last byte where that ends a line.
    pub(super) fn see(&mut self, handed: &[u8]) {
        self.bytes = self.bytes.saturating_add(handed.len());
        let mut line = handed;
        if let Some(end) = memchr::memrchr(b'\n', handed) {
            line = handed.get(end.saturating_add(1)..).unwrap_or_default();
            (self.begun, self.colon) = (false, false);
        }
        self.begun |= line.iter().any(|byte| *byte != b'\r');
        self.colon |= memchr::memchr(b':', line).is_some();
        self.carriage = line.last() == Some(&b'\r');
    }

    /// Sees how far the request line has come with that.
    pub(super) fn measure(&mut self, first: &RequestLine) {
        self.long_line |= self.bytes > LONGEST_TARGET && !first.has_ended();
    }

    /// Whether the target alone is longer than any that is read.
    pub(super) fn has_long_line(&self) -> bool {
        self.long_line
    }

    /// How much may be read at once: what makes it too long, and no more. At least a byte.
    pub(super) fn room(&self, most: usize) -> usize {
        most.saturating_sub(self.bytes).saturating_add(1)
    }

    /// How a section that is still not over ends when it must not become longer; none while it may.
    pub(super) fn excess(&self, most: usize, first: &RequestLine) -> Option<Excess> {
        if self.bytes <= most {
            return None;
        }
        let closing: &[u8] = match (first.has_ended(), self.carriage, self.begun) {
            (false, false, _) if first.is_in_target() => b" HTTP/1.1\r\n\r\n",
            (false, true, _) | (true, true, true) => b"\n\r\n",
            (true, true, false) => b"\n",
            (true, false, false) => b"\r\n",
            (true, false, true) if !self.colon => b":\r\n\r\n",
            _ => b"\r\n\r\n",
        };
        Some(Excess { bytes: 0, blank: first.has_ended() && !self.begun, over: false, closing })
    }
}

impl Excess {
    /// Whether the section is over, or the client has gone, or there is so much that nobody waits for its end.
    pub(super) fn is_over(&self) -> bool {
        self.over
    }

    /// Sees what is forgotten; nothing, at the end of the connection.
    pub(super) fn forget(&mut self, read: &[u8]) {
        self.bytes = self.bytes.saturating_add(read.len());
        self.over |= read.is_empty() || self.bytes >= MOST_FORGOTTEN;
        for byte in read {
            match byte {
                b'\n' if self.blank => self.over = true,
                b'\n' => self.blank = true,
                b'\r' => {}
                _ => self.blank = false,
            }
        }
    }

    /// The next of the closing bytes, at most so many; none when all were taken.
    pub(super) fn close(&mut self, most: usize) -> &'static [u8] {
        let (now, later) = self.closing.split_at(self.closing.len().min(most));
        self.closing = later;
        now
    }
}

/// In bytes: what the http crate takes.
const LONGEST_TARGET: usize = 65_534;
/// In bytes. Whoever is answered while still sending may find the connection reset before the answer.
const MOST_FORGOTTEN: usize = 4 * 1024 * 1024;

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests state what they need")]

    use super::*;

    /// What Pingora gets of a section that is cut at each place in turn, in one piece and byte by byte.
    fn closed(sent: &str, at: usize) -> [String; 2] {
        let (handed, _) = sent.split_at(at);
        let whole = vec![handed.as_bytes()];
        let bytes = handed.as_bytes().chunks(1).collect();
        [whole, bytes].map(|pieces| {
            let (mut section, line) = (Section::default(), RequestLine::default());
            for piece in pieces {
                line.see(piece);
                section.see(piece);
            }
            let mut excess = section.excess(0, &line).unwrap();
            let closing = [excess.close(2), excess.close(100), excess.close(1)].concat();
            format!("{handed}{}", String::from_utf8(closing).unwrap())
        })
    }

    #[test]
    fn section_that_is_cut_in_any_place_after_the_method_is_whole_again() {
        let sent = "GET /accounts?a=b HTTP/1.1\r\nHost: a\r\nX-Long: b:c\r\n\r\n";
        let version = sent.find(" HTTP").unwrap() + 1;
        for at in (5..version).chain(version + 8..sent.len()) {
            for closed in closed(sent, at) {
                let (head, rest) = closed.split_once("\r\n\r\n").unwrap();
                assert_eq!(rest, "", "{closed:?}");
                let mut lines = head.split("\r\n");
                assert!(lines.next().unwrap().ends_with(" HTTP/1.1"), "{closed:?}");
                assert!(lines.all(|line| line.contains(':')), "{closed:?}");
                assert!(!head.contains("\n\n"), "{closed:?}");
            }
        }
    }

    #[test]
    fn section_that_is_not_too_long_is_left_alone() {
        let (mut section, line) = (Section::default(), RequestLine::default());
        section.see(b"GET / HTTP/1.1\r\n");
        assert!(section.excess(16, &line).is_none());
        assert!(section.excess(15, &line).is_some());
    }

    #[test]
    fn excess_is_forgotten_up_to_the_end_of_the_section() {
        let after = |handed: &[u8]| {
            let (mut section, line) = (Section::default(), RequestLine::default());
            line.see(handed);
            section.see(handed);
            section.excess(0, &line).unwrap()
        };
        for (handed, forgotten) in [
            (&b"GET / HTTP/1.1\r\nA: b"[..], &b"c\r\n\r\n"[..]),
            (b"GET / HTTP/1.1\r\nA: b\r\n", b"\r\n"),
            (b"GET / HTTP/1.1\r\nA: b\r", b"\n\r\n"),
            (b"GET / HTTP/1.1\r\nA: b\r\n\r", b"\n"),
            (b"GET /", b"aaa HTTP/1.1\r\nB: c\r\n\r\n"),
        ] {
            let mut excess = after(handed);
            let (last, before) = forgotten.split_last().unwrap();
            if !before.is_empty() {
                excess.forget(before);
            }
            assert!(!excess.is_over(), "{}", handed.escape_ascii());
            excess.forget(&[*last]);
            assert!(excess.is_over(), "{}", handed.escape_ascii());
        }
        for last in [&vec![b'a'; MOST_FORGOTTEN][..], b""] {
            let mut excess = after(b"GET /");
            excess.forget(last);
            assert!(excess.is_over());
        }
    }
}
