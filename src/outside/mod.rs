//! Answers the gate's questions: what certbound fetches from elsewhere, bounded in size and time.

pub mod address;
pub mod consent;
mod dial;
pub mod discovery;
mod flights;
pub mod http;
pub mod introspection;
pub mod jwks;
pub(crate) mod names;
#[cfg(test)]
mod origin;
#[cfg(feature = "otel")]
pub mod otlp;
pub mod revocation;
pub mod statements;
pub mod uses;

pub use consent::Consents;
pub use introspection::IntrospectionStore;
pub use jwks::{KeyStore, Missing};
pub use revocation::{CrlFiles, RevocationStore};
pub use statements::StatementKeys;
pub use uses::UseStore;

/// Entries to expect, for sixteen parts at most, whatever the processor: quick_cache makes none for fewer than 32.
const EXPECTED: usize = 512;

#[cfg(test)]
mod tests {
    use quick_cache::{UnitWeighter, sync::Cache};

    use super::*;

    #[test]
    fn what_is_new_is_found_beside_as_much_as_fits() {
        let cache = Cache::with_weighter(EXPECTED, 100_000, UnitWeighter);
        (0..200_000).for_each(|number| cache.insert(number, ()));
        assert!((0..200_000).filter(|number| (0..3).all(|_| cache.get(number).is_some())).count() > 90_000);
        (200_000..200_064).for_each(|number| cache.insert(number, ()));
        assert!((200_000..200_064).all(|number| cache.get(&number).is_some()));
    }
}
