//! Holds the real binary to what it promises, over real sockets.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests state what they need"
)]

#[path = "../support/mod.rs"]
mod support;

mod binding;
mod examples;
