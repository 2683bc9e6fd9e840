//! Expiry in sight: what ends soon is said at start and every day, before it is a night call.

use std::time::Duration;

use rustls_pki_types::UnixTime;

use crate::observe::Metrics;

/// How long something is still good.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Remaining {
    /// None: it has ended.
    left: Option<Duration>,
}

impl Remaining {
    /// Of what is good up to and including `end`.
    pub fn of(end: UnixTime, now: UnixTime) -> Self {
        Self { left: end.as_secs().checked_sub(now.as_secs()).map(Duration::from_secs) }
    }

    /// Whole days that are left; 0 when it has ended.
    pub fn days(self) -> u64 {
        self.left.unwrap_or_default().as_secs() / DAY.as_secs()
    }

    /// Whether it is over.
    pub fn has_ended(self) -> bool {
        self.left.is_none()
    }

    /// Whether it ends within 30 days, or has ended.
    pub fn is_soon(self) -> bool {
        self.left.is_none_or(|left| left <= 30 * DAY)
    }

    /// Whether it ends within 7 days, or has ended.
    pub fn is_urgent(self) -> bool {
        self.left.is_none_or(|left| left <= 7 * DAY)
    }
}

/// Says now and every day which anchors, CRLs in files, and certificates of certbound's own end soon. CRLs that are fetched
/// are left to the metrics: they last a day or a week, and are renewed without anybody's help. `configured` tells what the
/// configuration names: `anchor` or `certificate`, its name, and its end. Never returns.
pub async fn watch(configured: impl Fn() -> Vec<(&'static str, String, UnixTime)>, metrics: &Metrics) {
    loop {
        let now = UnixTime::now();
        configured().iter().for_each(|(what, name, end)| say(what, name, Remaining::of(*end, now)));
        for (issuer, end) in metrics.crls.of_files() {
            say("crl", &issuer, Remaining::of(end, now));
        }
        tokio::time::sleep(DAY).await;
    }
}

/// One line, where there is something to say.
fn say(what: &'static str, name: &str, remaining: Remaining) {
    let (days, ended) = (remaining.days(), remaining.has_ended());
    if remaining.is_urgent() {
        tracing::warn!(event = "ends_soon", what, name, days, ended, "this ends soon, or has ended");
    } else if remaining.is_soon() {
        tracing::info!(event = "ends_soon", what, name, days, "this ends soon");
    }
}

const DAY: Duration = Duration::from_secs(24 * 3600);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ends_within_thirty_days_is_soon_and_within_seven_urgent() {
        const DAY: u64 = 24 * 3600;
        const NOW: u64 = 1_767_268_800;
        let at = |seconds| UnixTime::since_unix_epoch(Duration::from_secs(seconds));
        let check = |end: u64, days: u64, soon: bool, urgent: bool, ended: bool| {
            let left = Remaining::of(at(end), at(NOW));
            let found = (left.days(), left.is_soon(), left.is_urgent(), left.has_ended());
            assert_eq!(found, (days, soon, urgent, ended), "{end}");
        };
        check(u64::MAX, (u64::MAX - NOW) / DAY, false, false, false);
        check(NOW + 30 * DAY + 1, 30, false, false, false);
        check(NOW + 30 * DAY, 30, true, false, false);
        check(NOW + 7 * DAY + 1, 7, true, false, false);
        check(NOW + 7 * DAY, 7, true, true, false);
        check(NOW + DAY - 1, 0, true, true, false);
        check(NOW, 0, true, true, false);
        check(NOW - 1, 0, true, true, true);
        check(0, 0, true, true, true);
    }
}
