//! Why an issuer's keys were not read, and where they were looked for.

use std::{fmt, io, path::Path};

use http::Uri;

use crate::{
    outside::{discovery::MetadataError, http::FetchError},
    token::KeySet,
};

/// Why an issuer's keys were not read.
#[derive(Debug, thiserror::Error)]
pub(super) enum KeysError {
    #[error("{0}")]
    Nowhere(&'static str),
    #[error("{0}: {1}")]
    Fetch(Place, FetchError),
    #[error("{0}: {1}")]
    Metadata(Place, MetadataError),
    #[error("neither form of metadata: {0}; {1}")]
    Discovery(Box<KeysError>, Box<KeysError>),
    #[error("{0}: the key set cannot be read: {1}")]
    KeySet(Place, String),
    #[error("{0}: the file cannot be read: {1}")]
    File(Place, io::Error),
    #[error("the task that read it failed")]
    Task,
}

/// Where something was looked for.
#[derive(Debug)]
pub(super) struct Place(String);

impl From<&Uri> for Place {
    /// Without user information and query, which may hold a secret. An address that the issuer names may be as long as it
    /// likes.
    fn from(address: &Uri) -> Self {
        let authority = address.authority().map_or("", |authority| authority.as_str());
        let authority = authority.rsplit_once('@').map_or(authority, |(_, place)| place);
        let text = format!("{}://{authority}{}", address.scheme_str().unwrap_or_default(), address.path());
        Self(text.chars().take(LONGEST_PLACE).collect())
    }
}

impl From<&Path> for Place {
    fn from(path: &Path) -> Self {
        Self(path.display().to_string())
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Which keys of a set are not used, and why; none where all are.
pub(super) fn left_out(set: &KeySet) -> Option<String> {
    let all = set.left_out();
    let (told, rest) = all.split_at_checked(MOST_REASONS).unwrap_or((all, &[]));
    let more = if rest.is_empty() { String::new() } else { format!("; and {} more", rest.len()) };
    (!all.is_empty()).then(|| told.join("; ") + &more)
}

/// As one line for people, whatever a server had to do with it.
pub(super) fn one_line(text: &str) -> String {
    text.chars().filter(|character| !character.is_control()).take(LONGEST_LINE).collect()
}

const LONGEST_PLACE: usize = 200;
const LONGEST_LINE: usize = 1000;
const MOST_REASONS: usize = 10;

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests state what they need")]

    use super::*;

    #[test]
    fn place_is_told_without_secrets_and_not_at_any_length() {
        let place = |address: &str| Place::from(&address.parse::<Uri>().unwrap()).to_string();
        assert_eq!(place("https://as.bank.example:8443/jwks?key=secret"), "https://as.bank.example:8443/jwks");
        assert_eq!(place("https://rs:secret@as.bank.example/jwks"), "https://as.bank.example/jwks");
        assert_eq!(place(&format!("https://a/{}", "a".repeat(1000))).len(), LONGEST_PLACE);
    }

    #[test]
    fn keys_that_are_left_out_are_told_by_their_reason_a_few_at_a_time() {
        let set = |keys: &str| KeySet::parse(format!(r#"{{"keys":[{keys}]}}"#).as_bytes()).unwrap();
        assert_eq!(left_out(&set("")), None);
        let few = left_out(&set(r#"{"kty":"oct","k":"c2VjcmV0"},{"kty":"RSA","use":"enc"}"#)).unwrap();
        assert!(
            few.starts_with("key 1: holds secret material") && few.ends_with("; key 2: `use` is not `sig`"),
            "{few}"
        );
        let many = left_out(&set(&[r#"{"kty":"no"}"#; 12].join(","))).unwrap();
        assert!(many.contains("key 10: ") && many.ends_with("; and 2 more"), "{many}");
    }
}
