//! `certbound schema`: every key of the configuration.

use std::process::ExitCode;

use clap::{Args, ValueEnum};

use crate::{
    cli::{failure, print},
    config::schema,
};

/// Print the JSON Schema of proxy.toml, by which editors complete and check it
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Schema {
    /// How to print it
    #[arg(long, value_enum, default_value_t = Format::Json)]
    format: Format,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// JSON Schema, draft 7.
    Json,
    /// The reference of the configuration, for people.
    Markdown,
}

impl Schema {
    pub(super) fn execute(&self) -> ExitCode {
        match self.format {
            Format::Json => json().map_or_else(failure, |schema| print(&schema)),
            Format::Markdown => print(&schema::markdown()),
        }
    }
}

fn json() -> serde_json::Result<String> {
    serde_json::to_string_pretty(&schema::json()).map(|schema| schema + "\n")
}

const EXAMPLES: &str = "\
Example:
  certbound schema > proxy.schema.json
and as the first line of proxy.toml, for Taplo and Even Better TOML:
  #:schema ./proxy.schema.json";

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests state what they need")]

    use super::*;

    #[test]
    fn documents_are_what_the_command_prints() {
        let (schema, reference) =
            (include_str!("../../docs/proxy.schema.json"), include_str!("../../docs/configuration.md"));

        assert!(schema == json().unwrap(), "run: certbound schema > docs/proxy.schema.json");
        assert!(reference == schema::markdown(), "run: certbound schema --format markdown > docs/configuration.md");
    }
}
