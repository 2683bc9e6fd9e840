//! What is read anew while certbound runs: the last good one stays when the new one is at fault.

pub mod crl;
pub mod watch;
