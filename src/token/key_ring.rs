//! The keys of every issuer, and the memory of signatures that held under them.

use std::sync::Arc;

use crate::{
    memory::Memory,
    token::{Algorithm, BearerToken, Claims, KeySet},
};

/// A snapshot of the keys of every issuer, and the memory of signatures that held under them.
///
/// The memory is a field of the keys, so new keys empty it. It holds signatures and claims only: issuer, algorithm,
/// audience, times, and type are compared on every hit.
pub struct KeyRing {
    /// In the order of [`crate::token::Issuers::issuers`]; none: never fetched.
    sets: Vec<Option<Arc<KeySet>>>,
    /// By the whole token.
    remembered: Memory<Box<[u8]>, Arc<Signed>>,
}

/// A token whose signature holds. Nothing in it has been compared with anything.
#[derive(Debug)]
pub(super) struct Signed {
    pub(super) claims: Claims,
    /// `typ`, lower case, without `application/`.
    pub(super) typ: Option<Box<str>>,
    pub(super) algorithm: Algorithm,
    /// Whose keys it was verified with: an index into [`KeyRing::sets`].
    pub(super) issuer: usize,
}

impl KeyRing {
    /// `cache_bytes`: memory for the cache, at most; 0 switches it off.
    pub fn new(sets: Vec<Option<Arc<KeySet>>>, cache_bytes: u64) -> Self {
        Self { sets, remembered: Memory::new(cache_bytes, |kept, signed| weight(&kept.key, signed)) }
    }

    /// Gives the memory back: another ring serves in the place of this one.
    pub fn forget(&self) {
        self.remembered.forget();
    }

    /// The key set of each issuer.
    pub fn sets(&self) -> &[Option<Arc<KeySet>>] {
        &self.sets
    }

    /// The keys of issuer number `issuer`, if there are any.
    pub(super) fn of(&self, issuer: usize) -> Option<&KeySet> {
        self.sets.get(issuer)?.as_deref().filter(|set| !set.is_empty())
    }

    /// The token, if its signature is known to hold.
    pub(super) fn recall(&self, bearer: BearerToken<'_>) -> Option<Arc<Signed>> {
        self.remembered.recall(bearer.as_str().as_bytes())
    }

    /// Keeps a token whose signature holds.
    pub(super) fn remember(&self, bearer: BearerToken<'_>, signed: &Arc<Signed>) {
        self.remembered.remember(bearer.as_str().as_bytes().into(), Arc::clone(signed));
    }
}

/// Memory that an entry takes, in bytes: the key, texts that are no longer than the payload they come from, and what
/// each text and the entry itself cost besides. Rounded up.
fn weight(token: &[u8], signed: &Signed) -> usize {
    token.len() * 2 + signed.claims.texts() * TEXT_BYTES + ENTRY_BYTES
}

/// Pointer, length, and the allocator's share of a text.
const TEXT_BYTES: usize = 48;

/// The claims' fields, and the cache's own record.
const ENTRY_BYTES: usize = 1024;

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests state what they need")]

    use serde_json::json;

    use super::*;
    use crate::token::mint::{Mint, NOW, at, bearing, claims, issuers};

    #[test]
    fn memory_stays_within_its_bound_however_many_tokens_come() {
        const BOUND: u64 = 20_000;
        let mint = Mint::new(Algorithm::EdDSA, "1");
        let keys = KeyRing::new(vec![Some(Arc::new(mint.key_set()))], BOUND);
        for number in 0..100 {
            let headers = bearing(&mint.token(&claims(&json!({"jti": number.to_string()}))));
            assert!(issuers().verify(BearerToken::read(&headers, false).unwrap(), &keys, &|_| None, at(NOW)).1.is_ok());
        }
        let (_, weight) = keys.remembered.extent();
        assert!((1..=BOUND).contains(&weight), "{weight}");

        keys.forget();
        assert_eq!(keys.remembered.extent(), (0, 0));
    }
}
