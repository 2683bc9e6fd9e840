//! Answers the gate's questions: what certbound fetches from elsewhere, bounded in size and time.

pub mod address;
mod discovery;
pub mod http;
pub mod jwks;
#[cfg(test)]
mod origin;

pub use jwks::KeyStore;
