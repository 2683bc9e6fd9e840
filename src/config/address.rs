//! Places in the network: where to listen, where to connect, which documents to fetch.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    os::unix::{self, ffi::OsStrExt},
    path::PathBuf,
};

use http::Uri;

use crate::{
    config::{
        fault::Wrong,
        reading::{Placed, Reading},
        settings::Address,
        table::Table,
    },
    host::{host, unbracketed},
};

impl Address {
    /// Reads `host:port` or `unix:PATH`. Names are not resolved.
    pub(super) fn parse(reading: &Reading<'_>, text: &Placed<String>) -> Option<Self> {
        let parsed = match text.value.strip_prefix("unix:") {
            Some("") => Err(Wrong::new("a Unix socket has a path", "write it as unix:/run/certbound/in.sock")),
            Some(path) => unix(reading.resolve(path)),
            None => tcp(&text.value),
        };
        reading.settle(&text.place, parsed)
    }

    /// Whether only this machine, or this pod, can be at the other end.
    pub fn is_local(&self) -> bool {
        match self {
            Self::Unix(_) => true,
            Self::Tcp { host, .. } => is_loopback(host),
        }
    }

    /// Whether whoever listens here stands in the way of whoever wants to listen at `other`.
    pub(super) fn takes(&self, other: &Self) -> bool {
        self.meets(other, |one, another| one == another || covers(one, another) || covers(another, one))
    }

    /// Whether whoever connects to `other` comes to the one who listens here.
    pub(super) fn receives(&self, other: &Self) -> bool {
        self.meets(other, |here, there| here == there || (covers(here, there) && there.is_loopback()))
    }

    /// Names are not resolved, save for `localhost`: others are compared as they are written. Port 0 is no port yet.
    fn meets(&self, other: &Self, hosts: impl Fn(IpAddr, IpAddr) -> bool) -> bool {
        let Self::Tcp { host: one, port } = self else { return self == other };
        let Self::Tcp { host: another, port: other } = other else { return false };
        if port != other || *port == 0 {
            return false;
        }
        match (ip(one), ip(another)) {
            (Some(one), Some(another)) => hosts(one, another),
            _ => one.eq_ignore_ascii_case(another),
        }
    }

    /// The port; none for a Unix socket.
    pub fn port(&self) -> Option<u16> {
        match self {
            Self::Unix(_) => None,
            Self::Tcp { port, .. } => Some(*port),
        }
    }

    /// The host without brackets; none for a Unix socket.
    pub(super) fn host(&self) -> Option<&str> {
        match self {
            Self::Unix(_) => None,
            Self::Tcp { host, .. } => Some(unbracketed(host)),
        }
    }

    /// Where that is, if no name has to be resolved; none for a Unix socket.
    pub fn literal(&self) -> Option<SocketAddr> {
        Some(SocketAddr::new(self.host()?.parse().ok()?, self.port()?))
    }

    /// What `Host` says to who is there.
    pub fn authority(&self) -> String {
        match self {
            Self::Unix(_) => "localhost".to_owned(),
            Self::Tcp { .. } => self.to_string(),
        }
    }
}

/// Reads `https://…` or `http://…` with a host, without credentials and without a fragment.
pub(super) fn url(text: &str) -> Result<Uri, Wrong> {
    let remedy = match !text.contains("://") && format!("https://{text}").parse::<Uri>().is_ok() {
        true => format!("write it as https://{text}"),
        false => "write it as https://host/path".to_owned(),
    };
    let wrong = |what: &str| match text.contains('@') {
        // A password may stand in it, which would be printed.
        true => Wrong::new(format!("the address {what}"), "write it as https://host/path"),
        false => Wrong::new(format!("`{text}` {what}"), remedy.as_str()),
    };
    let uri: Uri = text.parse().map_err(|_| wrong("is not a URL"))?;
    if !matches!(uri.scheme_str(), Some("https" | "http")) {
        return Err(wrong("is neither https:// nor http://"));
    }
    match uri.authority() {
        Some(authority) if authority.host().is_empty() => return Err(wrong("has no host")),
        Some(authority) if authority.as_str().contains('@') => return Err(wrong("carries credentials")),
        Some(_) => {}
        None => return Err(wrong("has no host")),
    }
    if text.contains('#') {
        return Err(wrong("has a fragment"));
    }
    Ok(uri)
}

