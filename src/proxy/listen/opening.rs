//! What a connection begins with, told for the log: who sent something else than was agreed mostly sent one of these.

use std::io::{self, ErrorKind};

/// What the first bytes of a connection look like. Says nothing about what comes behind them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Opening {
    Tls,
    Http,
    /// The PROXY protocol, of this version.
    Proxy(u8),
    Unknown,
}

impl Opening {
    /// What `bytes` begin.
    pub(super) fn of(bytes: &[u8]) -> Self {
        match bytes {
            // A record of a handshake, of any version (RFC 8446, section 5.1).
            [0x16, 3, ..] => Self::Tls,
            [b'P', b'R', b'O', b'X', b'Y', b' ', ..] => Self::Proxy(1),
            [b'\r', b'\n', b'\r', b'\n', 0, ..] => Self::Proxy(2),
            _ if is_request_line(bytes) => Self::Http,
            _ => Self::Unknown,
        }
    }

    /// `error`, with which reading a PROXY header failed, as an operator understands it.
    pub(super) fn instead_of_proxy_header(self, error: io::Error) -> io::Error {
        let instead = match self {
            _ if error.kind() != ErrorKind::InvalidData => return error,
            Self::Tls => "no PROXY header: it began with TLS",
            Self::Http => "no PROXY header: it began with HTTP",
            Self::Proxy(1) => "a PROXY header of version 1, which is malformed or not the version of proxy_protocol",
            Self::Proxy(_) => "a PROXY header of version 2, which is malformed or not the version of proxy_protocol",
            Self::Unknown => return error,
        };
        io::Error::new(ErrorKind::InvalidData, instead)
    }

    /// `error`, with which a handshake failed, as an operator understands it.
    pub(super) fn instead_of_tls(self, error: io::Error) -> io::Error {
        let instead = match self {
            Self::Tls => return with_hint(error),
            Self::Http => "plaintext HTTP to a listener with TLS",
            Self::Proxy(_) => "a PROXY header where TLS should begin: see load_balancer.proxy_protocol",
            Self::Unknown => return error,
        };
        io::Error::new(error.kind(), instead)
    }
}

/// The beginning of `GET /` and the like, the preface of HTTP/2 among them.
fn is_request_line(bytes: &[u8]) -> bool {
    let method = bytes.iter().take(LONGEST_METHOD).position(|byte| *byte == b' ');
    let method = method.and_then(|end| bytes.get(..end));
    method.is_some_and(|method| !method.is_empty() && method.iter().all(u8::is_ascii_uppercase))
}

/// What the alerts mean by which a peer refuses our certificate. rustls names nothing that came from the peer but numbers.
fn with_hint(error: io::Error) -> io::Error {
    use rustls::AlertDescription::{
        BadCertificate, CertificateExpired, CertificateRevoked, CertificateUnknown, UnknownCA, UnsupportedCertificate,
    };
    let cause = error.get_ref().and_then(|cause| cause.downcast_ref());
    match cause {
        Some(rustls::Error::AlertReceived(
            BadCertificate
            | CertificateExpired
            | CertificateRevoked
            | CertificateUnknown
            | UnknownCA
            | UnsupportedCertificate,
        )) => io::Error::new(error.kind(), format!("{error}: it does not accept the listener's certificate")),
        _ => error,
    }
}

/// Longer than any registered method.
const LONGEST_METHOD: usize = 20;

#[cfg(test)]
mod tests {
    use rustls::AlertDescription;

    use super::*;

    #[test]
    fn first_bytes_tell_what_begins() {
        let check = |bytes: &[u8], expected| assert_eq!(Opening::of(bytes), expected, "{bytes:?}");
        check(b"\x16\x03\x01\x02\x00\x01", Opening::Tls);
        check(b"GET / HTTP/1.1\r\n", Opening::Http);
        check(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Opening::Http);
        check(b"PROXY TCP4 198.51.100.7 10.0.0.1 1 2\r\n", Opening::Proxy(1));
        check(b"\r\n\r\n\0\r\nQUIT\n\x21\x11", Opening::Proxy(2));
        let long = [[b'A'; LONGEST_METHOD].as_slice(), b" /"].concat();
        for unknown in [b"".as_slice(), b" / HTTP/1.1", b"get / HTTP/1.1", b"GET", b"\x15\x03\x01", &long] {
            check(unknown, Opening::Unknown);
        }
    }

    #[test]
    fn certificate_that_the_peer_does_not_accept_is_named_as_ours() {
        let check = |alert, expected: &str| {
            let error = io::Error::new(ErrorKind::InvalidData, rustls::Error::AlertReceived(alert));
            assert_eq!(Opening::Tls.instead_of_tls(error).to_string(), expected);
        };
        let ours = "received fatal alert: UnknownCA: it does not accept the listener's certificate";
        check(AlertDescription::UnknownCA, ours);
        check(AlertDescription::ProtocolVersion, "received fatal alert: ProtocolVersion");
    }
}
