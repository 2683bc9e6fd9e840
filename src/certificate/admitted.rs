//! A certificate with nothing left to be said against it.

use std::ops::Deref;

use super::{ClientCertificate, qualified::Qualified, revocation::Cleared};

/// A certificate whose path holds, which is not revoked, and is qualified as demanded: it takes the proof of each to make one.
#[derive(Clone, Debug)]
pub struct Admitted(ClientCertificate);

impl Admitted {
    /// That the proofs are of this very certificate is not checked.
    pub fn new(certificate: ClientCertificate, _: Cleared, _: Qualified) -> Self {
        Self(certificate)
    }
}

impl Deref for Admitted {
    type Target = ClientCertificate;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}
