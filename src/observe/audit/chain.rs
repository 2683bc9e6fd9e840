//! The chain of hashes that ties each audit line to the one before.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

/// What the next line says as `previous`.
///
/// The hashes are not signed: they show that a line was changed or is missing, unless every line after it was written anew.
#[derive(Default)]
pub(super) struct Chain(String);

impl Chain {
    /// The hash of the line before; empty where none is before it.
    pub(super) fn previous(&self) -> &str {
        &self.0
    }

    /// `line`, without its line feed, is the latest now.
    pub(super) fn append(&mut self, line: &[u8]) {
        self.0.clear();
        BASE64_URL_SAFE_NO_PAD.encode_string(Sha256::digest(line), &mut self.0);
    }

    /// The next line is the first of its file.
    pub(super) fn begin(&mut self) {
        self.0.clear();
    }
}
