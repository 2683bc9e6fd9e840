//! `certbound detect`: which profiles a captured header value fits.

use std::{io::stdin, path::Path, process::ExitCode};

use clap::Args;
use rustls_pki_types::UnixTime;
use serde_json::{Value, json};

use crate::{
    certificate::{PathRules, Profile, inspect},
    cli::{argument, failure, inspect::json::certificate, print},
};

/// Name the profiles that a captured header value fits
///
/// For finding out what your load balancer sends: write one of the profiles into `client_certificate.profile`.
/// certbound itself never guesses while it serves.
/// The exit code is 0 when at least one profile reads the value, and 1 otherwise.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Detect {
    /// The value of the header as it was captured; - for standard input
    #[arg(allow_hyphen_values = true)]
    value: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Detect {
    pub(super) fn execute(&self) -> ExitCode {
        let value = match self.value.as_str() {
            "-" => match argument::bounded(stdin()) {
                Ok(value) => value,
                Err(error) => return failure(argument::unusable(Path::new("-"), error)),
            },
            value => value.as_bytes().to_vec().into(),
        };
        let value = value.trim_ascii();
        let fits = |profile: &Profile| profile.decode(value, &[], MOST_INTERMEDIATES).is_ok();
        let profiles: Vec<&str> = Profile::ALL.into_iter().filter(fits).map(Profile::name).collect();
        let certificates = inspect::read(value).unwrap_or_default();
        let described = inspect::describe(&certificates, &PathRules::default(), UnixTime::now());
        let described: Vec<_> = described.into_iter().flatten().collect();
        let shown = match self.json {
            true => {
                let certificates: Vec<Value> = described.iter().map(certificate).collect();
                print(&format!("{}\n", json!({"profiles": profiles, "certificates": certificates})))
            }
            false => {
                let mut text = match profiles.as_slice() {
                    [] => "no profile reads this value\n".to_owned(),
                    profiles => format!("profiles        {}\n", profiles.join(", ")),
                };
                for certificate in &described {
                    text.push_str(&format!(
                        "certificate     {}\n                x5t#S256 {}\n",
                        certificate.subject, certificate.thumbprint
                    ));
                }
                print(&text)
            }
        };
        if profiles.is_empty() { ExitCode::FAILURE } else { shown }
    }
}

const MOST_INTERMEDIATES: usize = 10;
const EXAMPLES: &str = "\
Examples:
  certbound detect \"$(cat captured.txt)\"
  certbound detect - --json < captured.txt";
