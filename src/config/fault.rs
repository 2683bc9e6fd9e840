//! What is wrong with a configuration, where, and how to write it.

use std::{fmt, path::PathBuf};

/// One fault, printed as `FILE:line:column: key: what is wrong; how to write it`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Fault {
    /// The file as given.
    pub file: PathBuf,
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// Dotted; none for broken TOML.
    pub key: Option<String>,
    /// What is wrong.
    pub what: String,
    /// How to write it.
    pub remedy: String,
}

/// Something legal that an operator should know, printed like a fault.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Warning(pub Fault);

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        todo!()
    }
}
