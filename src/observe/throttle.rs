//! Warnings that every request or connection could make.

use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// One kind of warning, which is due at most once in ten seconds. What strangers cause must not fill a log.
#[derive(Debug, Default)]
pub struct Throttle(Mutex<Option<Instant>>);

impl Throttle {
    /// Whether the warning is due; from now on it is not.
    pub fn is_due(&self) -> bool {
        self.is_due_at(Instant::now())
    }

    fn is_due_at(&self, now: Instant) -> bool {
        let mut said = self.0.lock();
        let due = said.is_none_or(|said| now.saturating_duration_since(said) >= PAUSE);
        if due {
            *said = Some(now);
        }
        due
    }
}

const PAUSE: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warning_is_due_once_in_ten_seconds() {
        let (throttle, begin) = (Throttle::default(), Instant::now());
        let due = [0, 1, 9_999, 10_000, 10_001, 19_999, 20_000].map(|later| {
            let now = begin + Duration::from_millis(later);
            throttle.is_due_at(now).then_some(later)
        });
        assert_eq!(due.into_iter().flatten().collect::<Vec<_>>(), [0, 10_000, 20_000]);
    }
}
