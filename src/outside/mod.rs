//! Answers the gate's questions: what certbound fetches from elsewhere, bounded in size and time.

pub mod http;
pub mod jwks;

pub use jwks::KeyStore;
