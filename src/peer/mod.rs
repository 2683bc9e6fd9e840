//! Whether the connection comes from a load balancer whose word is taken.

mod balancer;
mod secret;
mod shown;

use std::net::IpAddr;

use ipnet::IpNet;
use rustls_pki_types::UnixTime;

use crate::{denial::Denial, headers::Asserted};

pub use balancer::Balancers;
pub use secret::Secrets;
pub use shown::Shown;

/// The connection that a request came on, as the shell saw it.
#[derive(Clone, Debug)]
pub struct Connection {
    /// The TCP peer; none on a Unix socket.
    pub peer: Option<IpAddr>,
    /// Whom the PROXY header of a trusted network named, where that protocol is on. Never asked for trust.
    pub proxied: Option<IpAddr>,
    /// What was shown in its handshake.
    pub certificates: Shown,
}

impl Connection {
    /// From whom it comes must be said: there is no default, because none stands for a Unix socket, whose permissions are
    /// a proof.
    pub fn from(peer: Option<IpAddr>) -> Self {
        Self { peer, proxied: None, certificates: Shown::default() }
    }
}

/// Who is trusted to speak for clients. Every proof that is configured must hold.
///
/// A Unix socket is a proof by its permissions: whoever could connect is admitted as far as the network goes.
/// Over TCP, with no proof configured, nobody is trusted.
#[derive(Debug)]
pub struct TrustedPeers {
    /// TCP peers; none: not asked; empty: nobody, not even on a Unix socket.
    pub networks: Option<Vec<IpNet>>,
    /// The balancer's own certificate.
    pub balancers: Option<Balancers>,
    /// The shared secret.
    pub secret: Option<Secrets>,
    /// Whether a stranger is refused, or goes on as one who showed no certificate.
    pub refuse_strangers: bool,
}

/// Proof that the connection comes from a load balancer we trust.
///
/// Only [`TrustedPeers::admit`] makes one.
#[derive(Clone, Copy, Debug)]
pub struct TrustedPeer(());

impl TrustedPeers {
    /// Checks every configured proof.
    ///
    /// `Ok(Err(why))` is a stranger who may go on as if no certificate had been sent.
    ///
    /// # Errors
    /// `peer_untrusted` for a stranger where strangers are refused.
    pub fn admit(
        &self,
        connection: &Connection,
        asserted: &Asserted,
        now: UnixTime,
    ) -> Result<Result<TrustedPeer, &'static str>, Denial> {
        match self.doubt(connection, asserted, now) {
            None => Ok(Ok(TrustedPeer(()))),
            Some(why) if !self.refuse_strangers => Ok(Err(why)),
            Some(why) => Err(Denial::PeerUntrusted { why }),
        }
    }

    /// Whether a PROXY header from this TCP peer is believed: it arrives before any other proof can.
    pub fn believes_proxy_header(&self, peer: Option<IpAddr>) -> bool {
        match (peer, &self.networks) {
            (None, _) => true,
            (Some(peer), Some(networks)) => hold(networks, peer),
            (Some(_), None) => false,
        }
    }

    /// The first proof that does not hold.
    fn doubt(&self, connection: &Connection, asserted: &Asserted, now: UnixTime) -> Option<&'static str> {
        let Self { networks, balancers, secret, refuse_strangers: _ } = self;
        if networks.is_none() && balancers.is_none() && secret.is_none() && connection.peer.is_some() {
            return Some("no load balancer is trusted");
        }
        if networks.as_ref().is_some_and(|networks| !within(networks, connection.peer)) {
            return Some("the peer is in no trusted network");
        }
        if secret.as_ref().is_some_and(|secret| !secret.proven_by(asserted.secret())) {
            return Some(match asserted.secret() {
                [] => "the load balancer's secret is missing",
                [_] => "the load balancer's secret is wrong",
                _ => "the load balancer's secret is repeated",
            });
        }
        balancers.as_ref()?.recognise(&connection.certificates, now).err()
    }
}

fn within(networks: &[IpNet], peer: Option<IpAddr>) -> bool {
    peer.map_or(!networks.is_empty(), |peer| hold(networks, peer))
}

/// A dual-stack socket reports an IPv4 peer as `::ffff:10.0.0.7`, which must meet `10.0.0.0/8` and not `::/0`.
fn hold(networks: &[IpNet], peer: IpAddr) -> bool {
    let peer = peer.to_canonical();
    networks.iter().any(|network| network.contains(&peer))
}

#[cfg(test)]
mod tests;
