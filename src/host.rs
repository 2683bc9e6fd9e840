//! The host that an address names, in the one form in which hosts are compared.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use http::{Uri, uri::Scheme};

/// An absolute http or https address without user information, written by a stranger. Where its host is, is not looked at.
pub struct Address {
    uri: Uri,
    host: String,
    port: u16,
}

impl Address {
    /// Reads it; none for anything that readers could take for two hosts. A fragment is read over.
    pub fn read(written: &str) -> Option<Self> {
        let uri: Uri = Some(written).filter(|written| written.len() <= MAX_LENGTH)?.parse().ok()?;
        let authority = uri.authority().filter(|authority| !authority.as_str().contains('@'))?;
        let usual = match uri.scheme()? {
            scheme if *scheme == Scheme::HTTPS => 443,
            scheme if *scheme == Scheme::HTTP => 80,
            _ => return None,
        };
        // A port that is no number would be lost without a word.
        let port = match authority.as_str().get(authority.host().len()..)? {
            "" => usual,
            _ => authority.port_u16().filter(|port| *port > 0)?,
        };
        let host = host(authority.host())?;
        Some(Self { uri, host, port })
    }

    /// The host as it is compared.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port, the usual one where none is written.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Whether whoever is on the way can neither read nor answer.
    pub fn is_https(&self) -> bool {
        self.uri.scheme() == Some(&Scheme::HTTPS)
    }

    /// Whether the host is this machine by its name or by its address (RFC 6761, section 6.3; RFC 6890).
    pub fn is_local(&self) -> bool {
        match self.host.parse::<IpAddr>() {
            Ok(ip) => matches!(ip.to_canonical(), ip if ip.is_loopback() || ip.is_unspecified()),
            Err(_) => self.host == "localhost" || self.host.ends_with(".localhost"),
        }
    }

    /// As whoever fetches it takes it.
    pub fn into_uri(self) -> Uri {
        self.uri
    }
}

/// A name in lower case without its final dot, or an IP address in the form of RFC 5952 without the brackets that an address
/// of IPv6 has to have. None for what readers could take for two hosts.
pub(crate) fn host(written: &str) -> Option<String> {
    if let Some(ip) = within_brackets(written) {
        return ip.parse::<Ipv6Addr>().ok().map(|ip| ip.to_string());
    }
    if let Ok(ip) = written.parse::<IpAddr>() {
        return Some(ip.to_string());
    }
    let name = written.strip_suffix('.').unwrap_or(written).to_ascii_lowercase();
    let last = name.rsplit('.').next().unwrap_or_default();
    // Browsers read `127.1`, `0x7f.1`, and `2130706433` as IPv4 addresses (WHATWG URL, section 3.5).
    if last.starts_with(|first: char| first.is_ascii_digit()) {
        return name.parse::<Ipv4Addr>().ok().map(|ip| ip.to_string());
    }
    let named = name.split('.').all(|label| !label.is_empty());
    (named && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte))).then_some(name)
}

/// `host` without the brackets that an address of IPv6 has to have in front of a port.
pub(crate) fn unbracketed(host: &str) -> &str {
    within_brackets(host).unwrap_or(host)
}

fn within_brackets(host: &str) -> Option<&str> {
    host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'))
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
            "https://tpp.example@evil.example:443/",
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

    #[test]
    fn host_has_one_form() {
        for (written, form) in [
            ("OCSP.Bank.Example.", "ocsp.bank.example"),
            ("3scale.example", "3scale.example"),
            ("10.0.0.9", "10.0.0.9"),
            ("10.0.0.9.", "10.0.0.9"),
            ("[2001:DB8:0::1]", "2001:db8::1"),
            ("0::1", "::1"),
        ] {
            assert_eq!(host(written).as_deref(), Some(form), "{written}");
        }
        for written in ["", ".", "a..b", "127.1", "0x7f.1", "2130706433", "[bank.example]", "[::1", "a b", "a%2eb", "é"]
        {
            assert_eq!(host(written), None, "{written}");
        }
    }
}
