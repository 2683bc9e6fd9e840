//! Verifies forwarded certificates, and remembers those that were good.

use rustls_pki_types::UnixTime;

use crate::{
    certificate::{ClientCertificate, ForwardedCert, PathRules, Profile, Truststore},
    denial::Denial,
    lookup::Lookup,
};

/// The truststore with its rules and the memory of what they accepted.
///
/// The memory is a field of the truststore's owner, so replacing the one empties the other.
/// It holds acceptances only; dates are compared on every hit.
pub struct Certificates {
    trust: Truststore,
    rules: PathRules,
    forward: Option<Forward>,
    // cache: keyed by the whole bytes of the header values, weighed in bytes
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
    /// `cache_bytes`: memory for the cache, at most; 0 switches it off.
    pub fn new(trust: Truststore, rules: PathRules, forward: Option<Forward>, cache_bytes: u64) -> Self {
        todo!()
    }

    /// The certificate, if its path holds now.
    pub fn verify(&self, forwarded: &ForwardedCert<'_>, now: UnixTime) -> (Lookup, Result<ClientCertificate, Denial>) {
        todo!()
    }

    /// The truststore.
    pub fn truststore(&self) -> &Truststore {
        &self.trust
    }
}
