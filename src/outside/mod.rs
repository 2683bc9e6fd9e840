//! Answers the gate's questions: what certbound fetches from elsewhere, bounded in size and time.

pub mod address;
mod discovery;
mod flights;
pub mod http;
pub mod jwks;
#[cfg(test)]
mod origin;
pub mod revocation;

pub use address::AddressRules;
pub use jwks::KeyStore;
pub use revocation::{CrlFiles, RevocationRules, RevocationStore};
