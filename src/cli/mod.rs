//! The command line: one small file a command.

mod argument;
mod audit;
mod check;
mod completions;
mod denials;
mod detect;
mod explain;
mod inspect;
mod man;
mod run;
mod schema;

use std::{
    env,
    ffi::OsString,
    fmt,
    io::{ErrorKind, Write, stderr, stdout},
    path::PathBuf,
    process::ExitCode,
};

use clap::{
    Args, ColorChoice, CommandFactory, FromArgMatches, Parser, Subcommand,
    builder::{OsStringValueParser, TypedValueParser},
};
use rustls_pki_types::UnixTime;

use crate::{
    config::{self, Settings, Supplies, Warning},
    observe::terminal,
};

/// A reverse-proxy sidecar that proves an access token is bound to the client certificate a load balancer forwards
/// (RFC 8705), and lets nothing else through.
#[derive(Debug, Parser)]
#[command(name = "certbound", version, propagate_version = true, after_help = EXAMPLES)]
struct Line {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(run::Run),
    Check(check::Check),
    Explain(Box<explain::Explain>),
    Inspect(inspect::Inspect),
    Detect(detect::Detect),
    Denials(denials::Denials),
    Audit(audit::Audit),
    Schema(schema::Schema),
    Completions(completions::Completions),
    Man(man::Man),
}

/// Where the configuration is.
#[derive(Args, Debug)]
struct Configuration {
    /// The configuration; paths in it are relative to it
    #[arg(
        long = "config",
        value_name = "FILE",
        env = VARIABLE,
        default_value = DEFAULT_FILE,
        value_parser = OsStringValueParser::new().try_map(named)
    )]
    file: PathBuf,
}

/// A variable that is set to nothing, as charts leave it, is not set; an argument that is nothing is a mistake.
fn named(file: OsString) -> Result<PathBuf, &'static str> {
    let unset = || env::var_os(VARIABLE).is_some_and(|value| value.is_empty());
    match file.is_empty() {
        false => Ok(file.into()),
        true if unset() => Ok(DEFAULT_FILE.into()),
        true => Err("it names no file"),
    }
}

impl Configuration {
    /// Reads the configuration and every file it names; prints every fault, one a line.
    ///
    /// # Errors
    /// The exit code for a bad configuration.
    fn load(&self) -> Result<(Settings, Supplies, Vec<Warning>), ExitCode> {
        config::load(&self.file, UnixTime::now()).map_err(|faults| {
            faults.iter().for_each(tell);
            ExitCode::from(BAD_CONFIGURATION)
        })
    }
}

/// Runs the command that the process was called with.
pub fn main() -> ExitCode {
    let matches = Line::command().color(colour()).try_get_matches();
    let line = matches.and_then(|matches| Line::from_arg_matches(&matches));
    let line = line.unwrap_or_else(|error| argument::discreet(error).exit());
    match line.command {
        Command::Run(run) => run.execute(),
        Command::Check(check) => check.execute(),
        Command::Explain(explain) => explain.execute(),
        Command::Detect(detect) => detect.execute(),
        Command::Inspect(inspect) => inspect.execute(),
        Command::Denials(denials) => denials.execute(),
        Command::Audit(audit) => audit.execute(),
        Command::Schema(schema) => schema.execute(),
        Command::Completions(completions) => completions.execute(),
        Command::Man(man) => man.execute(),
    }
}

/// For help and errors, of which clap chooses the stream. Its own choice would be another: it listens to CLICOLOR_FORCE and CI.
fn colour() -> ColorChoice {
    match terminal::shows_colours(&stdout()) && terminal::shows_colours(&stderr()) {
        true => ColorChoice::Always,
        false => ColorChoice::Never,
    }
}

/// Says why the command failed.
fn failure(why: impl fmt::Display) -> ExitCode {
    tell(format_args!("certbound: {why}"));
    ExitCode::FAILURE
}

/// Writes a line to standard error. That nobody reads it changes no exit code: whoever looks only there must see the same.
fn tell(line: impl fmt::Display) {
    let _ = stderr().write_all(format!("{line}\n").as_bytes());
}

/// Writes `output`; a reader that has seen enough is no failure.
fn print(output: &str) -> ExitCode {
    match stdout().write_all(output.as_bytes()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => failure(error),
        _ => ExitCode::SUCCESS,
    }
}

const BAD_CONFIGURATION: u8 = 2;
const VARIABLE: &str = "CERTBOUND_CONFIG";
const DEFAULT_FILE: &str = "./proxy.toml";
const EXAMPLES: &str = "\
Examples:
  certbound check --config proxy.toml    every fault of the configuration at once
  certbound run --config proxy.toml      serve
  certbound explain --help               what becomes of one request, and why
  certbound detect VALUE                 the profile that a captured header value fits
  certbound inspect tpp.pem              a certificate, and what certbound would make of it
  certbound denials                      every refusal: code, status, challenge
  certbound audit verify audit.log       whether audit lines are as they were written
  certbound schema                       what editors complete proxy.toml with";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_line_is_consistent() {
        Line::command().debug_assert();
    }

    #[test]
    fn every_command_says_what_it_does() {
        for command in Line::command().get_subcommands() {
            assert!(command.get_about().is_some(), "{}", command.get_name());
        }
    }
}
