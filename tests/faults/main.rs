//! Whoever certbound asks is killed, hangs, is slow, and talks nonsense, under load, and the clock is set: what does not
//! need them goes on, what does is refused as `docs/faults.md` says, and all is well again without a restart.
//!
//! `cargo test --test faults` prints what was measured.

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

#[path = "../it/verdict.rs"]
mod verdict;

mod audit;
mod backend;
mod clock;
mod consent;
mod crl;
mod endurance;
mod expectation;
mod footprint;
mod introspection;
mod keys;
mod load;
mod matrix;
mod ocsp;
mod part;
mod replay;
mod silence;
