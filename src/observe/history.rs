//! The last hour, minute by minute, and the last refusals: what the status page shows.

use std::{
    array,
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

use parking_lot::Mutex;
use uuid::Uuid;

use crate::{
    denial::Denial,
    observe::{Record, metrics, record::Decision},
};

/// What was decided in the last hour. Counting takes neither a lock nor memory; a refusal takes a little of both.
pub struct History {
    allowed: Ring,
    would_deny: Ring,
    /// Answered refusals.
    denied: Ring,
    /// Refusals by code, answered or not, in the order of the table of refusals.
    reasons: Vec<(&'static str, Ring)>,
    refusals: Mutex<VecDeque<Refusal>>,
}

/// What was decided within one minute.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Minute {
    /// Its beginning, in minutes since 1970.
    pub minute: u64,
    /// Requests that were permitted.
    pub allowed: u32,
    /// Requests that were refused.
    pub denied: u32,
    /// Requests that were forwarded in report mode, though the gate refused.
    pub would_deny: u32,
    /// The refusals of both kinds by code; codes that did not occur are left out.
    pub reasons: Vec<(&'static str, u32)>,
}

/// One refusal, and nothing that names a person or a client: who needs that follows `interaction_id` to the audit log.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// When the request arrived.
    pub time: SystemTime,
    /// `deny` or `would_deny`.
    pub decision: &'static str,
    /// The refusal's code.
    pub code: &'static str,
    /// The template of the route; none where there was no route.
    pub route: Option<Arc<str>>,
    /// Who issued the certificate, where its path held.
    pub issuer: Option<Box<str>>,
    /// `x-fapi-interaction-id`.
    pub interaction_id: Uuid,
}

impl History {
    /// Nothing happened yet.
    pub fn new() -> Self {
        let reasons = Denial::every().iter().map(|denial| (denial.code(), Ring::default())).collect();
        let (allowed, would_deny, denied) = (Ring::default(), Ring::default(), Ring::default());
        Self { allowed, would_deny, denied, reasons, refusals: Mutex::new(VecDeque::with_capacity(MOST_REFUSALS)) }
    }

    /// Counts a finished request in the minute of its arrival.
    pub fn record(&self, record: &Record) {
        let minute = minute_of(record.time);
        let (ring, denial) = match &record.decision {
            Decision::Allow => return self.allowed.count(minute),
            Decision::Deny(denial) => (&self.denied, denial),
            Decision::WouldDeny(denial) => (&self.would_deny, denial),
        };
        ring.count(minute);
        let code = denial.code();
        if let Some((_, reason)) = self.reasons.iter().find(|(known, _)| *known == code) {
            reason.count(minute);
        }
        self.remember(Refusal {
            time: record.time,
            decision: record.decision.name(),
            code,
            route: metrics::route(&record.findings).cloned(),
            issuer: record.findings.shown.as_ref().map(|shown| shown.issuer().into()),
            interaction_id: record.interaction_id,
        });
    }

    /// The hour that ends with `now`, the oldest minute first: always 60, quiet ones too.
    pub fn last_hour(&self, now: SystemTime) -> Vec<Minute> {
        let last = minute_of(now);
        (last.saturating_sub(HOUR - 1)..=last).map(|minute| self.minute(minute)).collect()
    }

    /// The last 50, the newest first.
    pub fn refusals(&self) -> Vec<Refusal> {
        self.refusals.lock().iter().rev().cloned().collect()
    }

    fn minute(&self, minute: u64) -> Minute {
        let counted = self.reasons.iter().map(|(code, ring)| (*code, ring.of(minute)));
        Minute {
            minute,
            allowed: self.allowed.of(minute),
            denied: self.denied.of(minute),
            would_deny: self.would_deny.of(minute),
            reasons: counted.filter(|(_, count)| *count > 0).collect(),
        }
    }

    fn remember(&self, refusal: Refusal) {
        let mut refusals = self.refusals.lock();
        if refusals.len() >= MOST_REFUSALS {
            refusals.pop_front();
        }
        refusals.push_back(refusal);
    }
}

impl Default for History {
    fn default() -> Self {
        Self::new()
    }
}

/// How often one thing happened in each minute of the last hour.
struct Ring([Cell; PLACES]);

/// The minute in the upper half, how often it happened in the lower: a cell that is reused needs no clearing, which two
/// threads would have to agree on.
#[derive(Default)]
struct Cell(AtomicU64);

impl Default for Ring {
    fn default() -> Self {
        Self(array::from_fn(|_| Cell::default()))
    }
}

impl Ring {
    fn count(&self, minute: u64) {
        if let Some(cell) = self.cell(minute) {
            cell.count(minute);
        }
    }

    fn of(&self, minute: u64) -> u32 {
        self.cell(minute).map_or(0, |cell| cell.of(minute))
    }

    fn cell(&self, minute: u64) -> Option<&Cell> {
        let place = usize::try_from(minute % PLACES as u64).ok()?;
        self.0.get(place)
    }
}

impl Cell {
    fn count(&self, minute: u64) {
        let more = |cell: u64| match (cell >> 32).cmp(&minute) {
            // A request that took longer than the hour is no news.
            std::cmp::Ordering::Greater => None,
            std::cmp::Ordering::Equal if cell & MOST == MOST => None,
            std::cmp::Ordering::Equal => Some(cell + 1),
            std::cmp::Ordering::Less => Some((minute << 32) | 1),
        };
        // Where it says no, there is nothing to count.
        let _ = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
    }

    fn of(&self, minute: u64) -> u32 {
        let cell = self.0.load(Ordering::Relaxed);
        if cell >> 32 == minute { u32::try_from(cell & MOST).unwrap_or(u32::MAX) } else { 0 }
    }
}

/// A clock that stands before 1970, or after 10000, is wrong anyway.
fn minute_of(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    (since.as_secs() / 60).min(MOST)
}

const HOUR: u64 = 60;
/// A few more than are shown, so that the minute that begins while they are read takes the place of none of them.
const PLACES: usize = 64;
const MOST_REFUSALS: usize = 50;
const MOST: u64 = u32::MAX as u64;

#[cfg(test)]
mod tests;
