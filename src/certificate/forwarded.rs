//! What a load balancer says the client presented, before anything of it is believed.

use http::HeaderValue;
use rustls_pki_types::CertificateDer;

use crate::{
    certificate::{Decoded, Profile},
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

impl Source {
    /// Whose word about the client's address, scheme, and host came with a request over `peer`: the balancer's where it
    /// writes headers; nobody's where clients speak TLS with certbound itself, and a balancer only hands bytes on.
    pub fn voucher(&self, peer: Option<TrustedPeer>) -> Option<TrustedPeer> {
        peer.filter(|_| matches!(self, Self::Header { .. }))
    }
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
    pub leaf: Decoded,
    /// Material for the path, never trust; a copy of the leaf at the head is already gone.
    pub intermediates: Vec<Decoded>,
}

impl<'a> ForwardedCert<'a> {
    /// Reads what a trusted load balancer says the client presented. Says nothing about its validity.
    ///
    /// A certificate from the handshake needs no load balancer to speak for it: possession of its key is proven.
    ///
    /// # Errors
    /// `certificate_missing` for an absent value or one that means "no certificate", and for a peer that is a stranger, with
    /// the reason for that; `certificate_repeated` for two values, whatever they say; `header_too_large`.
    pub fn read(
        peer: Result<TrustedPeer, &'static str>,
        asserted: &'a Asserted,
        connection: &'a Connection,
        source: &Source,
    ) -> Result<Self, Denial> {
        match (source, peer) {
            (Source::Connection, _) if connection.certificates.is_empty() => {
                missing("the client showed none in its handshake")
            }
            (Source::Connection, _) => Ok(Self::Connection(&connection.certificates)),
            (Source::Header { .. }, Err(doubt)) => missing(doubt),
            (Source::Header { profile, max_bytes }, Ok(_)) => Ok(Self::Header {
                profile: *profile,
                leaf: the_leaf(asserted, *max_bytes)?,
                chain: the_chain(asserted.chain(), *profile, max_bytes.saturating_mul(4))?,
            }),
        }
    }

    /// Decodes, strictly, once. At most `max_intermediates` are taken.
    ///
    /// # Errors
    /// `certificate_malformed`; `certificate_repeated` for two elements of XFCC; `certificate_missing` for an element
    /// without a certificate.
    pub fn decode(&self, max_intermediates: usize) -> Result<Presented, Denial> {
        match self {
            Self::Header { profile, leaf, chain } => profile.decode(leaf, chain, max_intermediates),
            Self::Connection(shown) => {
                let (leaf, chain) =
                    shown.split_first().ok_or(Denial::CertificateMissing { why: "the handshake held none" })?;
                Presented::new(leaf.to_vec(), chain.iter().map(|der| der.to_vec()).collect(), max_intermediates)
            }
        }
    }
}

impl Presented {
    /// Holds every certificate to strict DER and drops a copy of the leaf at the head of `chain`.
    ///
    /// # Errors
    /// `certificate_malformed`, also for more than `max_intermediates`.
    pub(super) fn new(leaf: Vec<u8>, mut chain: Vec<Vec<u8>>, max_intermediates: usize) -> Result<Self, Denial> {
        if chain.first() == Some(&leaf) {
            chain.remove(0);
        }
        if chain.len() > max_intermediates {
            return Err(Denial::CertificateMalformed { why: "more intermediates than are taken" });
        }
        let leaf = Decoded::strict(leaf)?;
        let intermediates = chain.into_iter().map(Decoded::strict).collect::<Result<_, _>>()?;
        Ok(Self { leaf, intermediates })
    }
}

/// Exactly one value that is a certificate. Never "the first one": one of two was written by someone else.
fn the_leaf(asserted: &Asserted, max_bytes: usize) -> Result<&[u8], Denial> {
    match asserted.certificate() {
        [] if asserted.stripped().is_empty() => missing("there is no header with one"),
        [] => missing("the configured header is not there; others by which one is claimed were taken out"),
        [one] if one.len() > max_bytes => Err(Denial::HeaderTooLarge { what: "the certificate header" }),
        [one] => present(one.as_bytes()).map_or_else(|| missing("its header says that there is none"), Ok),
        _ => Err(Denial::CertificateRepeated),
    }
}

fn missing<T>(why: &'static str) -> Result<T, Denial> {
    Err(Denial::CertificateMissing { why })
}

fn the_chain(values: &[HeaderValue], profile: Profile, max_bytes: usize) -> Result<Vec<&[u8]>, Denial> {
    if values.len() > 1 && !profile.chain_may_repeat() {
        return Err(Denial::CertificateRepeated);
    }
    if values.iter().map(HeaderValue::len).sum::<usize>() > max_bytes {
        return Err(Denial::HeaderTooLarge { what: "the chain header" });
    }
    Ok(values.iter().filter_map(|value| present(value.as_bytes())).collect())
}

/// The value without white space around it, unless it is what a load balancer writes when the client showed no
/// certificate: nothing, a word for it, or a variable that it did not fill in.
pub(super) fn present(value: &[u8]) -> Option<&[u8]> {
    let value = value.trim_ascii();
    let bare = value.strip_prefix(b":").and_then(|rest| rest.strip_suffix(b":")).unwrap_or(value);
    let placeholder = bare.starts_with(b"{") && bare.ends_with(b"}");
    (!placeholder && !ABSENT.contains(&value)).then_some(value)
}

/// Each seen from a product: nginx and HAProxy, Apache, Azure, and RFC 9440 written around nothing.
const ABSENT: [&[u8]; 6] = [b"", b"-", b"(null)", b"null", b"NONE", b"::"];

#[cfg(test)]
mod tests;
