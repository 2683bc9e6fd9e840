//! Files that arguments name, and what is told of an argument that is no use: not itself where it may be a token. Who forgets
//! that a file is wanted gives its content, and errors end up in logs and tickets.

use std::{
    fmt::Display,
    fs::File,
    io::{self, Read, stdin},
    path::Path,
};

use clap::error::{ContextKind, ContextValue, Error};
use zeroize::Zeroizing;

use crate::config::reading;

/// The file, or standard input for `-`.
pub(super) fn open(file: &Path) -> io::Result<Box<dyn Read>> {
    Ok(if is_standard_input(file) { Box::new(stdin()) } else { Box::new(File::open(file)?) })
}

/// All of `source`, which is a token or some certificates, without a byte order mark. Who reads from a pipe does not wait for the
/// end of one that is too large.
pub(super) fn bounded(source: impl Read) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::new());
    match source.take(MOST_BYTES + 1).read_to_end(&mut bytes)? as u64 > MOST_BYTES {
        true => Err(io::Error::other("it is larger than 1 MiB")),
        false => Ok(reading::without_mark(bytes)),
    }
}

pub(super) fn is_standard_input(file: &Path) -> bool {
    file.as_os_str() == "-"
}

/// As findings name it.
pub(super) fn name(file: &Path) -> String {
    if is_standard_input(file) { "standard input".to_owned() } else { file.display().to_string() }
}

/// That `file` is of no use, by its name, or without what looks like the content of one.
pub(super) fn unusable(file: &Path, why: impl Display) -> String {
    match file.to_str() {
        Some(text) if is_content(text) => format!("{UNSHOWN}, and the name of a file belongs here: {why}"),
        _ => format!("{}: {why}", name(file)),
    }
}

/// What clap has to say, without arguments that look like the content of a file.
pub(super) fn discreet(mut error: Error) -> Error {
    for kind in [ContextKind::InvalidArg, ContextKind::InvalidValue, ContextKind::InvalidSubcommand] {
        if matches!(error.get(kind), Some(ContextValue::String(text)) if is_content(text)) {
            error.insert(kind, ContextValue::String(UNSHOWN.to_owned()));
            // Repeats the argument.
            error.remove(ContextKind::Suggested);
        }
    }
    error
}

/// Whether it begins as tokens and certificates do, or is no name by its length or its characters.
fn is_content(text: &str) -> bool {
    let bare = SCHEMES.iter().find_map(|scheme| text.strip_prefix(scheme)).unwrap_or(text).trim_start();
    BEGINNINGS.iter().any(|beginning| bare.starts_with(beginning))
        || text.contains(char::is_control)
        || text.split('/').any(|segment| segment.len() > LONGEST_NAME)
}

const MOST_BYTES: u64 = 1 << 20;
const SCHEMES: [&str; 2] = ["Bearer ", "DPoP "];
/// Base64 of `{"` and of a certificate in DER; PEM.
const BEGINNINGS: [&str; 4] = ["eyJ", "MII", "-----BEGIN", "%2D%2D"];
/// Far more than a name has that a person chose.
const LONGEST_NAME: usize = 100;
const UNSHOWN: &str = "(not shown: this looks like a token or a certificate)";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_a_token_or_a_certificate_is_no_name() {
        for name in ["tpp.pem", "-", "", "/var/run/secrets/tpp/tls.crt", "Bearer.txt", "my token.txt", "../keyJson"] {
            assert!(!is_content(name), "{name}");
        }
        let opaque = "a1".repeat(60);
        for content in ["eyJhbGciOi", "Bearer eyJhbGciOi", "MIIB", "-----BEGIN CERTIFICATE-----", "a\nb", &opaque] {
            assert!(is_content(content), "{content}");
        }
    }
}
