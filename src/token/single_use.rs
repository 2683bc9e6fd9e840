//! What may be used once: the `jti` of a proof (RFC 9449, section 11.1) or of a registration.

use rustls_pki_types::UnixTime;
use sha2::{Digest, Sha256};

/// Something that may be used once, digested: whoever keeps it learns nothing from it, and it has one length.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct SingleUse {
    /// Of the purpose, the one who made it, and its identifier.
    pub digest: [u8; 32],
    /// From then on it is refused for its age, and need not be remembered.
    pub until: UnixTime,
}

/// Whether it was used before.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Use {
    /// This is the first time.
    First,
    /// It was.
    Again,
    /// This cannot be found out now.
    Unknown,
    /// It was not, as far as is remembered, and there is no room to remember that it is now.
    NoRoom,
}

impl SingleUse {
    /// `purpose` keeps proofs and registrations apart; `maker` is whose identifiers are unique.
    pub fn new(purpose: &str, maker: &[u8], identifier: &str, until: UnixTime) -> Self {
        let mut digest = Sha256::new();
        // Each part with its length, so that no two triples are one text.
        for part in [purpose.as_bytes(), maker, identifier.as_bytes()] {
            digest.update((part.len() as u64).to_be_bytes());
            digest.update(part);
        }
        Self { digest: digest.finalize().into(), until }
    }
}
