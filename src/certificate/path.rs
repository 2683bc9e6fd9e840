//! RFC 5280, section 6: from the presented certificate to an anchor.

use rustls_pki_types::UnixTime;

use crate::{
    certificate::{Presented, Truststore},
    denial::Denial,
};

/// What is demanded of a path beyond RFC 5280.
#[derive(Clone, Copy, Debug)]
pub struct PathRules {
    /// RSA modulus, at least.
    pub minimum_rsa_bits: usize,
    /// Intermediates that a client may send, at most.
    pub max_intermediates: usize,
    /// Whether the leaf must carry EKU clientAuth. An EKU without clientAuth is refused in any case.
    pub require_client_auth: bool,
}

/// Proof that a path was found and holds. Only [`verify`] makes one.
#[derive(Debug)]
pub struct VerifiedPath {
    // the window of dates, the intermediates used in order
}

/// Finds a path from `presented` to an anchor and checks it whole.
pub fn verify(
    presented: &Presented,
    trust: &Truststore,
    rules: &PathRules,
    now: UnixTime,
) -> Result<VerifiedPath, Denial> {
    todo!()
}
