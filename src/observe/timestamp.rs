//! Times as every log line writes them: RFC 3339, UTC.

use std::{
    fmt,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use der::DateTime;
use rustls_pki_types::UnixTime;
use serde::{Serialize, Serializer};

/// A time of our own, to the microsecond.
#[derive(Clone, Copy)]
pub(super) struct Timestamp(pub(super) SystemTime);

/// A time out of a certificate or a token, to the second.
#[derive(Clone, Copy)]
pub(crate) struct Second(pub(crate) UnixTime);

/// A time of our own, to the second. A clock that stands before 1970 is wrong by decades anyway.
pub(crate) fn of_system(time: SystemTime) -> UnixTime {
    UnixTime::since_unix_epoch(time.duration_since(UNIX_EPOCH).unwrap_or_default())
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A clock that stands before 1970 is wrong by decades anyway.
        let since = self.0.duration_since(UNIX_EPOCH).unwrap_or_default();
        date_and_time(since, f)?;
        write!(f, ".{:06}Z", since.subsec_micros())
    }
}

impl fmt::Display for Second {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        date_and_time(Duration::from_secs(self.0.as_secs()), f)?;
        f.write_str("Z")
    }
}

fn date_and_time(since: Duration, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let Ok(t) = DateTime::from_unix_duration(since) else {
        // RFC 3339 ends with the year 9999; a token may say otherwise.
        return f.write_str("9999-12-31T23:59:59");
    };
    let (year, month, day) = (t.year(), t.month(), t.day());
    write!(f, "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}", t.hour(), t.minutes(), t.seconds())
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Serialize for Second {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_rfc_3339() {
        let check = |micros: u64, expected: &str| {
            assert_eq!(Timestamp(UNIX_EPOCH + Duration::from_micros(micros)).to_string(), expected);
        };
        check(0, "1970-01-01T00:00:00.000000Z");
        check(951_782_400_000_001, "2000-02-29T00:00:00.000001Z");
        check(1_795_330_800_123_456, "2026-11-22T07:00:00.123456Z");
        assert_eq!(Timestamp(UNIX_EPOCH - Duration::from_secs(1)).to_string(), "1970-01-01T00:00:00.000000Z");
    }

    #[test]
    fn time_beyond_the_calendar_is_written_as_its_end() {
        let check = |seconds: u64, expected: &str| {
            let time = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
            assert_eq!(Second(time).to_string(), expected);
        };
        check(1_795_330_800, "2026-11-22T07:00:00Z");
        check(253_402_300_799, "9999-12-31T23:59:59Z");
        check(253_402_300_800, "9999-12-31T23:59:59Z");
        check(u64::MAX, "9999-12-31T23:59:59Z");
    }
}
