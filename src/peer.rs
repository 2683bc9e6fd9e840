//! Whether the connection comes from a load balancer whose word is taken.

use std::{net::IpAddr, sync::Arc};

use ipnet::IpNet;
use rustls_pki_types::{CertificateDer, UnixTime};

use crate::{denial::Denial, headers::Asserted};

/// The connection that a request came on, as the shell saw it.
#[derive(Clone, Debug, Default)]
pub struct Connection {
    /// The TCP peer; none on a Unix socket.
    pub peer: Option<IpAddr>,
    /// Whom the PROXY header of a trusted network named, where that protocol is on.
    pub proxied: Option<IpAddr>,
    /// The certificates shown in this connection's TLS handshake, leaf first, with possession of the leaf's key proven
    /// and nothing else; empty without mTLS.
    pub certificates: Arc<[CertificateDer<'static>]>,
}

/// Who is trusted to speak for clients. Every proof that is configured must hold.
#[derive(Debug)]
pub struct TrustedPeers {
    /// TCP peers; none: not asked; empty: nobody.
    pub networks: Option<Vec<IpNet>>,
    /// The balancer's own certificate.
    pub balancers: Option<Balancers>,
    /// The shared secret.
    pub secret: Option<Secrets>,
    /// Whether a stranger is refused, or goes on as one who showed no certificate.
    pub refuse_strangers: bool,
}

/// The certificate authorities and names of load balancers that do mTLS with certbound.
#[derive(Debug)]
pub struct Balancers {
    // anchors, names
}

impl Balancers {
    /// From DER certificates of the authorities and the DNS or URI SANs allowed; no names: any certificate of the authorities.
    pub fn new(authorities: Vec<CertificateDer<'static>>, names: Vec<String>) -> Result<Self, &'static str> {
        todo!()
    }
}

/// The secrets that the balancer may send, several for rotation.
pub struct Secrets {
    lines: Vec<zeroize::Zeroizing<Vec<u8>>>,
}

impl Secrets {
    /// One secret a line of `file`; blank lines are skipped. None when no secret is left.
    pub fn parse(file: &[u8]) -> Option<Self> {
        todo!()
    }
}

/// Proof that the connection comes from a load balancer we trust.
///
/// Only [`TrustedPeers::admit`] makes one.
#[derive(Clone, Copy, Debug)]
pub struct TrustedPeer(());

impl TrustedPeers {
    /// Checks every configured proof.
    ///
    /// `Ok(None)` is a stranger who may go on as if no certificate had been sent.
    pub fn admit(
        &self,
        connection: &Connection,
        asserted: &Asserted,
        now: UnixTime,
    ) -> Result<Option<TrustedPeer>, Denial> {
        todo!()
    }

    /// Whether a PROXY header from this TCP peer is believed.
    pub fn believes_proxy_header(&self, peer: Option<IpAddr>) -> bool {
        todo!()
    }
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Secrets({})", self.lines.len())
    }
}
