//! Where verifiers disagree, and which of it is known.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use crate::is_default_plan;

/// What became of one case.
pub(crate) struct Verdict {
    /// Names of what is wrong with it.
    pub(crate) faults: Vec<String>,
    /// The code of the refusal.
    pub(crate) certbound: Result<(), String>,
    /// Each with its name and the words of its refusal.
    pub(crate) others: Vec<(&'static str, Result<(), String>)>,
    /// The case as the others read it.
    pub(crate) case: String,
}

/// A disagreement that is known.
pub(crate) struct Difference {
    /// What is wrong, with or without its place.
    pub(crate) fault: &'static str,
    pub(crate) kind: Kind,
    pub(crate) reason: &'static str,
}

/// Who stands alone.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    /// certbound and another one accept; this one refuses, in words that hold these.
    Accepted(&'static str, &'static str),
    /// The others accept; certbound refuses with a code that holds this.
    Refused(&'static str),
}

use Kind::{Accepted, Refused};

impl Difference {
    fn explains(&self, verdict: &Verdict, (other, said): &(&str, Result<(), String>)) -> bool {
        let fits = match (self.kind, said) {
            (Accepted(who, words), Err(said)) => other.starts_with(who) && said.contains(words),
            (Refused(code), Ok(())) => verdict.certbound.as_ref().is_err_and(|said| said.contains(code)),
            _ => false,
        };
        fits && verdict.faults.iter().any(|fault| self.names(fault))
    }

    fn names(&self, fault: &str) -> bool {
        fault == self.fault || fault.split_once(": ").is_some_and(|(_, bare)| bare == self.fault)
    }
}

impl Verdict {
    /// Those that somebody has to say why about: certbound accepts what this one refuses, or stands alone.
    /// It is free to refuse what another one refuses too.
    fn differing(&self) -> Vec<&(&'static str, Result<(), String>)> {
        let refused = self.others.iter().any(|(_, said)| said.is_err());
        let differs = |other: &&(&str, Result<(), String>)| match self.certbound {
            Ok(()) => other.1.is_err(),
            Err(_) => !refused,
        };
        self.others.iter().filter(differs).collect()
    }

    /// The rows that explain it; none where one is missing. Nothing explains that certbound accepts alone.
    fn explained(&self, known: &[&Difference]) -> Option<Vec<usize>> {
        if self.certbound.is_ok() && self.others.iter().all(|(_, said)| said.is_err()) {
            return None;
        }
        let row = |other| known.iter().position(|row| row.explains(self, other));
        self.differing().into_iter().map(row).collect()
    }

    fn told(&self) -> String {
        let word = |said: &Result<(), String>| said.as_ref().map_or_else(Clone::clone, |()| "accepts".to_owned());
        let others = self.others.iter().map(|(who, said)| format!("{who}: {}", word(said)));
        format!(
            "{:?}\n  certbound: {}\n  {}",
            self.faults,
            word(&self.certbound),
            others.collect::<Vec<_>>().join("\n  ")
        )
    }
}

/// Fails for each disagreement that no row explains, for each row that is not on the page, and for each that explains none
/// though it is expected to.
pub(crate) fn hold(verdicts: &[Verdict], expected: &[Difference], rare: &[Difference], page: &str) {
    let known: Vec<_> = expected.iter().chain(rare).collect();
    let accepted = verdicts.iter().filter(|verdict| verdict.certbound.is_ok()).count();
    let differing: Vec<_> = verdicts.iter().filter(|verdict| !verdict.differing().is_empty()).collect();
    eprintln!("{} cases, {accepted} accepted by certbound, {} told apart", verdicts.len(), differing.len());
    let mut wrong = BTreeMap::<String, (usize, &str)>::new();
    let mut used = BTreeSet::new();
    for verdict in differing {
        match verdict.explained(&known) {
            Some(rows) => used.extend(rows),
            None => wrong.entry(verdict.told()).or_insert((0, &verdict.case)).0 += 1,
        }
    }
    for (told, (times, case)) in &wrong {
        let alone = if told.contains("certbound: accepts") { "ACCEPTED " } else { "" };
        println!("{alone}{times} times {told}\n  for example {case}");
    }
    assert!(wrong.is_empty(), "{} disagreements that nothing explains", wrong.len());
    let unused = expected.iter().enumerate().filter(|(place, _)| !used.contains(place));
    let unused: Vec<_> = unused.map(|(_, row)| (row.fault, row.kind)).collect();
    // Other cases need not show them all.
    assert!(unused.is_empty() || !is_default_plan(), "differences that were not seen: {unused:?}");
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(page)).unwrap();
    for row in known {
        let line = |line: &str| line.contains(&format!("`{}`", row.fault)) && line.contains(row.reason);
        assert!(text.lines().any(line), "{page} does not say of `{}`: {}", row.fault, row.reason);
    }
}
