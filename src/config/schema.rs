//! Every key of `proxy.toml` for people and editors: what may stand there, what holds without it, what it means.
//!
//! The walker in the files beside this one decides; this is a table of what it does, and tests hold the two together.
//! What one key has to say about another is left to `certbound check`.

mod json;
mod keys;
mod reference;

pub use json::json;
pub use reference::markdown;

use crate::config::reload;

/// A row: one key, or one table.
pub(super) struct Key {
    /// With the tables it is in: `token.issuer.jwks`.
    pub(super) dotted: &'static str,
    pub(super) form: Form,
    pub(super) presence: Presence,
    /// Sentences.
    pub(super) meaning: &'static str,
}

/// What may be written.
pub(super) enum Form {
    Boolean,
    /// The smallest and the largest.
    Integer(u64, u64),
    /// A string that a pattern matches as a whole, and what to call it. Where it is not required, `""` leaves it out.
    Text(&'static str, &'static str),
    /// The same, never empty: a number and its unit.
    Quantity(&'static str, &'static str),
    /// One of these words.
    Choice(Vec<&'static str>),
    /// A list of strings.
    Texts(Least),
    /// A list of these words.
    Words(Vec<&'static str>, Least),
    /// A table of its own keys.
    Table,
    /// Tables, in order.
    Tables,
    /// A table whose keys the operator chooses, with strings.
    Named,
    /// A table of these keys, with statuses from 400 to 599.
    Statuses(Vec<&'static str>),
}

/// How short a list may be.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(super) enum Least {
    None,
    One,
}

/// What holds where the key is left out.
pub(super) enum Presence {
    /// Nothing: it has to be there. With an example.
    Required(&'static str),
    /// This, without quotation marks where it is a string.
    Default(&'static str),
    /// What the meaning says.
    Optional,
}

impl Key {
    /// The table it is in, empty at the top, and its own name.
    pub(super) fn split(&self) -> (&'static str, &'static str) {
        self.dotted.rsplit_once('.').unwrap_or(("", self.dotted))
    }

    /// Whether a change of it is applied without a restart.
    pub(super) fn is_reloadable(&self) -> bool {
        reload::is_reloadable(self.dotted)
    }

    /// Whether it has a section of its own in the reference.
    pub(super) fn is_table(&self) -> bool {
        matches!(self.form, Form::Table | Form::Tables)
    }

    /// Its default as JSON, which is also how it is written in TOML; none where it has none.
    pub(super) fn default(&self) -> Option<serde_json::Value> {
        let Presence::Default(text) = self.presence else { return None };
        match self.form {
            Form::Text(..) | Form::Quantity(..) | Form::Choice(_) => Some(text.into()),
            _ => serde_json::from_str(text).ok(),
        }
    }
}

/// The rows, in the order of the sample.
pub(super) fn every() -> Vec<Key> {
    keys::every()
}
