//! The explanation for people.

use std::fmt::Write as _;

use serde_json::Value;

use super::request::Described;
use crate::{
    denial::Denial,
    explain::{Check, Mistake, Verdict},
    observe::terminal::visible,
};

/// A line a check, then the decision, then the mistakes.
pub(super) fn lines(
    described: &Described,
    denial: Option<&Denial>,
    checks: &[Check],
    mistakes: &[Mistake],
    colour: bool,
) -> String {
    let mut text = String::new();
    // Nothing fails to be written into a string.
    let _ = writeln!(text, "{} {}\n", described.method, visible(described.path()));
    for check in checks {
        let mark =
            if matches!(check.verdict, Verdict::Fail | Verdict::Unknown) && denial.is_some() { ">" } else { " " };
        let verdict = painted(check.verdict, colour);
        let _ = writeln!(text, "{mark} {verdict} {:<14}{}", check.check, facts(check));
    }
    let _ = match denial {
        None => writeln!(text, "\npermit"),
        Some(denial) => writeln!(text, "\ndeny: {} ({}): {}", denial.code(), denial.row().status, denial.row().title),
    };
    for mistake in mistakes {
        let _ = writeln!(text, "mistake: {}: {}", mistake.code, visible(&mistake.text));
    }
    text
}

fn painted(verdict: Verdict, colour: bool) -> String {
    let paint = match verdict {
        Verdict::Pass => "\x1b[32m",
        Verdict::Fail => "\x1b[31m",
        Verdict::Unknown => "\x1b[33m",
        Verdict::Skipped => "\x1b[2m",
    };
    let word = format!("{:<8}", verdict.name());
    if colour { format!("{paint}{word}\x1b[0m") } else { word }
}

fn facts(check: &Check) -> String {
    let fact = |(name, value): (&String, &Value)| match value {
        Value::Null => None,
        Value::String(text) if text.is_empty() => None,
        Value::String(text) => Some(format!("{name}={}", visible(text))),
        Value::Array(list) if list.is_empty() => None,
        Value::Array(list) => {
            let words: Vec<_> = list.iter().map(|word| word.as_str().unwrap_or_default()).collect();
            Some(format!("{name}={}", visible(&words.join(","))))
        }
        other => Some(format!("{name}={other}")),
    };
    check.facts.iter().filter_map(fact).collect::<Vec<_>>().join("  ")
}
