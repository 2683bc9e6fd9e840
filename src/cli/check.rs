//! `certbound check`: everything that `run` would read and validate, without serving.

use std::{
    fmt::{Display, Write as _},
    process::ExitCode,
};

use clap::Args;

use crate::{
    certificate::{forwarded::Source, revocation::RevocationPolicy},
    cli::{Configuration, print, tell},
    config::{
        Settings,
        settings::{Address, Mode},
    },
};

/// Read and validate everything that `run` would, without serving
///
/// Every fault is printed at once as FILE:line:column: key: what is wrong; how to write it.
/// The exit code is 0 when there is none, and 2 otherwise.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  certbound check --config /etc/certbound/proxy.toml")]
pub(super) struct Check {
    #[command(flatten)]
    configuration: Configuration,
}

impl Check {
    pub(super) fn execute(&self) -> ExitCode {
        let (settings, _, warnings) = match self.configuration.load() {
            Ok(loaded) => loaded,
            Err(code) => return code,
        };
        for warning in &warnings {
            tell(format_args!("warning: {}", warning.0));
        }
        print(&format!(
            "{}: valid, {}\n{}",
            self.configuration.file.display(),
            counted(warnings.len(), "warning"),
            summary(&settings)
        ))
    }
}

/// What the configuration amounts to, for a person to compare with what was meant.
fn summary(settings: &Settings) -> String {
    let listen = &settings.listen;
    let anchors = settings.gate.certificates.truststore().anchors().count();
    let issuers: Vec<&str> = settings.keys.iter().map(|source| &*source.issuer).collect();
    let mut text = String::new();
    let mut line = |name: &str, value: &dyn Display| {
        // Nothing fails to be written into a string.
        let _ = writeln!(text, "  {name:<12}{value}");
    };
    let meaning = match settings.mode {
        Mode::Enforce => "",
        Mode::Report => ": refusals are recorded, not answered",
    };
    line("mode", &format_args!("{}{meaning}", settings.mode.name()));
    line(
        "listens on",
        &format_args!("{} ({})", listen.address, if listen.tls.is_some() { "TLS" } else { "plaintext" }),
    );
    line("admin on", &settings.admin);
    line("certificate", &certificate(settings));
    line("revocation", &revocation(settings));
    line("trusts", &counted(anchors, "anchor"));
    line("issuers", &if issuers.is_empty() { "none".to_owned() } else { issuers.join(", ") });
    line("serves", &counted(settings.gate.routes.iter().count(), "route"));
    line("backend", &settings.backend.address);
    text
}

/// Where the client's certificate is found, and who is believed to have put it there.
fn certificate(settings: &Settings) -> String {
    let (Source::Header { profile, .. }, Some(header)) = (&settings.gate.source, settings.identity.certificate())
    else {
        return "of the handshake".to_owned();
    };
    let peers = &settings.gate.peers;
    let from = match (peers.networks.as_deref(), &settings.listen.address) {
        (Some([]), _) => return format!("in {header} ({}), believed from nobody", profile.name()),
        // Its permissions are the proof, in the place of networks.
        (_, Address::Unix(_)) => "whoever may open the socket".to_owned(),
        (Some(networks), _) => networks.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
        (None, Address::Tcp { .. }) => "anywhere".to_owned(),
    };
    let shown = if peers.balancers.is_some() { ", with the certificate of a load balancer" } else { "" };
    let secret = if peers.secret.is_some() { ", with the secret" } else { "" };
    format!("in {header} ({}), believed from {from}{shown}{secret}", profile.name())
}

/// Who is asked, and what holds while nobody answers.
fn revocation(settings: &Settings) -> String {
    let RevocationPolicy::Demanded { allow_unavailable, .. } = settings.gate.revocation else {
        return "off".to_owned();
    };
    let methods: Vec<_> = settings.revocation.methods.iter().map(|method| method.name()).collect();
    let last = match (allow_unavailable, settings.revocation.max_stale) {
        (true, _) => "allow",
        (false, Some(_)) => "stale",
        (false, None) => "deny",
    };
    format!("{}, else {last}", methods.join(", "))
}

fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}
