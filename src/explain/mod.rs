//! One described request, explained: what the gate says of it, what each check found, and the mistakes that are usually
//! behind such a refusal.
//!
//! No part of serving: what stands here guesses, for people.

mod checks;
mod evidence;
mod mistakes;

use serde_json::{Map, Value};

pub use checks::{CHECKS, checks, leaves_out_token};
pub use evidence::Evidence;
pub use mistakes::mistakes;

/// One check, in the order of the gate.
#[derive(Clone, Debug, PartialEq)]
pub struct Check {
    /// Its name, one of [`CHECKS`].
    pub check: &'static str,
    /// What came of it.
    pub verdict: Verdict,
    /// What it found, and for a refusal its code and why.
    pub facts: Map<String, Value>,
}

/// What came of a check.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// It holds.
    Pass,
    /// It refuses.
    Fail,
    /// The route does not demand it, or an earlier one refused.
    Skipped,
    /// Somebody would have to be asked, or was and did not answer.
    Unknown,
}

impl Verdict {
    /// In a word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Skipped => "skipped",
            Self::Unknown => "unknown",
        }
    }
}

/// A common mistake that was recognised.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Mistake {
    /// A stable name.
    pub code: &'static str,
    /// What is wrong, and the remedy.
    pub text: String,
}
