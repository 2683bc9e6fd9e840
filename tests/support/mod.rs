//! What stands around certbound in tests and in the quickstart: a PKI, tokens, an issuer, a bank, a client, and the
//! real binary in the middle. Blocking, on loopback, on ports that the system chooses.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a broken stage set fails the test that stands on it"
)]

pub(crate) mod balancer;
pub(crate) mod bank;
pub(crate) mod clock;
pub(crate) mod config;
pub(crate) mod connection;
pub(crate) mod der;
pub(crate) mod forms;
pub(crate) mod frames;
pub(crate) mod introspector;
pub(crate) mod issuer;
pub(crate) mod message;
pub(crate) mod ocsp;
pub(crate) mod office;
pub(crate) mod pki;
pub(crate) mod process;
pub(crate) mod proof;
pub(crate) mod qualified;
pub(crate) mod redis;
pub(crate) mod relay;
pub(crate) mod sidecar;
pub(crate) mod stream;
pub(crate) mod tls;
pub(crate) mod token;
