//! What a load balancer says the client presented, before anything of it is believed.

use rustls_pki_types::CertificateDer;

use crate::{
    certificate::Profile,
    denial::Denial,
    headers::Asserted,
    peer::{Connection, TrustedPeer},
};

/// Where certificates come from.
#[derive(Clone, Debug)]
pub enum Source {
    /// A header that a load balancer wrote.
    Header {
        /// How its bytes are read.
        profile: Profile,
        /// Size of the certificate header's value, at most; the chain header's values together: four times this.
        max_bytes: usize,
    },
    /// The TLS handshake with certbound itself.
    Connection,
}

/// Exactly one certificate, as the load balancer or the handshake carried it: not decoded, not valid, not believed.
#[derive(Debug)]
pub enum ForwardedCert<'a> {
    /// Bytes of a header value, and of the chain header's values.
    Header {
        /// How they are read.
        profile: Profile,
        /// The one value of the certificate header.
        leaf: &'a [u8],
        /// The values of the chain header.
        chain: Vec<&'a [u8]>,
    },
    /// DER from the handshake, leaf first.
    Connection(&'a [CertificateDer<'static>]),
}

/// A decoded certificate and the intermediates sent along: strict DER, nothing verified.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Presented {
    /// The client's certificate as received.
    pub leaf: Vec<u8>,
    /// Material for the path, never trust; a copy of the leaf at the head is already gone.
    pub intermediates: Vec<Vec<u8>>,
}

impl<'a> ForwardedCert<'a> {
    /// Reads what a trusted load balancer says the client presented. Says nothing about its validity.
    ///
    /// # Errors
    /// `certificate_missing` for an absent value or one that means "no certificate", and for a stranger (`peer` is none);
    /// `certificate_repeated` for two; `header_too_large`.
    pub fn read(
        peer: Option<TrustedPeer>,
        asserted: &'a Asserted,
        connection: &'a Connection,
        source: &Source,
    ) -> Result<Self, Denial> {
        todo!()
    }

    /// Decodes, strictly, once. At most `max_intermediates` are taken.
    ///
    /// # Errors
    /// `certificate_malformed`; `certificate_repeated` for two elements of XFCC.
    pub fn decode(&self, max_intermediates: usize) -> Result<Presented, Denial> {
        todo!()
    }
}
