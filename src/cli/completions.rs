//! `certbound completions`: what a shell needs to complete the command line.

use std::process::ExitCode;

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::cli::{Line, failure, print};

/// Print completions for a shell
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  certbound completions bash > /etc/bash_completion.d/certbound")]
pub(super) struct Completions {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

impl Completions {
    pub(super) fn execute(&self) -> ExitCode {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Line::command(), "certbound", &mut script);
        String::from_utf8(script).map_or_else(failure, |script| print(&script))
    }
}
