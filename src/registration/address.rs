//! Addresses in statements and requests: whose host they name.

use std::net::IpAddr;

use http::{Uri, uri::Scheme};

use crate::host::host;

/// An absolute http or https address without user information. Where its host is, is not looked at.
pub(super) struct Address {
    host: String,
    is_https: bool,
}

impl Address {
    /// Reads it; none for anything that readers could take for two hosts. A fragment is read over.
    pub(super) fn read(written: &str) -> Option<Self> {
        if written.len() > MAX_LENGTH {
            return None;
        }
        let address: Uri = written.parse().ok()?;
        let authority = address.authority().filter(|authority| !authority.as_str().contains('@'))?;
        let is_https = match address.scheme()? {
            scheme if *scheme == Scheme::HTTPS => true,
            scheme if *scheme == Scheme::HTTP => false,
            _ => return None,
        };
        let port = authority.as_str().get(authority.host().len()..)?;
        let is_port = port.is_empty() || authority.port_u16().is_some_and(|port| port > 0);
        is_port.then_some(Self { host: host(authority.host())?, is_https })
    }

    /// The host as it is compared.
    pub(super) fn host(&self) -> &str {
        &self.host
    }

    pub(super) fn is_https(&self) -> bool {
        self.is_https
    }

    /// Whether the host is this machine by its name or by its address (RFC 6761, section 6.3; RFC 6890).
    pub(super) fn is_local(&self) -> bool {
        match self.host.parse::<IpAddr>() {
            Ok(ip) => matches!(ip.to_canonical(), ip if ip.is_loopback() || ip.is_unspecified()),
            Err(_) => self.host == "localhost" || self.host.ends_with(".localhost"),
        }
    }
}

/// A longer address is not read, in bytes.
const MAX_LENGTH: usize = 2048;

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(written: &str, expected: Option<(&str, bool, bool)>) {
        let address = Address::read(written);
        let read = address.as_ref().map(|address| (address.host(), address.is_https(), address.is_local()));
        assert_eq!(read, expected, "{written}");
    }

    #[test]
    fn host_is_read_as_it_is_compared() {
        check("https://TPP.example:8443/cb?x=1", Some(("tpp.example", true, false)));
        check("http://tpp.example.", Some(("tpp.example", false, false)));
        check("https://192.0.2.1/cb", Some(("192.0.2.1", true, false)));
        check("https://[2001:DB8:0::1]/cb", Some(("2001:db8::1", true, false)));
        check("https://3scale.example/cb", Some(("3scale.example", true, false)));
        check("https://tpp.example/cb#part", Some(("tpp.example", true, false)));
    }

    #[test]
    fn this_machine_is_known_by_every_name() {
        for host in ["localhost", "LOCALHOST.", "app.localhost", "127.0.0.1", "127.9.9.9", "0.0.0.0", "[::1]", "[::]"] {
            let address = Address::read(&format!("https://{host}/cb"));
            assert!(address.is_some_and(|address| address.is_local()), "{host}");
        }
        let mapped = Address::read("https://[::ffff:127.0.0.1]/");
        assert!(mapped.is_some_and(|address| address.is_local()));
    }

    #[test]
    fn address_that_can_be_read_in_two_ways_is_none() {
        for written in [
            "",
            "/cb",
            "tpp.example/cb",
            "//tpp.example/cb",
            "ftp://tpp.example/",
            "javascript:alert(1)",
            "com.tpp.app:/cb",
            "https://",
            "https:///cb",
            "https://tpp.example@evil.example/",
            "https://tpp.example\\@evil.example/",
            "https://tpp.example:/",
            "https://tpp.example:0/",
            "https://tpp.example:99999/",
            "https://tpp..example/",
            "https://tpp%2eexample/",
            "https://127.1/",
            "https://0x7f.1/",
            "https://2130706433/",
            "https://127.0.0.1.example.1/",
            "https://[::1/",
            "https://[tpp.example]/",
            "https://tpp.example /",
            "https://tpp\u{e9}.example/",
        ] {
            check(written, None);
        }
        check(&format!("https://tpp.example/{}", "a".repeat(2048)), None);
    }
}
