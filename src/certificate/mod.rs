//! The client's certificate: forwarded, decoded, verified, believed.

mod admitted;
pub mod client;
mod constraints;
mod decoded;
mod examined;
pub mod forwarded;
pub mod inspect;
#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests state what they need")]
pub(crate) mod mint;
mod name;
pub mod organization;
pub mod path;
pub mod profile;
pub mod qualified;
pub mod revocation;
mod signature;
pub mod truststore;
pub mod verdicts;

pub use admitted::Admitted;
pub use client::ClientCertificate;
pub use decoded::Decoded;
pub use forwarded::{ForwardedCert, Presented};
pub use path::PathRules;
pub use profile::{Profile, Written};
pub use truststore::Truststore;
pub use verdicts::Certificates;
