//! The client's certificate: forwarded, decoded, verified, believed.

pub mod client;
pub mod forwarded;
pub mod path;
pub mod profile;
pub mod qualified;
pub mod revocation;
pub mod truststore;
pub mod verdicts;

pub use client::ClientCertificate;
pub use forwarded::{ForwardedCert, Presented};
pub use path::PathRules;
pub use profile::{Profile, Written};
pub use truststore::Truststore;
pub use verdicts::Certificates;
