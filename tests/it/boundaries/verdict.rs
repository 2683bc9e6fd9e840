//! What has to hold of a stream, whatever it was.

use std::{
    collections::BTreeMap,
    fmt::{self, Display, Formatter},
};

use super::{
    bank::{Seen, State},
    client::Answer,
    plan::{Entrance, Plan},
    reader::{End, Found, Reading},
    stage::{MOST_HEADER_BYTES, Outcome},
};

/// How much of everything there was.
#[derive(Debug, Default)]
pub(super) struct Tally {
    streams: usize,
    requests: usize,
    doubtful: usize,
    seen: usize,
    /// Requests after the first on their connection that the bank saw.
    followed: usize,
    answers: BTreeMap<u16, usize>,
}

impl Tally {
    pub(super) fn with(mut self, other: Self) -> Self {
        for (status, count) in other.answers {
            *self.answers.entry(status).or_default() += count;
        }
        Self {
            streams: self.streams + other.streams,
            requests: self.requests + other.requests,
            doubtful: self.doubtful + other.doubtful,
            seen: self.seen + other.seen,
            followed: self.followed + other.followed,
            answers: self.answers,
        }
    }

    pub(super) fn assert_broad(&self) {
        let least = self.streams / 20;
        assert!([self.doubtful, self.seen, self.followed].iter().all(|count| *count > least), "{self:?}");
        for status in [101, 200, 400, 401, 404, 405, 413, 502] {
            assert!(self.answers.contains_key(&status), "nothing was answered with {status}: {self:?}");
        }
    }
}

impl Outcome {
    /// Adds it to the `tally`; the error says what does not hold, and what there was.
    pub(super) fn judge(&self, plan: &Plan, tally: &mut Tally) -> Result<(), String> {
        self.hold(plan, tally).map_err(|fault| {
            let name = |found: &Found| (found.field("x-marker").map(str::to_owned), found.body.len());
            let requests: Vec<_> = self.reading.requests.iter().map(name).collect();
            let partial = self.reading.partial.as_ref().map(name);
            let seen: Vec<_> = self.seen.iter().map(|seen| (&seen.marker, seen.state, seen.body.len())).collect();
            let end = self.reading.end;
            format!("{fault}\n{requests:?} {partial:?} {end:?}\n{seen:?}\n{:?}\n{plan}", self.answers)
        })
    }

    fn hold(&self, plan: &Plan, tally: &mut Tally) -> Result<(), String> {
        let answers = self.answers.as_ref().map_err(Clone::clone)?;
        tally.streams += 1;
        tally.requests += self.reading.requests.len();
        tally.doubtful += usize::from(self.reading.end == End::Doubt);
        tally.seen += self.seen.len();
        tally.followed += self.seen.len().saturating_sub(1);
        for answer in answers {
            *tally.answers.entry(answer.status).or_default() += 1;
        }
        self.answered(answers)?;
        let last = answers.iter().position(|answer| answer.closes || answer.status == 101);
        if last.is_some_and(|last| last + 1 < answers.len()) {
            return Err(format!("there are answers after the last one: {answers:?}"));
        }
        reached(&self.reading, &self.seen, last.map_or(usize::MAX, |last| last + 1))?;
        let is_tunnel = answers.last().is_some_and(|last| last.status == 101);
        if plan.entrance == Entrance::Alone && !self.seen.is_empty() {
            return Err("a bank that is not there was reached".to_owned());
        }
        if !self.ended || (self.reading.end != End::Open && !self.closed && !is_tunnel) {
            return Err(format!("the connection goes on, {:?}", self.reading.end));
        }
        Ok(())
    }

    /// Each answer is to its own request, and one more at most is to what is none.
    fn answered(&self, answers: &[Answer]) -> Result<(), String> {
        let requests = &self.reading.requests;
        if answers.len() > requests.len() + 1 {
            return Err(format!("more answers than requests: {answers:?}"));
        }
        for (place, answer) in answers.iter().enumerate() {
            if !matches!(answer.status, 101 | 200 | 400..500 | 502..=504) {
                return Err(format!("neither certbound nor the bank says {answer:?}"));
            }
            let Some(request) = requests.get(place) else {
                // The bank may answer before it has the body.
                let is_early = self.reading.partial.is_some() && answer.answered.is_some();
                if answer.status < 400 && !is_early {
                    return Err(format!("what is no request is answered: {answer:?}"));
                }
                if !answer.closes && answer.status != 101 {
                    return Err(format!("the connection is kept after what is no request: {answer:?}"));
                }
                continue;
            };
            // A header section that is cut where it becomes too long may be one that cannot be read.
            let is_cut = request.head > MOST_HEADER_BYTES && answer.status == 400 && answer.closes;
            if request.field("x-fapi-interaction-id") != Some(&answer.interaction) && !is_cut {
                return Err(format!("{answer:?} is no answer to {:?}", request.field("x-marker")));
            }
            if answer.answered.as_deref().is_some_and(|marker| request.field("x-marker") != Some(marker)) {
                return Err(format!("{:?} has the bank's answer to another: {answer:?}", request.field("x-marker")));
            }
            let is_known = self.seen.iter().any(|seen| is_of(request, seen) && seen.state == State::Whole);
            if is_known && answer.status == 400 {
                return Err(format!("the bank carried it out, and its client is told {answer:?}"));
            }
            if request.old && (answer.chunked || !answer.interim.is_empty()) {
                return Err(format!("a client of HTTP/1.0 is told what it cannot read: {answer:?}"));
            }
        }
        Ok(())
    }
}

/// Whether the bank saw what there is, in order and byte for byte, and of that only the first so many; what never came to
/// its end may be there in part, as the last one.
pub(super) fn reached(reading: &Reading, all: &[Seen], most: usize) -> Result<(), String> {
    let requests = reading.requests.iter().map(|request| (request, true));
    let mut expected = requests.chain(reading.partial.iter().map(|part| (part, false))).take(most);
    let mut before: Option<(&Found, bool)> = None;
    for seen in all {
        let fault = || format!("the bank saw {} {} as {}", seen.method, seen.target, seen.marker);
        let again = before.filter(|(request, _)| is_retried(request) && is_of(request, seen));
        let found = again.or_else(|| expected.find(|(request, _)| is_of(request, seen)));
        let (request, whole) = found.ok_or_else(fault)?;
        if (&request.method, &request.target) != (&seen.method, &seen.target) {
            return Err(format!("{} instead of {} {}", fault(), request.method, request.target));
        }
        let is_so = match seen.state {
            State::Whole => whole && request.body == seen.body,
            State::Coming | State::Cut => request.body.starts_with(&seen.body),
        };
        if !is_so {
            let (length, expected) = (seen.body.len(), request.body.len());
            return Err(format!("{}, {:?} with {length} bytes instead of {expected} ({whole})", fault(), seen.state));
        }
        before = found;
    }
    Ok(())
}

fn is_of(request: &Found, seen: &Seen) -> bool {
    request.field("x-marker") == Some(&seen.marker)
}

/// Whether certbound may ask the bank again, which closed a kept connection without an answer.
fn is_retried(request: &Found) -> bool {
    !matches!(request.method.as_str(), "POST" | "PATCH")
}

impl Display for Plan {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:?} {:?}", self.entrance, self.steps)?;
        let text = self.bytes.escape_ascii().to_string().replace("\\n", "\\n\n");
        for line in text.lines() {
            let shown: String = line.chars().take(160).collect();
            writeln!(f, "{shown}{}", if shown.len() < line.len() { "..." } else { "" })?;
        }
        Ok(())
    }
}
