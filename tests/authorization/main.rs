//! A real authorization server and a real client, behind real nginx with mutual TLS and the real binary.
//!
//! ```text
//!            ┌──mTLS──► nginx ──► certbound ──► authorization server (oidc-provider)
//!  client ───┤                                        ▲ keys, introspection
//!            └──mTLS──► nginx ──► certbound ──────────┘ ──► bank
//! ```
//!
//! `cargo test --test authorization -- --nocapture` prints every command and its answer.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests state what they need"
)]

#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "other tests ask more of the stage set")]
mod support;

mod bound;
mod call;
mod node;
mod opaque;
mod plan;
mod proof;
mod registration;
mod rotation;
mod stage;
mod tpp;
mod traffic;
mod transcript;
