//! `certbound man`: the manual page, or that of one command.

use std::{io, process::ExitCode};

use clap::{Args, Command, CommandFactory};
use clap_mangen::Man as Page;

use crate::cli::{Line, failure, print};

/// Print the manual page, in roff
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Man {
    /// A command, whose own page is printed
    command: Option<String>,
}

impl Man {
    pub(super) fn execute(&self) -> ExitCode {
        match self.page() {
            Ok(page) => print(&page),
            Err(error) => failure(error),
        }
    }

    fn page(&self) -> io::Result<String> {
        let line = Line::command();
        let source = line.render_version().trim_end().to_owned();
        let command = match &self.command {
            None => line,
            Some(name) => command(line, name)?,
        };
        let mut page = Vec::new();
        Page::new(command).source(source).render(&mut page)?;
        String::from_utf8(page).map_err(io::Error::other)
    }
}

/// The command of this name, as its own page is headed.
fn command(mut line: Command, name: &str) -> io::Result<Command> {
    // Gives each command the full name that its synopsis starts with.
    line.build();
    let unknown = || io::Error::other(format!("there is no command `{name}`; see certbound --help"));
    let command = line.find_subcommand(name).ok_or_else(unknown)?.clone();
    let title = format!("certbound-{}", command.get_name());
    Ok(command.display_name(title))
}

const EXAMPLES: &str = "\
Examples:
  certbound man > /usr/local/share/man/man1/certbound.1
  certbound man run | man -l -";
