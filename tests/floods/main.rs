//! Floods and slow clients against the real binary, one after the other, each beside a good client that has to be served
//! as ever. What each costs is printed as a row; `docs/limits.md` tells operators which limit it meets.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "tests state what they need")]

#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "other tests ask more of the stage set")]
mod support;

mod crowd;
mod good;
mod process;
mod stage;

mod closing;
mod http2;
mod idle;
mod slow;
mod unique;
