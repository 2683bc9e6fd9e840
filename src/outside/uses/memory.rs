//! What this process has seen used, bounded in number.

use std::{
    collections::{BTreeSet, HashMap, hash_map::Entry},
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use rustls_pki_types::UnixTime;

use crate::token::SingleUse;

/// Remembers what was used until its age refuses it, and never forgets it sooner.
pub(super) struct Memory {
    most: usize,
    used: Mutex<Used>,
}

/// What one look at the memory came to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Noted {
    /// It was not there, and is now.
    New,
    /// It was there already.
    Known,
    /// It was not there, and there is no room for it.
    Full,
}

#[derive(Default)]
struct Used {
    /// When each may be forgotten.
    ends: HashMap<Digest, End, ahash::RandomState>,
    /// The same, what ends first in front.
    order: BTreeSet<(u64, Digest)>,
}

type Digest = [u8; 32];

/// When something may be forgotten: when both have come. The clock alone would have it forgotten by being set forward, and
/// count again when it is set back.
#[derive(Clone, Copy)]
struct End {
    /// In seconds of the Unix epoch.
    clock: u64,
    /// As long after it was noted as it had left; none: it lasts longer than can be counted.
    timer: Option<Instant>,
}

impl Memory {
    /// At most so many at a time.
    pub(super) fn new(most: usize) -> Self {
        Self { most, used: Mutex::default() }
    }

    /// Looks and remembers in one step, so that of many who ask at once only one is told that it is new.
    pub(super) fn note(&self, what: &SingleUse, now: UnixTime, timer: Instant) -> Noted {
        let (now, mut used) = (now.as_secs(), self.used.lock());
        used.forget_ended(now, timer);
        if used.holds(&what.digest, now) {
            return Noted::Known;
        }
        if used.ends.len() >= self.most && !used.ends.contains_key(&what.digest) {
            return Noted::Full;
        }
        used.insert(what, now, timer);
        Noted::New
    }

    /// Whether it is there, without remembering it.
    pub(super) fn holds(&self, what: &SingleUse, now: UnixTime) -> bool {
        self.used.lock().holds(&what.digest, now.as_secs())
    }
}

impl Used {
    fn holds(&self, digest: &Digest, now: u64) -> bool {
        self.ends.get(digest).is_some_and(|end| now < end.clock)
    }

    /// A few at a time: whoever comes after a quiet hour does not clear up for all. More end than come in, so it suffices.
    fn forget_ended(&mut self, now: u64, timer: Instant) {
        let has_ended = |end: &End| end.clock <= now && end.timer.is_some_and(|end| end <= timer);
        for _ in 0..FORGOTTEN_AT_ONCE {
            match self.order.first().copied() {
                Some((_, digest)) if self.ends.get(&digest).is_none_or(has_ended) => {
                    self.order.pop_first();
                    self.ends.remove(&digest);
                }
                _ => return,
            }
        }
    }

    fn insert(&mut self, what: &SingleUse, now: u64, timer: Instant) {
        let clock = what.until.as_secs();
        let end = End { clock, timer: timer.checked_add(Duration::from_secs(clock.saturating_sub(now))) };
        match self.ends.entry(what.digest) {
            Entry::Occupied(mut ended) => {
                self.order.remove(&(ended.insert(end).clock, what.digest));
            }
            Entry::Vacant(place) => {
                place.insert(end);
            }
        }
        self.order.insert((clock, what.digest));
    }
}

const FORGOTTEN_AT_ONCE: usize = 16;

#[cfg(test)]
mod tests {
    use std::sync::{Barrier, LazyLock};

    use super::*;
    use crate::token::Purpose;

    fn at(seconds: u64) -> UnixTime {
        UnixTime::since_unix_epoch(Duration::from_secs(seconds))
    }

    fn proof(jti: &str, until: u64) -> SingleUse {
        SingleUse::new(Purpose::Proof, b"key", jti, at(until))
    }

