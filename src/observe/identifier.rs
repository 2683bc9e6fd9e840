//! Identifiers of requests and of audit lines (RFC 9562), with random bytes fetched many at a time.
//!
//! Each fetch is a system call, which with every request would cost more than its audit line.

use std::{
    cell::RefCell,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use ring::rand::{SecureRandom, SystemRandom};
use uuid::{Builder, Uuid};

/// Makes identifiers. Not shared between threads.
pub(crate) struct Identifiers {
    random: [u8; POOL],
    /// Of `random`, given out already.
    used: usize,
}

impl Identifiers {
    /// Nothing is fetched yet.
    pub(crate) fn new() -> Self {
        Self { random: [0; POOL], used: POOL }
    }

    /// 122 random bits (version 4).
    pub(crate) fn random(&mut self) -> Uuid {
        // Where the pool cannot be filled, the library tries in its own way, and does not return without random bits.
        self.take().map_or_else(Uuid::new_v4, |bytes: [u8; 16]| Builder::from_random_bytes(bytes).into_uuid())
    }

    /// A time in milliseconds, the last 12 bits of `number`, and 62 random bits (version 7; section 6.2, method 1): lines
    /// numbered one after the other sort by it.
    pub(crate) fn timed(&mut self, time: SystemTime, number: u64) -> Uuid {
        let Some([c, d, e, f, g, h, i, j]) = self.take() else { return Uuid::now_v7() };
        let since = time.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        let [.., a, b] = number.to_be_bytes();
        let millis = since.as_millis().try_into().unwrap_or(u64::MAX);
        Builder::from_unix_timestamp_millis(millis, &[a, b, c, d, e, f, g, h, i, j]).into_uuid()
    }

    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        if self.random.len().saturating_sub(self.used) < N {
            SystemRandom::new().fill(&mut self.random).ok()?;
            self.used = 0;
        }
        let bytes = self.random.get(self.used..)?.first_chunk().copied();
        self.used = self.used.saturating_add(N);
        bytes
    }
}

/// [`Identifiers::random`] of this thread.
pub(crate) fn random() -> Uuid {
    thread_local! {
        static HERE: RefCell<Identifiers> = RefCell::new(Identifiers::new());
    }
    HERE.with_borrow_mut(Identifiers::random)
}

/// Bytes fetched at once.
const POOL: usize = 1024;

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn identifiers_differ_beyond_what_is_fetched_at_once() {
        let mut identifiers = Identifiers::new();
        let made: HashSet<Uuid> = (0..10 * POOL).map(|_| identifiers.random()).collect();
        assert_eq!(made.len(), 10 * POOL);
        assert!(made.iter().all(|id| id.get_version_num() == 4));
        assert_ne!(random(), random());
    }

    #[test]
    fn identifiers_of_lines_sort_by_time_and_then_by_number() {
        let mut identifiers = Identifiers::new();
        let at = |millis| UNIX_EPOCH + Duration::from_millis(millis);
        let made: Vec<Uuid> = [(1_795_330_800_123, 7), (1_795_330_800_123, 8), (1_795_330_800_124, 9)]
            .map(|(millis, number)| identifiers.timed(at(millis), number))
            .into();
        assert!(made.is_sorted());
        assert!(made.iter().all(|id| id.get_version_num() == 7));
        assert!(made.iter().all(|id| id.to_string().starts_with("01a2020d-f9f")), "{made:?}");
        assert_ne!(identifiers.timed(at(1), 1), identifiers.timed(at(1), 1));
    }
}
