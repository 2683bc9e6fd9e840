//! What differs between one load balancer and the next.

pub(crate) mod curl;
pub(crate) mod example;
pub(crate) mod nginx;
pub(crate) mod server;

use std::path::PathBuf;

use self::example::Changes;
use super::process;

/// A load balancer with a folder in `examples/`.
pub(crate) struct Balancer {
    /// That folder.
    pub(crate) folder: &'static str,
    pub(crate) program: &'static str,
    /// Keep it in the foreground, and let it write nowhere but into its own folder, where it runs.
    pub(crate) arguments: &'static [&'static str],
    /// Its files, and what a test has to change in each. [`PORT`], [`CERTBOUND`], and [`CERTBOUND_PORT`] are filled in.
    pub(crate) files: &'static [(&'static str, Changes<'static>)],
    /// Where it puts the certificate, as certbound's profile says.
    pub(crate) header: &'static str,
    /// How certbound writes a certificate under that name, and a forger might.
    pub(crate) form: fn(&[u8]) -> String,
    /// Whether it hands on the intermediates that a client showed.
    pub(crate) carries_chain: bool,
    /// Whether it answers for an expired certificate itself, or ends the handshake; otherwise certbound answers.
    pub(crate) refuses_expired: bool,
    /// All other headers that it adds, in order of the alphabet: none of them says whose certificate was shown.
    pub(crate) adds: &'static [&'static str],
}

impl Balancer {
    /// None, said loudly, where it is not installed; in CI that is a failure.
    pub(crate) fn find(&self) -> Option<PathBuf> {
        process::find(self.program)
    }
}

/// Stands for the port on which the balancer is to listen.
pub(crate) const PORT: &str = "@port@";
/// Stands for certbound's address.
pub(crate) const CERTBOUND: &str = "@certbound@";
/// Stands for the port of it.
pub(crate) const CERTBOUND_PORT: &str = "@certbound-port@";
