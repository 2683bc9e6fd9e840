//! What a stranger wrote, as a refusal or a log line may repeat it.

use std::fmt;

/// Printable ASCII, at most [`Self::LONGEST`] characters: it ends no line and fills no log. Not to be believed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Quoted(Box<str>);

impl Quoted {
    /// In characters.
    pub const LONGEST: usize = 200;

    /// The beginning of `text`, without what cannot be printed.
    pub fn of(text: &str) -> Self {
        Self(text.chars().filter(|letter| matches!(letter, ' '..='~')).take(Self::LONGEST).collect())
    }

    /// Whether nothing is left of it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Quoted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_quoted_is_printable_and_short() {
        assert_eq!(Quoted::of("https://bank.example/\r\n\u{1b}[2Já x").to_string(), "https://bank.example/[2J x");
        assert_eq!(Quoted::of(&"a".repeat(10_000)).to_string().len(), Quoted::LONGEST);
        assert_eq!(Quoted::of("\n\u{7f}é").to_string(), "");
    }
}
