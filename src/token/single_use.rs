//! What may be used once: the `jti` of a proof (RFC 9449, section 11.1) or of a registration.

use rustls_pki_types::UnixTime;
use sha2::{Digest, Sha256};

/// Something that may be used once, digested: whoever keeps it learns nothing from it, and it has one length.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct SingleUse {
    /// What it is for.
    pub purpose: Purpose,
    /// Of the purpose, the one who made it, and its identifier.
    pub digest: [u8; 32],
    /// From then on it is refused for its age, and need not be remembered.
    pub until: UnixTime,
}

/// What something is used once for. Each has a memory of its own, so that who may fill the one leaves room in the other.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Purpose {
    /// A DPoP proof.
    Proof,
    /// A request to register.
    Registration,
}

impl Purpose {
    /// As it is digested.
    fn name(self) -> &'static str {
        match self {
            Self::Proof => "dpop",
            Self::Registration => "registration",
        }
    }
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
    /// `maker` is whose identifiers are unique.
    pub fn new(purpose: Purpose, maker: &[u8], identifier: &str, until: UnixTime) -> Self {
        let mut digest = Sha256::new();
        // Each part with its length, so that no two triples are one text.
        for part in [purpose.name().as_bytes(), maker, identifier.as_bytes()] {
            digest.update((part.len() as u64).to_be_bytes());
            digest.update(part);
        }
        Self { purpose, digest: digest.finalize().into(), until }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::mint::{NOW, at};

    #[test]
    fn each_part_tells_one_use_from_another() {
        let digest =
            |purpose, maker: &str, identifier| SingleUse::new(purpose, maker.as_bytes(), identifier, at(NOW)).digest;
        let one = digest(Purpose::Proof, "ab", "c");
        assert_eq!(one, digest(Purpose::Proof, "ab", "c"));
        for other in [
            digest(Purpose::Registration, "ab", "c"),
            digest(Purpose::Proof, "a", "bc"),
            digest(Purpose::Proof, "x", "c"),
            digest(Purpose::Proof, "ab", "x"),
        ] {
            assert_ne!(one, other);
        }
    }
}
