//! The host that an address names, in the one form in which hosts are compared.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

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

#[cfg(test)]
mod tests {
    use super::*;

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
