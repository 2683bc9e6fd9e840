//! The forms in which load balancers forward a certificate: one file a family.

use http::{HeaderName, HeaderValue};

use crate::{certificate::Presented, denial::Denial};

/// How a load balancer writes a certificate into a header.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(missing_docs, reason = "the names of the products")]
pub enum Profile {
    Wso2,
    Nginx,
    IngressNginx,
    Haproxy,
    Apache,
    Envoy,
    Traefik,
    Caddy,
    AwsAlb,
    Gcp,
    Azure,
    Cloudflare,
    F5,
    Rfc9440,
}

/// A certificate written anew for the backend.
#[derive(Clone, Debug)]
pub struct Written {
    /// The value of the certificate header.
    pub leaf: HeaderValue,
    /// The values of the chain header, where the profile has one and intermediates are to be forwarded.
    pub chain: Option<HeaderValue>,
}

impl Profile {
    /// Every profile, in the order of the documentation.
    pub const ALL: [Self; 14] = [
        Self::Wso2,
        Self::Nginx,
        Self::IngressNginx,
        Self::Haproxy,
        Self::Apache,
        Self::Envoy,
        Self::Traefik,
        Self::Caddy,
        Self::AwsAlb,
        Self::Gcp,
        Self::Azure,
        Self::Cloudflare,
        Self::F5,
        Self::Rfc9440,
    ];

    /// Its name in `proxy.toml`.
    pub fn name(self) -> &'static str {
        todo!()
    }

    /// The header it uses unless configured.
    pub fn header(self) -> HeaderName {
        todo!()
    }

    /// The header for the chain, where it has one of its own.
    pub fn chain_header(self) -> Option<HeaderName> {
        todo!()
    }

    /// Reads the certificate strictly: the whole input is consumed, nothing is guessed.
    pub fn decode(self, leaf: &[u8], chain: &[&[u8]], max_intermediates: usize) -> Result<Presented, Denial> {
        todo!()
    }

    /// Writes the certificate from its DER. `intermediates` go where the profile has a place for them.
    pub fn encode(self, leaf: &[u8], intermediates: &[Vec<u8>]) -> Written {
        todo!()
    }
}
