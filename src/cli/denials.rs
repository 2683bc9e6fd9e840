//! `certbound denials`: the table of refusals.

use std::{fmt::Write as _, process::ExitCode};

use clap::{Args, ValueEnum};
use serde::Serialize;

use crate::{
    cli::{failure, print},
    denial::{Denial, Row},
    explain::CHECKS,
};

/// Print the table of refusals
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  certbound denials --format json")]
pub(super) struct Denials {
    /// How to print it
    #[arg(long, value_enum, default_value_t = Format::Markdown)]
    format: Format,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// For people.
    Markdown,
    /// For programs: a list of objects with code, status, challenge, and title.
    Json,
}

impl Denials {
    pub(super) fn execute(&self) -> ExitCode {
        match self.format {
            Format::Markdown => print(&markdown()),
            Format::Json => json().map_or_else(failure, |table| print(&table)),
        }
    }
}

#[derive(Serialize)]
struct Entry {
    code: &'static str,
    status: u16,
    challenge: Option<&'static str>,
    title: &'static str,
}

fn rows() -> impl Iterator<Item = Row> {
    Denial::every().into_iter().map(|denial| denial.row())
}

fn json() -> serde_json::Result<String> {
    let entries: Vec<Entry> = rows()
        .map(|Row { code, status, challenge, title }| Entry {
            code,
            status,
            challenge: challenge.map(|challenge| challenge.as_str()),
            title,
        })
        .collect();
    serde_json::to_string_pretty(&entries).map(|table| table + "\n")
}

fn markdown() -> String {
    let mut table = format!("{INTRODUCTION}{}.\n\n{HEAD}", CHECKS.join(", "));
    for Row { code, status, challenge, title } in rows() {
        let challenge = challenge.map(|challenge| format!("`{}`", challenge.as_str())).unwrap_or_default();
        // Nothing fails to be written into a string.
        let _ = writeln!(table, "| `{code}` | {status} | {challenge} | {title} |");
    }
    table
}

const INTRODUCTION: &str = "\
# Refusals

Printed by `certbound denials`; do not edit.

Codes are never renamed and never used for anything else.
`[errors] status` can replace a status; a challenge is then sent with every 401.
What is wrong with a token that came by the `DPoP` scheme is said in that scheme, with `algs` (RFC 9449, section 7.1).
When several things are wrong, the first in the order of the checks answers: ";

const HEAD: &str = "\
| code | status | `WWW-Authenticate` | title |
|---|---|---|---|
";

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests state what they need")]

    use super::*;

    #[test]
    fn document_is_what_the_command_prints() {
        let document = include_str!("../../docs/denials.md");
        assert_eq!(document, markdown(), "run: certbound denials > docs/denials.md");
    }

    #[test]
    fn json_has_the_four_members_of_every_row() {
        let table: Vec<serde_json::Value> = serde_json::from_str(&json().unwrap()).unwrap();
        assert_eq!(table.len(), Denial::every().len());
        let mismatch = table.iter().find(|entry| entry["code"] == "binding_mismatch").unwrap();
        let expected = serde_json::json!({
            "code": "binding_mismatch",
            "status": 401,
            "challenge": r#"Bearer error="invalid_token""#,
            "title": "The access token is bound to another certificate",
        });
        assert_eq!(mismatch, &expected);
        let missing = table.iter().find(|entry| entry["code"] == "route_unknown").unwrap();
        assert!(missing["challenge"].is_null());
    }
}
