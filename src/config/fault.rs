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
    /// Dotted, as the headers of the file write it: `route.path` for each `[[route]]`, which the line tells apart.
    /// None for broken TOML.
    pub key: Option<String>,
    /// What is wrong.
    pub what: String,
    /// How to write it.
    pub remedy: String,
}

/// Something legal that an operator should know, printed like a fault.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Warning(pub Fault);

/// What is wrong with one value, before its place is known.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Wrong {
    pub(super) what: String,
    pub(super) remedy: String,
}

impl Wrong {
    pub(super) fn new(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { what: what.into(), remedy: remedy.into() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: ", self.file.display(), self.line, self.column)?;
        if let Some(key) = &self.key {
            write!(f, "{key}: ")?;
        }
        write!(f, "{}; {}", self.what, self.remedy)
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fault_is_one_line_with_place_key_and_remedy() {
        let fault = Fault {
            file: "proxy.toml".into(),
            line: 14,
            column: 9,
            key: Some("load_balancer.trusted_networks".to_owned()),
            what: "`lb-1` is not a network".to_owned(),
            remedy: "write it as 10.0.0.0/8".to_owned(),
        };

        let keyless = Fault { key: None, ..fault.clone() };

        assert_eq!(
            fault.to_string(),
            "proxy.toml:14:9: load_balancer.trusted_networks: `lb-1` is not a network; write it as 10.0.0.0/8"
        );
        assert_eq!(keyless.to_string(), "proxy.toml:14:9: `lb-1` is not a network; write it as 10.0.0.0/8");
        assert_eq!(Warning(fault.clone()).to_string(), fault.to_string());
    }
}
