//! What differs between one load balancer and the next.

use std::{
    env,
    io::{self, Write},
    path::PathBuf,
};

use crate::example::Changes;

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
        let path = env::var_os("PATH").unwrap_or_default();
        // Debian puts servers there, and leaves that folder out of a user's path.
        let folders = env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
        let found = folders.map(|folder| folder.join(self.program)).find(|file| file.is_file());
        if found.is_none() {
            assert_ne!(env::var("CI").as_deref(), Ok("true"), "{} is not installed", self.program);
            // Not by `eprintln!`, which the test runner swallows.
            let said = format!("SKIPPED: {} is not installed, so nothing is known of it\n", self.program);
            io::stderr().write_all(said.as_bytes()).unwrap();
        }
        found
    }
}

/// Stands for the port on which the balancer is to listen.
pub(crate) const PORT: &str = "@port@";
/// Stands for certbound's address.
pub(crate) const CERTBOUND: &str = "@certbound@";
/// Stands for the port of it.
pub(crate) const CERTBOUND_PORT: &str = "@certbound-port@";