/// The hosts that a key lists, as they are compared.
pub(super) fn hosts(table: &mut Table<'_>, key: &'static str) -> Vec<String> {
    let read = |written: &str| {
        let wrong = || {
            let what = format!("`{written}` is not a host name");
            Wrong::new(what, "write it as directory.example, without scheme, port, and path")
        };
        host(written).ok_or_else(wrong)
    };
    let hosts = table.strings(key).unwrap_or_default();
    hosts.iter().filter_map(|written| table.reading.settle(&written.place, read(&written.value))).collect()
}

/// Whether whoever stands on the way to `uri` could answer in its place.
pub(super) fn is_exposed(uri: &Uri) -> bool {
    uri.scheme_str() == Some("http") && !uri.host().is_some_and(is_loopback)
}

/// `localhost`, 127.0.0.0/8, or `::1`, in brackets or not.
pub(crate) fn is_loopback(host: &str) -> bool {
    ip(host).is_some_and(|ip| ip.is_loopback())
}

fn ip(host: &str) -> Option<IpAddr> {
    match host.eq_ignore_ascii_case("localhost") {
        true => Some(Ipv4Addr::LOCALHOST.into()),
        false => unbracketed(host).parse().ok().map(|ip: IpAddr| ip.to_canonical()),
    }
}

/// Whether `all` stands for every address of its family. A listener on `[::]` takes IPv4 too.
fn covers(all: IpAddr, one: IpAddr) -> bool {
    all.is_unspecified() && (all.is_ipv6() || one.is_ipv4())
}

/// A path has to fit into the address of a socket, which is nothing else; where it starts is the folder of the file.
fn unix(path: PathBuf) -> Result<Address, Wrong> {
    let bytes = path.as_os_str().as_bytes();
    if bytes.contains(&0) {
        return Err(Wrong::new("a path has no NUL in it", "write it as unix:/run/certbound/in.sock"));
    }
    if unix::net::SocketAddr::from_pathname(&path).is_err() {
        let what = format!("`{}` has {} bytes, too many for the path of a socket", path.display(), bytes.len());
        return Err(Wrong::new(what, format!("choose a path of at most {MOST_BYTES} bytes")));
    }
    Ok(Address::Unix(path))
}

fn tcp(text: &str) -> Result<Address, Wrong> {
    let wrong = || Wrong::new(format!("`{text}` is not an address"), "write it as host:port, [::1]:port, or unix:PATH");
    let (host, port) = text.rsplit_once(':').ok_or_else(wrong)?;
    // A number alone: `u16` would take `+80` too.
    if !port.bytes().all(|b| b.is_ascii_digit()) || !is_host(host) {
        return Err(wrong());
    }
    Ok(Address::Tcp { host: host.to_owned(), port: port.parse().map_err(|_| wrong())? })
}

fn is_host(host: &str) -> bool {
    if let Some(address) = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return address.parse::<Ipv6Addr>().is_ok();
    }
    let label =
        |label: &str| !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    !host.is_empty() && host.strip_suffix('.').unwrap_or(host).split('.').all(label)
}

/// unix(7): `sun_path` holds 108 with the NUL at its end.
const MOST_BYTES: usize = 107;

#[cfg(test)]
mod tests {
    use super::*;

    impl From<&str> for Address {
        fn from(text: &str) -> Self {
            tcp(text).unwrap_or_else(|wrong| unreachable!("{}", wrong.what))
        }
    }

    #[test]
    fn address_is_a_host_and_a_port() {
        let check = |text: &str, expected: bool| assert_eq!(tcp(text).is_ok(), expected, "{text}");
        for text in ["0.0.0.0:8443", "[::]:0", "bank-api:80", "api.bank.example:65535", "localhost:1"] {
            check(text, true);
        }
        for text in
            ["", "8443", ":8443", "host", "host:", "host:x", "host:65536", "host:+80", "::1:80", "[::1]", "a b:1"]
        {
            check(text, false);
        }
        check("http://host:80", false);
    }