    /// By a clock that goes as the timer does.
    fn note(memory: &Memory, what: &SingleUse, seconds: u64) -> Noted {
        memory.note(what, at(seconds), timer(seconds))
    }

    fn timer(seconds: u64) -> Instant {
        static BEGIN: LazyLock<Instant> = LazyLock::new(Instant::now);
        *BEGIN + Duration::from_secs(seconds)
    }

    #[test]
    fn use_is_remembered_until_its_age_refuses_it() {
        let memory = Memory::new(10);

        assert_eq!(note(&memory, &proof("a", 100), 40), Noted::New);
        assert_eq!(note(&memory, &proof("a", 100), 99), Noted::Known);
        assert_eq!(note(&memory, &proof("a", 130), 99), Noted::Known, "its identifier counts, not its end");
        assert_eq!(note(&memory, &proof("b", 100), 99), Noted::New);
        assert_eq!(note(&memory, &proof("a", 200), 100), Noted::New, "its maker may use it again then");
        assert_eq!(note(&memory, &proof("a", 200), 199), Noted::Known);
    }

    #[test]
    fn clock_that_is_set_forward_and_back_has_nothing_forgotten() {
        let memory = Memory::new(10);
        assert_eq!(memory.note(&proof("a", 100), at(40), timer(0)), Noted::New);
        assert_eq!(memory.note(&proof("b", 1060), at(1000), timer(5)), Noted::New);

        assert_eq!(memory.note(&proof("a", 100), at(45), timer(10)), Noted::Known);
        assert_eq!(memory.note(&proof("c", 1060), at(1000), timer(60)), Noted::New);
        assert_eq!(memory.used.lock().ends.len(), 2, "as old as it may get, by clock and timer");
    }

    #[test]
    fn looking_does_not_use() {
        let memory = Memory::new(10);

        assert!(!memory.holds(&proof("a", 100), at(40)));
        assert_eq!(note(&memory, &proof("a", 100), 40), Noted::New);
        assert!(memory.holds(&proof("a", 100), at(40)));
        assert!(!memory.holds(&proof("a", 100), at(100)));
    }

    #[test]
    fn full_memory_takes_nothing_new_and_forgets_nothing_that_counts() {
        let memory = Memory::new(3);
        for (jti, until) in [("a", 100), ("b", 110), ("c", 120)] {
            assert_eq!(note(&memory, &proof(jti, until), 50), Noted::New);
        }

        assert_eq!(note(&memory, &proof("d", 130), 99), Noted::Full);
        for (jti, until) in [("a", 100), ("b", 110), ("c", 120)] {
            assert_eq!(note(&memory, &proof(jti, until), 99), Noted::Known);
        }
        assert_eq!(note(&memory, &proof("d", 130), 100), Noted::New, "the first has ended");
        assert_eq!(note(&memory, &proof("e", 130), 100), Noted::Full);
    }

    #[test]
    fn memory_stays_as_small_as_what_counts() {
        let memory = Memory::new(1000);
        for jti in 0..900 {
            note(&memory, &proof(&jti.to_string(), 100), 50);
        }
        for jti in 0..60 {
            note(&memory, &proof(&jti.to_string(), 300), 200);
        }

        let used = memory.used.lock();
        assert_eq!((used.ends.len(), used.order.len()), (60, 60));
    }

    #[test]
    fn of_many_at_once_one_is_the_first() {
        let (memory, together) = (Memory::new(100), Barrier::new(50));
        let firsts = std::thread::scope(|scope| {
            let asking = (0..50).map(|_| {
                scope.spawn(|| {
                    together.wait();
                    note(&memory, &proof("a", 100), 50) == Noted::New
                })
            });
            let asking: Vec<_> = asking.collect();
            asking.into_iter().map(|thread| thread.join()).filter(|first| matches!(first, Ok(true))).count()
        });

        assert_eq!(firsts, 1);
    }
}
