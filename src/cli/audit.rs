//! `certbound audit verify`: whether audit lines are as they were written.

use std::{fmt::Write as _, io::BufReader, path::PathBuf, process::ExitCode};

use clap::{Args, Subcommand};
use serde::Serialize;

use crate::{
    cli::{argument, failure, print},
    observe::audit::verification::{End, Tally, Verification},
};

/// Examine audit logs
#[derive(Args, Debug)]
pub(super) struct Audit {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Verify(Verify),
}

/// Verify the hash chain of audit lines
///
/// With `hash_chain = true` in `[audit]`, each line carries the SHA-256 of the line before; a file that was rotated and a process
/// that was started anew begin with an empty one.
/// A line that was changed, and one that is missing or doubled, breaks the chain or the numbers; the first that is not in
/// order is named.
/// Lines of other logs are passed over.
///
/// The chain does not show lines missing at the end of a process or of the last file, and whoever may write a file may write
/// all of it anew.
/// The hash that is printed last shows both: keep it where the log cannot be written from, and compare.
///
/// The exit code is 0 when every audit line is in order, and 1 when one is not, carries no hash, or there is none.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
struct Verify {
    /// What to read, the oldest first; - for standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Print JSON: intact, files, broken (null, or the file, the line, and why), end (null, or the last line's seq and hash)
    #[arg(long)]
    json: bool,
}

impl Audit {
    pub(super) fn execute(&self) -> ExitCode {
        let Command::Verify(verify) = &self.command;
        verify.execute()
    }
}

/// What was found.
#[derive(Serialize)]
struct Findings {
    intact: bool,
    files: Vec<Read>,
    broken: Option<Broken>,
    end: Option<End>,
}

#[derive(Serialize)]
struct Read {
    file: String,
    #[serde(flatten)]
    tally: Tally,
}

#[derive(Serialize)]
struct Broken {
    file: String,
    /// None: no line is at fault, but that there is none.
    line: Option<u64>,
    why: String,
}

impl Verify {
    fn execute(&self) -> ExitCode {
        let findings = match self.read() {
            Ok(findings) => findings,
            Err(why) => return failure(why),
        };
        let output = match self.json {
            true => serde_json::to_string_pretty(&findings).map(|json| json + "\n"),
            false => Ok(findings.text()),
        };
        match (output.map(|output| print(&output)), findings.intact) {
            (Ok(printed), true) => printed,
            (Ok(_), false) => ExitCode::FAILURE,
            (Err(error), _) => failure(error),
        }
    }

    /// As far as the first line that is not in order.
    fn read(&self) -> Result<Findings, String> {
        let mut verification = Verification::default();
        let (mut files, mut broken) = (Vec::new(), None);
        for path in &self.files {
            let read = argument::open(path).and_then(|source| verification.read(BufReader::new(source)));
            let (tally, found) = read.map_err(|error| argument::unusable(path, error))?;
            let file = argument::name(path);
            files.push(Read { file: file.clone(), tally });
            broken = found.map(|found| Broken { file, line: Some(found.line), why: found.why.to_string() });
            if broken.is_some() {
                break;
            }
        }
        let end = verification.end();
        if let (None, None, Some(last)) = (&broken, &end, files.last()) {
            broken = Some(Broken { file: last.file.clone(), line: None, why: "there is no audit line".to_owned() });
        }
        Ok(Findings { intact: broken.is_none(), files, broken, end })
    }
}

impl Findings {
    fn text(&self) -> String {
        let mut text = String::new();
        // Nothing fails to be written into a string.
        for Read { file, tally: Tally { lines, chains, others } } in &self.files {
            let _ = writeln!(text, "{file}: {lines} audit lines in order, {chains} chains begun, {others} other lines");
        }
        if let Some(End { seq, hash }) = &self.end {
            let _ = writeln!(text, "the last line in order has seq {seq} and the hash {hash}");
        }
        let _ = match &self.broken {
            Some(Broken { file, line: Some(line), why }) => writeln!(text, "BROKEN: {file}: line {line} {why}"),
            Some(Broken { why, .. }) => writeln!(text, "BROKEN: {why}"),
            None => writeln!(text, "intact"),
        };
        text
    }
}

const EXAMPLES: &str = "\
Examples:
  certbound audit verify audit.log
  certbound audit verify audit.log.2 audit.log.1 audit.log        rotated, the oldest first
  certbound audit verify <(zcat audit.log.1.gz) audit.log
  kubectl logs deploy/api -c certbound | certbound audit verify - --json | jq .broken";
