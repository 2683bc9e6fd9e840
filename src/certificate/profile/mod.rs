//! The forms in which load balancers forward a certificate: one file a family.

mod base64_der;
pub(super) mod der;
mod escaped_pem;
mod pem;
mod percent;
mod rfc9440;
mod wso2;
mod xfcc;

use bytes::Bytes;
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
    /// The value of the chain header, where the profile has one and intermediates are to be forwarded.
    pub chain: Option<HeaderValue>,
}

impl Written {
    /// The same, in the memory of `bytes` if these are just what is written, as they are behind most balancers.
    pub(super) fn sharing(self, bytes: &Bytes) -> Self {
        match HeaderValue::from_maybe_shared(bytes.clone()) {
            Ok(leaf) if leaf == self.leaf => Self { leaf, ..self },
            _ => self,
        }
    }

    /// Memory that it takes beside `bytes`, in bytes.
    pub(super) fn weight_beside(&self, bytes: &[u8]) -> usize {
        let Self { leaf, chain } = self;
        let own = if leaf.as_bytes().as_ptr() == bytes.as_ptr() { 0 } else { leaf.len() };
        own + chain.as_ref().map_or(0, HeaderValue::len)
    }
}

/// A certificate in DER, not looked into yet.
type Der = Vec<u8>;

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
        self.row().0
    }

    /// The header it uses unless configured.
    pub fn header(self) -> HeaderName {
        HeaderName::from_static(self.row().1)
    }

    /// The header for the chain, where it has one of its own.
    pub fn chain_header(self) -> Option<HeaderName> {
        self.row().2.map(HeaderName::from_static)
    }

    #[rustfmt::skip]
    fn row(self) -> (&'static str, &'static str, Option<&'static str>) {
        match self {
            Self::Wso2         => ("wso2", "ssl.client.auth.cert.x509", None),
            Self::Nginx        => ("nginx", "x-ssl-client-cert", None),
            Self::IngressNginx => ("ingress-nginx", "ssl-client-cert", None),
            Self::Haproxy      => ("haproxy", "x-ssl-client-cert", Some("x-ssl-client-chain")),
            Self::Apache       => ("apache", "x-ssl-client-cert", None),
            Self::Envoy        => ("envoy", "x-forwarded-client-cert", None),
            Self::Traefik      => ("traefik", "x-forwarded-tls-client-cert", None),
            Self::Caddy        => ("caddy", "client-cert", None),
            Self::AwsAlb       => ("aws-alb", "x-amzn-mtls-clientcert", None),
            Self::Gcp          => ("gcp", "client-cert", Some("client-cert-chain")),
            Self::Azure        => ("azure", "x-arr-clientcert", None),
            Self::Cloudflare   => ("cloudflare", "client-cert", Some("client-cert-chain")),
            Self::F5           => ("f5", "x-client-cert", None),
            Self::Rfc9440      => ("rfc9440", "client-cert", Some("client-cert-chain")),
        }
    }

    /// Whether the chain header is a list that may be split over several lines (RFC 9440, section 2.3).
    pub(super) fn chain_may_repeat(self) -> bool {
        matches!(self, Self::Gcp | Self::Cloudflare | Self::Rfc9440)
    }

    /// Reads the certificate strictly: the whole input is consumed, nothing is guessed.
    ///
    /// `chain` are the values of a chain header in the profile's own form, without the leaf or headed by it.
    ///
    /// # Errors
    /// `certificate_malformed`, also for more than one certificate where the profile carries one and for more than
    /// `max_intermediates`; `certificate_repeated` for two elements of XFCC; `certificate_missing` for an element of XFCC
    /// without a certificate.
    pub fn decode(self, leaf: &[u8], chain: &[&[u8]], max_intermediates: usize) -> Result<Presented, Denial> {
        let mut shown = self.read(leaf)?.into_iter();
        let leaf = shown.next().ok_or(malformed("no certificate in the value"))?;
        let mut intermediates: Vec<Der> = shown.collect();
        if !self.carries_chain() && !intermediates.is_empty() {
            return Err(malformed("more than one certificate where one is forwarded"));
        }
        if !chain.is_empty() && self.chain_header().is_none() {
            return Err(malformed("a chain header where the profile has none"));
        }
        for value in chain {
            intermediates.extend(self.read(value)?);
        }
        Presented::new(leaf, intermediates, max_intermediates)
    }

    /// Writes the certificate from its DER. `intermediates` go where the profile has a place for them.
    pub fn encode(self, leaf: &[u8], intermediates: &[&[u8]]) -> Written {
        let carried = if self.carries_chain() { intermediates } else { &[] };
        let shown: Vec<&[u8]> = std::iter::once(leaf).chain(carried.iter().copied()).collect();
        let value = match self {
            Self::Wso2 | Self::Nginx | Self::IngressNginx | Self::Apache | Self::AwsAlb => escaped_pem::write(&shown),
            Self::Haproxy | Self::Traefik | Self::Azure | Self::F5 => base64_der::write(&shown),
            Self::Caddy | Self::Gcp | Self::Cloudflare | Self::Rfc9440 => rfc9440::write(&shown),
            Self::Envoy => xfcc::write(leaf, &shown),
        };
        let chain = self.chain_header().filter(|_| !intermediates.is_empty()).map(|_| match self {
            Self::Haproxy => base64_der::write(&[&intermediates.concat()]),
            _ => rfc9440::write(intermediates),
        });
        Written { leaf: field(value), chain: chain.map(field) }
    }

    /// Whether intermediates can be written: in a header of their own, or beside the leaf.
    pub fn has_place_for_chain(self) -> bool {
        self.chain_header().is_some() || self.carries_chain()
    }

    /// Whether the certificate header itself has room for the chain.
    fn carries_chain(self) -> bool {
        matches!(self, Self::Envoy | Self::Traefik | Self::AwsAlb)
    }

    /// Every certificate in one value of the certificate header or of the chain header, in the order written. They are not
    /// looked into.
    pub(super) fn read(self, value: &[u8]) -> Result<Vec<Der>, Denial> {
        match self {
            Self::Wso2 => wso2::read(value),
            Self::Nginx | Self::IngressNginx | Self::AwsAlb => escaped_pem::read(value),
            Self::Apache => escaped_pem::read_apache(value),
            Self::Haproxy => base64_der::read(value),
            Self::Traefik => base64_der::read_traefik(value),
            Self::Azure => base64_der::read_azure(value),
            Self::F5 => base64_der::read_f5(value),
            Self::Envoy => xfcc::read(value),
            Self::Caddy => rfc9440::read_caddy(value),
            Self::Gcp | Self::Cloudflare | Self::Rfc9440 => rfc9440::read(value),
        }
    }
}

/// What is written is visible ASCII; were it not, the backend would see an empty value, which is no certificate.
///
/// It is kept as long as the certificate is remembered, so in no more memory than it needs.
fn field(mut value: String) -> HeaderValue {
    value.shrink_to_fit();
    HeaderValue::try_from(value).unwrap_or(HeaderValue::from_static(""))
}

fn malformed(why: &'static str) -> Denial {
    Denial::CertificateMalformed { why }
}

#[cfg(test)]
pub(super) mod tests;
