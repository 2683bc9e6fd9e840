//! What the targets mint and how the gate is asked: keys from fixed seeds and fixed dates, so that a corpus file means the
//! same in every run.

pub mod authority;
pub mod gate;
pub mod key;

/// 2027-01-15T08:00:00Z, in seconds: when minted certificates and tokens hold.
pub const NOW: u64 = 1_800_000_000;
