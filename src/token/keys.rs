//! Issuers' keys (RFC 7517, 7518, 8037) and the algorithms they may be used with.

/// JWS algorithms certbound knows: asymmetric ones only. `none` and HS* have no name here.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(missing_docs, reason = "the names of RFC 7518 and RFC 8037")]
pub enum Algorithm {
    PS256,
    PS384,
    PS512,
    ES256,
    ES384,
    EdDSA,
    RS256,
    RS384,
    RS512,
}

impl Algorithm {
    /// Every algorithm.
    pub const ALL: [Self; 9] = [
        Self::PS256,
        Self::PS384,
        Self::PS512,
        Self::ES256,
        Self::ES384,
        Self::EdDSA,
        Self::RS256,
        Self::RS384,
        Self::RS512,
    ];

    /// Its registered name.
    pub fn name(self) -> &'static str {
        todo!()
    }

    /// The algorithm of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|a| a.name() == name)
    }
}

/// The usable public keys of one issuer. Equality tells whether a refresh changed anything.
#[derive(Debug, Eq, PartialEq)]
pub struct KeySet {
    // keys
}

impl KeySet {
    /// Reads a JWK set. Keys of unknown type, for encryption, or with symmetric material are left out; duplicates of a
    /// `kid` are kept.
    ///
    /// # Errors
    /// What is wrong: not a JWK set, over [`Self::MAX_BYTES`], too many keys.
    pub fn parse(json: &[u8]) -> Result<Self, String> {
        todo!()
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        todo!()
    }

    /// Whether there is no key.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A larger document is not read.
    pub const MAX_BYTES: usize = 512 * 1024;
}
