//! Addresses that certificates and software statements name come from whoever asked for them: which of them may be
//! connected to.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use http::Uri;
use tokio::net::TcpStream;

use crate::{
    host::Address,
    outside::{dial::first_to_answer, names},
};

/// Which addresses that others chose may be fetched.
///
/// Without `allowed_hosts`, any public host at port 80 or 443: certificates name no others, and other ports would let
/// whoever asks for a certificate speak to services that do not expect HTTP.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct AddressRules {
    /// Empty: any.
    allowed_hosts: Vec<String>,
    allow_private: bool,
}

/// Why an address is not fetched.
#[derive(Debug, thiserror::Error)]
pub enum AddressError {
    /// Not an absolute http or https address of bounded length, or one with user information.
    #[error("the address is no plain http or https address")]
    Malformed,
    /// A host that the configuration does not list.
    #[error("the host is not among `allowed_hosts`")]
    Host,
    /// A port that certificates do not usually name.
    #[error("the port is neither 80 nor 443, and the host is not among `allowed_hosts`")]
    Port,
    /// The host stands for no address that may be connected to.
    #[error("the host is at no public address")]
    NotPublic,
    /// The name is unknown, or nobody listens there.
    #[error("no connection: {0}")]
    Connection(#[from] io::Error),
}

/// Who can be reached at an IP address.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Reach {
    /// Anyone's.
    Public,
    /// Loopback, private (RFC 1918, RFC 4193), or the provider's own (RFC 6598).
    Private,
    /// The machine that hosts us, or nobody: link-local and metadata, multicast, documentation, reserved.
    Never,
}

impl AddressRules {
    /// `allowed_hosts`: as they are compared, which is how the configuration has them; empty: any. `allow_private`: loopback
    /// and private ranges too; link-local, metadata, and reserved addresses never.
    pub fn new(allowed_hosts: &[String], allow_private: bool) -> Self {
        Self { allowed_hosts: allowed_hosts.to_vec(), allow_private }
    }

    /// Whether only hosts that are listed are reached.
    pub fn lists_hosts(&self) -> bool {
        !self.allowed_hosts.is_empty()
    }

    /// An address as a certificate has it, if its words allow it. Where its host is, is looked at on [`Self::connect`].
    ///
    /// # Errors
    /// Why it is not fetched.
    pub fn admit(&self, written: &str) -> Result<Uri, AddressError> {
        self.hold(written).map(Address::into_uri)
    }

    /// A connection to the host of `address`, at an IP address that was looked at: the name is resolved once, here.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn connect(&self, address: &Uri) -> Result<TcpStream, AddressError> {
        let address = self.hold(&address.to_string())?;
        let resolved = names::look_up(address.host(), address.port()).await?;
        let permitted = resolved.iter().copied().filter(|place| self.permits(place.ip())).take(MAX_PLACES);
        Ok(first_to_answer(permitted).await.ok_or(AddressError::NotPublic)??)
    }

    fn hold(&self, written: &str) -> Result<Address, AddressError> {
        let address = Address::read(written).filter(|_| !written.contains('#')).ok_or(AddressError::Malformed)?;
        let is_listed = self.allowed_hosts.iter().any(|host| host == address.host());
        if self.lists_hosts() && !is_listed {
            return Err(AddressError::Host);
        }
        match address.host().parse() {
            Ok(ip) if !self.permits(ip) => Err(AddressError::NotPublic),
            // A host that the operator names, or a network that she opens, has its own ports.
            _ if is_listed || self.allow_private || matches!(address.port(), 80 | 443) => Ok(address),
            _ => Err(AddressError::Port),
        }
    }

    fn permits(&self, ip: IpAddr) -> bool {
        match reach(ip) {
            Reach::Public => true,
            Reach::Private => self.allow_private,
            Reach::Never => false,
        }
    }
}

fn reach(ip: IpAddr) -> Reach {
    match ip {
        IpAddr::V4(ip) => reach_v4(ip),
        IpAddr::V6(ip) => reach_v6(ip),
    }
}

/// IANA's registry of special-purpose addresses, and the metadata services of clouds outside 169.254/16.
fn reach_v4(ip: Ipv4Addr) -> Reach {
    match ip.octets() {
        [168, 63, 129, 16] | [100, 100, 100, 200] => Reach::Never,
        [0, ..] | [169, 254, ..] | [192, 0, 0, _] | [192, 88, 99, _] => Reach::Never,
        [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] | [198, 18 | 19, ..] | [224..=255, ..] => Reach::Never,
        [10 | 127, ..] | [172, 16..=31, ..] | [192, 168, ..] | [100, 64..=127, ..] => Reach::Private,
        _ => Reach::Public,
    }
}

fn reach_v6(ip: Ipv6Addr) -> Reach {
    if let Some(inner) = embedded(ip) {
        return reach_v4(inner);
    }
    match ip.segments() {
        [0, 0, 0, 0, 0, 0, 0, 1] => Reach::Private,
        [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254] | [0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254] => Reach::Never,
        [0xfc00..=0xfdff, ..] => Reach::Private,
        // Teredo, ORCHID, and other assignments of the IETF; documentation.
        [0x2001, 0..=0x1ff, ..] | [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => Reach::Never,
        [0x2000..=0x3fff, ..] => Reach::Public,
        _ => Reach::Never,
    }
}

/// The IPv4 address that an IPv6 address leads to: mapped, compatible, translated, NAT64 (RFC 6052), 6to4.
fn embedded(ip: Ipv6Addr) -> Option<Ipv4Addr> {
    let (high, low) = match ip.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => return None,
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] | [0, 0, 0, 0, 0xffff, 0, high, low] => (high, low),
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => (high, low),
        [0x2002, high, low, ..] => (high, low),
        _ => return None,
    };
    Some(Ipv4Addr::from((u32::from(high) << 16) | u32::from(low)))
}

/// IP addresses of one host that are tried.
const MAX_PLACES: usize = 3;

#[cfg(test)]
mod tests;
