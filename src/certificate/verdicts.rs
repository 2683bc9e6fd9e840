//! Verifies forwarded certificates, and remembers those that were good.

use bytes::Bytes;
use rustls_pki_types::UnixTime;

use crate::{
    certificate::{ClientCertificate, ForwardedCert, PathRules, Profile, Truststore, path, revocation::Depth},
    denial::Denial,
    lookup::Lookup,
    memory::{Kept, Memory},
};

/// The truststore with its rules and the memory of what they accepted.
///
/// The memory is a field of the truststore's owner, so replacing the one empties the other.
/// It holds acceptances only; dates are compared on every hit.
pub struct Certificates {
    trust: Truststore,
    rules: PathRules,
    forward: Option<Forward>,
    revocation: Option<Depth>,
    /// By the whole bytes of what was forwarded, so that nothing has to be decoded or digested to find it.
    /// The header for the backend shares them where it reads the same.
    accepted: Memory<Bytes, ClientCertificate>,
}

/// How the certificate is written for the backend.
#[derive(Clone, Copy, Debug)]
pub struct Forward {
    /// The form.
    pub profile: Profile,
    /// Whether the verified intermediates go along, where the profile has a place for them.
    pub chain: bool,
}

impl Certificates {
    /// `revocation`: how much of a path is kept for asking about it. `cache_bytes`: memory for the cache, at most; 0
    /// switches it off.
    pub fn new(
        trust: Truststore,
        rules: PathRules,
        forward: Option<Forward>,
        revocation: Option<Depth>,
        cache_bytes: u64,
    ) -> Self {
        Self { trust, rules, forward, revocation, accepted: Memory::new(cache_bytes, weight) }
    }

    /// The certificate, if its path holds now.
    ///
    /// # Errors
    /// Those of [`ForwardedCert::decode`] and [`path::verify`].
    pub fn verify(&self, forwarded: &ForwardedCert<'_>, now: UnixTime) -> (Lookup, Result<ClientCertificate, Denial>) {
        let key = Key::of(forwarded);
        // What is no longer in date is verified again, which finds the refusal that fits.
        let remembered = self.accepted.recall(key.bytes());
        if let Some(certificate) = remembered.filter(|certificate| certificate.in_date(now)) {
            return (Lookup::Hit, Ok(certificate));
        }
        let key = Bytes::copy_from_slice(key.bytes());
        let verified = self.verify_anew(forwarded, &key, now);
        if let Ok(certificate) = &verified {
            self.accepted.remember(key, certificate.clone());
        }
        (Lookup::Miss, verified)
    }

    fn verify_anew(
        &self,
        forwarded: &ForwardedCert<'_>,
        key: &Bytes,
        now: UnixTime,
    ) -> Result<ClientCertificate, Denial> {
        let presented = forwarded.decode(self.rules.max_intermediates)?;
        let path = path::verify(&presented, &self.trust, &self.rules, now)?;
        Ok(ClientCertificate::of(&path, self.forward, self.revocation, key))
    }

    /// Gives the memory back: another truststore serves in the place of this one.
    pub fn forget(&self) {
        self.accepted.forget();
    }

    /// The truststore.
    pub fn truststore(&self) -> &Truststore {
        &self.trust
    }
}

/// Memory that an entry takes, in bytes.
fn weight(kept: &Kept<Bytes>, certificate: &ClientCertificate) -> usize {
    kept.key.len().saturating_add(certificate.weight_beside(&kept.key)).saturating_add(ENTRY_BYTES)
}

/// What a forwarded certificate is remembered by: all the bytes that decide how it is decoded.
///
/// One [`Certificates`] sees one profile only, or handshakes only, so neither is part of the key.
enum Key<'a> {
    /// A certificate without a chain, which is most of them, is found without a copy.
    Alone(&'a [u8]),
    /// Each part with its length in front, so that no two chains run into one.
    Chain(Vec<u8>),
}

impl<'a> Key<'a> {
    fn of(forwarded: &ForwardedCert<'a>) -> Self {
        match forwarded {
            ForwardedCert::Header { leaf, chain, .. } if chain.is_empty() => Self::Alone(leaf),
            ForwardedCert::Header { leaf, chain, .. } => {
                Self::chain(std::iter::once(*leaf).chain(chain.iter().copied()))
            }
            ForwardedCert::Connection([leaf]) => Self::Alone(leaf),
            ForwardedCert::Connection(shown) => Self::chain(shown.iter().map(AsRef::as_ref)),
        }
    }

    /// Begins with a byte that no header value and no DER begins with, so that it cannot be a certificate alone.
    fn chain<'b>(parts: impl Iterator<Item = &'b [u8]>) -> Self {
        let mut bytes = vec![0];
        for part in parts {
            bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
            bytes.extend_from_slice(part);
        }
        Self::Chain(bytes)
    }

    fn bytes(&self) -> &[u8] {
        match self {
            Self::Alone(bytes) => bytes,
            Self::Chain(bytes) => bytes,
        }
    }
}

/// What the cache itself keeps for an entry, about.
const ENTRY_BYTES: usize = 200;

#[cfg(test)]
mod tests;
