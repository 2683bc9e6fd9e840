//! `certbound inspect`: certificates shown to people and to programs.

pub(in crate::cli) mod json;
mod text;

use std::{path::PathBuf, process::ExitCode};

use clap::Args;
use rustls_pki_types::UnixTime;

use crate::{
    certificate::{PathRules, inspect},
    cli::{argument, failure, print, tell},
};

/// Show certificates, and what certbound would make of them
///
/// FILE holds PEM, DER, or the value of a header in which any of the load balancers forwards a certificate, told apart by
/// content; of a chain every certificate is shown.
/// What certbound would make of each is said for the defaults of proxy.toml: no truststore is read and nobody is asked.
/// The exit code is 0 when at least one certificate could be read, and 1 otherwise.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Inspect {
    /// What to read; - for standard input
    file: PathBuf,
    /// Print JSON: a list of objects, one a certificate; what is unknown is null
    #[arg(long)]
    json: bool,
}

impl Inspect {
    pub(super) fn execute(&self) -> ExitCode {
        let input = match argument::open(&self.file).and_then(argument::bounded) {
            Ok(input) => input,
            Err(error) => return failure(argument::unusable(&self.file, error)),
        };
        let name = argument::name(&self.file);
        let certificates = match inspect::read(&input) {
            Ok(certificates) => certificates,
            Err(why) => return failure(format_args!("{name}: {}", why.what)),
        };
        self.show(&name, &certificates)
    }

    /// Those that can be read; a word on each that cannot.
    fn show(&self, name: &str, certificates: &[Vec<u8>]) -> ExitCode {
        let now = UnixTime::now();
        let described = inspect::describe(certificates, &PathRules::default(), now);
        let mut readable = Vec::with_capacity(described.len());
        for (place, found) in described.into_iter().enumerate() {
            match found {
                Ok(description) => readable.push((place, description)),
                Err(denial) => {
                    let why = text::refusal(&denial, now);
                    tell(format_args!("certbound: {name}: certificate {} cannot be read: {why}", place + 1));
                }
            }
        }
        match readable.as_slice() {
            [] => ExitCode::FAILURE,
            _ if self.json => json::list(&readable).map_or_else(failure, |list| print(&list)),
            _ => print(&text::blocks(&readable, certificates.len(), now)),
        }
    }
}

const EXAMPLES: &str = r#"Examples:
  certbound inspect tpp.pem
  certbound inspect tpp.pem --json | jq -r '.[0].thumbprint'
  echo "$HEADER" | certbound inspect -        a captured X-SSL-Client-Cert, x-forwarded-client-cert, Client-Cert, ...
  openssl s_client -connect tpp.example:443 -showcerts </dev/null | certbound inspect -"#;
