//! `proxy.toml`, parsed once into what it means, or into every fault at once.

pub mod fault;
pub mod file;
pub mod settings;

pub use fault::{Fault, Warning};
pub use settings::Settings;

use std::path::Path;

use rustls_pki_types::UnixTime;

/// Reads `file` and every file it names.
///
/// # Errors
/// Every fault, in the order of the file.
pub fn load(file: &Path, now: UnixTime) -> Result<(Settings, Vec<Warning>), Vec<Fault>> {
    todo!()
}
