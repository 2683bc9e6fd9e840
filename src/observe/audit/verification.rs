//! Whether audit lines are as they were written: none changed, none missing between the first and the last.

use std::io::{self, BufRead, Read};

use serde::Serialize;

use crate::{
    observe::audit::chain::Chain,
    token::json::{self, Members, Value},
};

/// Reads files of audit lines in the order in which they were written.
///
/// A chain that holds does not show that nothing is missing at its end, and it is not signed: whoever can write the files
/// can write all of them anew. What shows both is [`Self::end`], kept where the files are not.
#[derive(Default)]
pub struct Verification {
    chain: Chain,
    end: Option<u64>,
}

/// The latest line.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct End {
    /// Its number.
    pub seq: u64,
    /// Its hash, as the next line would have it.
    pub hash: String,
}

/// What one file holds, as far as it was read.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize)]
pub struct Tally {
    /// Audit lines that are in order.
    pub lines: u64,
    /// Chains that begin here.
    pub chains: u64,
    /// Lines of other logs, which were passed over.
    pub others: u64,
}

/// The first line that is not in order.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Broken {
    /// Its number in the file; the first is 1.
    pub line: u64,
    /// What is wrong with it.
    pub why: Disorder,
}

/// Why a line is not in order.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Disorder {
    /// Nothing certbound writes is as long.
    #[error("is longer than 1 MiB")]
    TooLong,
    /// Neither JSON nor a line of a log in text form, or JSON of something else.
    #[error("is no whole line of a log of certbound: it was cut short or changed")]
    Foreign,
    /// An audit line without what ties it to others.
    #[error("is an audit line without a number")]
    Unnumbered,
    /// `previous` is null.
    #[error("has no hash of the line before: it was written without [audit] hash_chain = true")]
    Unchained,
    /// A number is not the next one.
    #[error("has seq {found} where {expected} belongs: lines are missing, doubled, or out of order")]
    Gap {
        /// Which would be next.
        expected: u64,
        /// Which is there.
        found: u64,
    },
    /// `previous` is another hash.
    #[error("does not have the hash of the audit line before: one of the two was changed")]
    Changed,
    /// A chain ends in the middle of a file, though the process went on.
    #[error("begins a chain, but neither a file nor a process: lines were changed")]
    Begins,
    /// `previous` is a hash, and nothing is before it.
    #[error("has the hash of a line before it, but is the first audit line of the file: lines are missing")]
    Headless,
}

impl Verification {
    /// Reads the next file. Lines that are no audit lines are passed over.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn read(&mut self, mut file: impl BufRead) -> io::Result<(Tally, Option<Broken>)> {
        let mut tally = Tally::default();
        let mut bytes = Vec::new();
        for line in 1.. {
            bytes.clear();
            if file.by_ref().take(MOST_BYTES + 1).read_until(b'\n', &mut bytes)? == 0 {
                break;
            }
            if bytes.last() == Some(&b'\n') {
                bytes.pop();
            }
            if let Err(why) = self.line(&bytes, &mut tally) {
                return Ok((tally, Some(Broken { line, why })));
            }
        }
        Ok((tally, None))
    }

    /// The latest audit line of all files.
    pub fn end(&self) -> Option<End> {
        self.end.map(|seq| End { seq, hash: self.chain.previous().to_owned() })
    }

    fn line(&mut self, bytes: &[u8], tally: &mut Tally) -> Result<(), Disorder> {
        if bytes.len() as u64 > MOST_BYTES {
            return Err(Disorder::TooLong);
        }
        let Some(members) = audit(bytes)? else {
            tally.others += 1;
            return Ok(());
        };
        let seq = members.get("seq").and_then(Value::as_u64).ok_or(Disorder::Unnumbered)?;
        let previous = match members.get("previous") {
            Some(Value::Text(previous)) => &**previous,
            None | Some(Value::Null) => return Err(Disorder::Unchained),
            Some(_) => return Err(Disorder::Unnumbered),
        };
        let is_first_of_process = seq == 1 && previous.is_empty();
        match self.end.and_then(|end| end.checked_add(1)) {
            Some(expected) if expected != seq && !is_first_of_process => {
                return Err(Disorder::Gap { expected, found: seq });
            }
            _ => {}
        }
        match (tally.lines, previous.is_empty()) {
            (0, false) => return Err(Disorder::Headless),
            (1.., true) if !is_first_of_process => return Err(Disorder::Begins),
            (1.., false) if previous != self.chain.previous() => return Err(Disorder::Changed),
            (_, begins) => tally.chains += u64::from(begins),
        }
        self.chain.append(bytes);
        self.end = Some(seq);
        tally.lines += 1;
        Ok(())
    }
}

/// An audit line, read whole: what is passed over unread may be something that no other reader takes.
fn audit(line: &[u8]) -> Result<Option<Members<'_>>, Disorder> {
    // Logs in text form begin each line with the time.
    if line.first().is_some_and(u8::is_ascii_digit) {
        return std::str::from_utf8(line).map(|_| None).map_err(|_| Disorder::Foreign);
    }
    let members = json::members(line).ok_or(Disorder::Foreign)?;
    match members.get("log_type").and_then(Value::as_str) {
        Some("audit") => Ok(Some(members)),
        Some(_) => Ok(None),
        None => Err(Disorder::Foreign),
    }
}

/// Of one line, its line feed excluded.
const MOST_BYTES: u64 = 1 << 20;

#[cfg(test)]
mod tests;
