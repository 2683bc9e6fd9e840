//! Answers the gate's questions: what certbound fetches from elsewhere, bounded in size and time.

pub mod address;
pub mod consent;
pub mod discovery;
mod flights;
pub mod http;
pub mod introspection;
pub mod jwks;
#[cfg(test)]
mod origin;
#[cfg(feature = "otel")]
pub mod otlp;
pub mod revocation;
pub mod statements;
pub mod uses;

pub use address::AddressRules;
pub use consent::Consents;
pub use introspection::IntrospectionStore;
pub use jwks::KeyStore;
pub use revocation::{CrlFiles, RevocationRules, RevocationStore};
pub use statements::StatementKeys;
pub use uses::UseStore;
