//! The PROXY protocol, versions 1 and 2: whom the load balancer names as its client, ahead of the first byte.
//!
//! <https://www.haproxy.org/download/3.2/doc/proxy-protocol.txt>

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use tokio::io::{AsyncRead, AsyncReadExt};

use crate::config::settings::ProxyProtocol;

/// A whole header.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Header {
    /// Whom it names; none where it names nobody: a health check of the balancer itself, or a family without IP addresses.
    source: Option<IpAddr>,
    /// Its bytes on the wire.
    length: usize,
}

/// What the bytes so far are.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Parsed {
    Whole(Header),
    /// The beginning of a header.
    Partial,
    Malformed,
}

/// Reads the header that every connection must begin with, and what came after it in the same segments.
///
/// The address is what the peer says; whether it is believed is the caller's question.
/// Ports, the destination, and type-length-value fields (the checksum among them) are not looked at.
///
/// # Errors
/// `InvalidData` for anything but a header of `version`, an end before its end, and what reading itself fails with.
pub async fn read<R>(version: ProxyProtocol, from: &mut R) -> io::Result<(Option<IpAddr>, Vec<u8>)>
where
    R: AsyncRead + Unpin,
{
    let parse = match version {
        ProxyProtocol::V1 => parse_v1,
        ProxyProtocol::V2 => parse_v2,
    };
    let mut read = Vec::with_capacity(LONGEST_V1);
    loop {
        match parse(&read) {
            Parsed::Whole(header) => return Ok((header.source, read.split_off(header.length))),
            Parsed::Malformed => return Err(io::Error::new(io::ErrorKind::InvalidData, "no PROXY header")),
            Parsed::Partial => {}
        }
        // Both parsers tell a beginning from a malformed header within their bounds, so this ends.
        if from.read_buf(&mut read).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}

/// Section 2.1: one line of text.
fn parse_v1(read: &[u8]) -> Parsed {
    let begins = read.iter().zip(V1_SIGNATURE).all(|(read, expected)| read == expected);
    let line_end = read.iter().take(LONGEST_V1).position(|byte| *byte == b'\n');
    match (begins, line_end) {
        (false, _) => Parsed::Malformed,
        (true, None) if read.len() >= LONGEST_V1 => Parsed::Malformed,
        (true, None) => Parsed::Partial,
        (true, Some(end)) => {
            let line = read.get(..end).and_then(|line| line.strip_suffix(b"\r"));
            match line.and_then(|line| std::str::from_utf8(line).ok()).and_then(line_v1) {
                Some(source) => Parsed::Whole(Header { source, length: end + 1 }),
                None => Parsed::Malformed,
            }
        }
    }
}

/// The line without its end. Fields are separated by exactly one space.
fn line_v1(line: &str) -> Option<Option<IpAddr>> {
    let rest = line.strip_prefix("PROXY ")?;
    if rest == "UNKNOWN" || rest.starts_with("UNKNOWN ") {
        return Some(None);
    }
    let mut fields = rest.split(' ');
    let (family, source, destination) = (fields.next()?, fields.next()?, fields.next()?);
    let source: IpAddr = match family {
        "TCP4" => (source.parse::<Ipv4Addr>().ok()?, destination.parse::<Ipv4Addr>().ok()?).0.into(),
        "TCP6" => (source.parse::<Ipv6Addr>().ok()?, destination.parse::<Ipv6Addr>().ok()?).0.into(),
        _ => return None,
    };
    let ports = [fields.next()?, fields.next()?];
    (ports.into_iter().all(is_port) && fields.next().is_none()).then_some(Some(source))
}

fn is_port(field: &str) -> bool {
    let canonical = field == "0" || !field.starts_with('0');
    canonical && field.bytes().all(|byte| byte.is_ascii_digit()) && field.parse::<u16>().is_ok()
}

/// Section 2.2: 16 bytes, then addresses and further fields of the length that these name.
fn parse_v2(read: &[u8]) -> Parsed {
    if !read.iter().zip(V2_SIGNATURE).all(|(read, expected)| read == expected) {
        return Parsed::Malformed;
    }
    let Some((&[.., command, family, high, low], _)) = read.split_first_chunk::<16>() else { return Parsed::Partial };
    let length = usize::from(u16::from_be_bytes([high, low]));
    if length > LONGEST_V2_REST {
        return Parsed::Malformed;
    }
    let Some(rest) = read.get(16..16 + length) else { return Parsed::Partial };
    match source_v2(command, family, rest) {
        Some(source) => Parsed::Whole(Header { source, length: 16 + length }),
        None => Parsed::Malformed,
    }
}

/// None for what no balancer of TCP connections may send.
fn source_v2(command: u8, family: u8, rest: &[u8]) -> Option<Option<IpAddr>> {
    match (command, family) {
        // LOCAL: the balancer speaks for itself, whatever family it names.
        (0x20, _) => Some(None),
        // UNSPEC, and stream sockets without IP addresses.
        (0x21, 0x00) => Some(None),
        (0x21, 0x31) => rest.get(..216).map(|_| None),
        (0x21, 0x11) => {
            let (source, _) = rest.get(..12)?.split_first_chunk::<4>()?;
            Some(Some(Ipv4Addr::from(*source).into()))
        }
        (0x21, 0x21) => {
            let (source, _) = rest.get(..36)?.split_first_chunk::<16>()?;
            Some(Some(Ipv6Addr::from(*source).into()))
        }
        _ => None,
    }
}

const V1_SIGNATURE: &[u8] = b"PROXY ";
const V2_SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
/// The line end included.
const LONGEST_V1: usize = 107;
/// Addresses take 216 bytes at most; the rest is room for fields, certificates left out.
const LONGEST_V2_REST: usize = 4096;

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests state what they need")]

    use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

    use super::*;

    fn whole(source: &str, length: usize) -> Parsed {
        Parsed::Whole(Header { source: source.parse().ok(), length })
    }

    #[track_caller]
    fn check_v1(read: &str, expected: Parsed) {
        assert_eq!(parse_v1(read.as_bytes()), expected, "{read:?}");
        // However the header is cut into segments, its beginning is never taken for the whole.
        if let Parsed::Whole(header) = expected {
            for end in 0..header.length {
                assert_eq!(parse_v1(&read.as_bytes()[..end]), Parsed::Partial, "{end} bytes of {read:?}");
            }
        }
    }

    #[test]
    fn line_names_the_source() {
        check_v1("PROXY TCP4 198.51.100.7 10.0.0.1 56324 443\r\nGET /", whole("198.51.100.7", 44));
        check_v1("PROXY TCP6 2001:db8::7 2001:db8::1 0 65535\r\n", whole("2001:db8::7", 44));
        check_v1("PROXY UNKNOWN\r\n", whole("", 15));
        check_v1("PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n\r\n", whole("", 35));
    }

    #[test]
    fn line_of_another_form_is_malformed() {
        let long = format!("PROXY UNKNOWN {}\r\n", "a".repeat(92));
        for line in [
            "GET / HTTP/1.1\r\n",
            "proxy TCP4 1.2.3.4 1.2.3.4 1 1\r\n",
            "PROXY TCP4 1.2.3.4 1.2.3.4 1 1\n",
            "PROXY  TCP4 1.2.3.4 1.2.3.4 1 1\r\n",
            "PROXY TCP4 1.2.3.4 1.2.3.4 1 1 \r\n",
            "PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n",
            "PROXY TCP4 1.2.3.4 1.2.3.4 1 65536\r\n",
            "PROXY TCP4 1.2.3.4 1.2.3.4 +1 1\r\n",
            "PROXY TCP4 1.2.3.4 1.2.3.4 01 1\r\n",
            "PROXY TCP4 1.2.3.4 1.2.3.4  1\r\n",
            "PROXY TCP4 01.2.3.4 1.2.3.4 1 1\r\n",
            "PROXY TCP4 ::1 ::1 1 1\r\n",
            "PROXY TCP6 1.2.3.4 1.2.3.4 1 1\r\n",
            "PROXY UDP4 1.2.3.4 1.2.3.4 1 1\r\n",
            "PROXY TCP4 1.2.3.4,5.6.7.8 1.2.3.4 1 1\r\n",
            "PROXY UNKNOWNX\r\n",
            "PROXY \r\n",
            &long,
        ] {
            check_v1(line, Parsed::Malformed);
        }
    }

    /// A header of `command` and `family` whose rest is `1, 2, 3, …`, `length` bytes long.
    fn v2(command: u8, family: u8, length: u16) -> Vec<u8> {
        let mut header = [V2_SIGNATURE, &[command, family], &length.to_be_bytes()].concat();
        header.extend((1..=length).map(|place| u8::try_from(place % 256).unwrap()));
        header
    }

    #[track_caller]
    fn check_v2(read: &[u8], expected: Parsed) {
        assert_eq!(parse_v2(read), expected);
        if let Parsed::Whole(header) = expected {
            for end in 0..header.length {
                assert_eq!(parse_v2(&read[..end]), Parsed::Partial, "{end} bytes");
            }
        }
    }

    #[test]
    fn binary_header_names_the_source() {
        check_v2(&v2(0x21, 0x11, 12), whole("1.2.3.4", 28));
        check_v2(&v2(0x21, 0x11, 100), whole("1.2.3.4", 116));
        check_v2(&v2(0x21, 0x21, 36), whole("102:304:506:708:90a:b0c:d0e:f10", 52));
        check_v2(&[v2(0x21, 0x11, 12), b"GET /".to_vec()].concat(), whole("1.2.3.4", 28));
    }

    #[test]
    fn binary_header_without_an_address_of_a_client_names_nobody() {
        check_v2(&v2(0x20, 0x00, 0), whole("", 16));
        check_v2(&v2(0x20, 0x11, 12), whole("", 28));
        check_v2(&v2(0x21, 0x00, 0), whole("", 16));
        check_v2(&v2(0x21, 0x00, 7), whole("", 23));
        check_v2(&v2(0x21, 0x31, 216), whole("", 232));
    }

    #[test]
    fn binary_header_of_another_form_is_malformed() {
        for (command, family, length) in [
            (0x21, 0x11, 11),
            (0x21, 0x21, 35),
            (0x21, 0x31, 215),
            (0x21, 0x12, 12),
            (0x21, 0x22, 36),
            (0x21, 0x41, 36),
            (0x22, 0x11, 12),
            (0x11, 0x11, 12),
            (0x00, 0x00, 0),
            (0x21, 0x11, 4097),
        ] {
            check_v2(&v2(command, family, length), Parsed::Malformed);
        }
        check_v2(b"GET / HTTP/1.1\r\n", Parsed::Malformed);
        check_v2(b"PROXY UNKNOWN\r\n", Parsed::Malformed);
    }

    #[tokio::test]
    async fn what_follows_the_header_is_kept() {
        let mut wire: &[u8] = b"PROXY TCP4 198.51.100.7 10.0.0.1 1 2\r\nGET / HTTP/1.1\r\n";
        let (source, mut rest) = read(ProxyProtocol::V1, &mut wire).await.unwrap();
        rest.extend_from_slice(wire);
        assert_eq!((source, rest.as_slice()), ("198.51.100.7".parse().ok(), b"GET / HTTP/1.1\r\n".as_slice()));
    }

    #[tokio::test]
    async fn connection_without_a_header_or_with_half_of_one_is_an_error() {
        let http = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n".as_slice();
        let half = b"PROXY TCP4 198.51.".as_slice();
        for version in [ProxyProtocol::V1, ProxyProtocol::V2] {
            for wire in [http, half, b""] {
                assert!(read(version, &mut { wire }).await.is_err(), "{version:?} {wire:?}");
            }
        }
    }

    #[tokio::test]
    async fn endless_beginning_is_given_up_within_the_bound() {
        let endless = |start: &[u8]| [start, &[b'a'; 100_000]].concat();
        for (version, start) in [(ProxyProtocol::V1, V1_SIGNATURE), (ProxyProtocol::V2, V2_SIGNATURE)] {
            let wire = endless(start);
            let mut wire = wire.as_slice();
            assert!(read(version, &mut wire).await.is_err());
            assert!(wire.len() > 95_000, "{version:?}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_break_the_parsers_and_more_bytes_never_change_a_verdict(
            signed in any::<bool>(),
            version in any::<bool>(),
            rest in proptest::collection::vec(any::<u8>(), 0..300),
            cut in 0..320_usize,
        ) {
            let (parse, signature): (fn(&[u8]) -> Parsed, _) =
                if version { (parse_v1, V1_SIGNATURE) } else { (parse_v2, V2_SIGNATURE) };
            let read = if signed { [signature, &rest].concat() } else { rest };
            let all = parse(&read);
            if let Parsed::Whole(header) = all {
                prop_assert!(header.length <= read.len());
            }
            let early = parse(&read[..cut.min(read.len())]);
            if early != Parsed::Partial {
                prop_assert_eq!(early, all);
            }
        }
    }
}
