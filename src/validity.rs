//! When a certificate, or all of a path, is valid (RFC 5280, section 4.1.2.5).

use rustls_pki_types::UnixTime;
use x509_cert::Certificate;

/// From notBefore until notAfter, both included. Holds at no time where the one is after the other.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Validity {
    /// The first second.
    pub from: UnixTime,
    /// The last second.
    pub until: UnixTime,
}

impl Validity {
    /// What the certificate says of itself.
    pub fn of(certificate: &Certificate) -> Self {
        let dates = certificate.tbs_certificate().validity();
        let [from, until] = [dates.not_before, dates.not_after].map(|date| date.to_unix_duration());
        Self { from: UnixTime::since_unix_epoch(from), until: UnixTime::since_unix_epoch(until) }
    }

    /// When both hold.
    pub fn and(self, other: Self) -> Self {
        Self { from: self.from.max(other.from), until: self.until.min(other.until) }
    }

    /// Whether it holds now.
    pub fn holds(self, now: UnixTime) -> bool {
        (self.from..=self.until).contains(&now)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[track_caller]
    fn check(parts: &[(u64, u64)], holds: &[u64]) {
        let at = |second| UnixTime::since_unix_epoch(Duration::from_secs(second));
        let parts = parts.iter().map(|(from, until)| Validity { from: at(*from), until: at(*until) });
        let valid = parts.reduce(Validity::and);
        let held: Vec<_> = (0..10).filter(|second| valid.is_some_and(|valid| valid.holds(at(*second)))).collect();
        assert_eq!(held, holds);
    }

    #[test]
    fn both_ends_are_included() {
        check(&[(3, 5)], &[3, 4, 5]);
        check(&[(3, 3)], &[3]);
        check(&[(5, 3)], &[]);
    }

    #[test]
    fn path_is_valid_while_all_of_it_is() {
        check(&[(1, 6), (3, 9)], &[3, 4, 5, 6]);
        check(&[(3, 9), (1, 6), (6, 9)], &[6]);
        check(&[(1, 3), (5, 9)], &[]);
    }
}