    #[test]
    fn loopback_is_this_machine_and_nothing_that_looks_like_it() {
        let check = |text: &str, expected: bool| {
            assert_eq!(Address::from(text).is_local(), expected, "{text}");
        };
        for text in
            ["127.0.0.1:80", "127.8.9.1:80", "localhost:80", "LOCALHOST:80", "[::1]:80", "[::ffff:127.0.0.1]:80"]
        {
            check(text, true);
        }
        for text in ["0.0.0.0:80", "10.0.0.1:80", "[::]:80", "localhost.example:80", "127.0.0.1.example:80"] {
            check(text, false);
        }
        assert!(Address::Unix("/run/api.sock".into()).is_local());
    }

    #[test]
    fn two_addresses_clash_on_one_port_of_one_machine() {
        let check = |one: &str, another: &str, takes: bool, receives: bool| {
            let [one, another] = [one, another].map(Address::from);
            assert_eq!((one.takes(&another), one.receives(&another)), (takes, receives), "{one:?} {another:?}");
            assert_eq!(another.takes(&one), takes, "{another:?} {one:?}");
        };
        check("127.0.0.1:80", "127.0.0.1:80", true, true);
        check("127.0.0.1:80", "localhost:80", true, true);
        check("[::ffff:127.0.0.1]:80", "127.0.0.1:080", true, true);
        check("bank-api:80", "BANK-API:80", true, true);
        check("0.0.0.0:80", "127.0.0.2:80", true, true);
        check("[::]:80", "127.0.0.1:80", true, true);
        check("[::]:80", "[::1]:80", true, true);
        // Another machine's, for whoever connects.
        check("0.0.0.0:80", "10.0.0.1:80", true, false);
        check("127.0.0.1:80", "0.0.0.0:80", true, false);
        check("0.0.0.0:80", "[::1]:80", false, false);
        check("127.0.0.1:80", "127.0.0.2:80", false, false);
        check("127.0.0.1:80", "127.0.0.1:81", false, false);
        check("127.0.0.1:0", "127.0.0.1:0", false, false);
        check("0.0.0.0:80", "bank-api:80", false, false);
        let unix = |path: &str| Address::Unix(path.into());
        assert!(unix("/run/a").takes(&unix("/run/a")) && unix("/run/a").receives(&unix("/run/a")));
        assert!(!unix("/run/a").takes(&unix("/run/b")) && !unix("/80").takes(&"localhost:80".into()));
    }

    #[test]
    fn path_of_a_socket_is_as_long_as_the_system_takes() {
        let path = |bytes: usize| PathBuf::from(format!("/{}", "x".repeat(bytes - 1)));
        assert_eq!(unix(path(MOST_BYTES)), Ok(Address::Unix(path(MOST_BYTES))));
        let wrong = |path| unix(path).err().map(|wrong| wrong.what).unwrap_or_default();
        assert!(wrong(path(MOST_BYTES + 1)).ends_with("has 108 bytes, too many for the path of a socket"));
        assert_eq!(wrong("/run/a\0b".into()), "a path has no NUL in it");
    }

    #[test]
    fn url_has_a_scheme_and_a_host_and_nothing_secret() {
        let check = |text: &str, expected: bool| assert_eq!(url(text).is_ok(), expected, "{text}");
        check("https://as.bank.example/jwks", true);
        check("http://127.0.0.1:9000/", true);
        check("https://as.bank.example", true);
        for text in ["", "as.bank.example", "/jwks", "ftp://as.bank.example/", "https://", "https:///jwks"] {
            check(text, false);
        }
        for text in ["https://user:pass@as.bank.example/", "https://user:pa ss@as.bank.example/", "user:pass@host"] {
            let Wrong { what, remedy } = url(text).err().unwrap_or_else(|| Wrong::new("", ""));
            assert!(what.starts_with("the address ") && !(what + &remedy).contains("user"), "{text}");
        }
        check("https://as.bank.example/#keys", false);
    }
}
