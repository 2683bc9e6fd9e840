//! The application and access logs: JSON lines or text on standard output.

use crate::{config::settings::Log, observe::Record};

/// Installs the application log. `RUST_LOG` is not read: the configuration alone decides.
pub fn install(log: &Log) {
    todo!()
}

/// Writes the access line of one request, if `log` wants it.
pub fn access(log: &Log, record: &Record) {
    todo!()
}
