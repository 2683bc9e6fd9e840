//! Times as every log line writes them: RFC 3339, UTC.

use std::{
    fmt,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use der::DateTime;
use rustls_pki_types::UnixTime;
use serde::{Serialize, Serializer};

use crate::observe::json::{Ascii, Value};

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

impl Timestamp {
    fn text(self) -> [u8; 27] {
        // A clock that stands before 1970 is wrong by decades anyway.
        let since = self.0.duration_since(UNIX_EPOCH).unwrap_or_default();
        let mut text = *b"YYYY-MM-DDThh:mm:ss.ffffffZ";
        let [date @ .., _, _, _, _, _, _, _, _] = &mut text;
        *date = date_and_time(since);
        let [.., a, b, c, d, e, f, _] = &mut text;
        [*a, *b, *c, *d, *e, *f] = decimal(since.subsec_micros());
        text
    }
}

impl Second {
    fn text(self) -> [u8; 20] {
        let mut text = [b'Z'; 20];
        let [date @ .., _] = &mut text;
        *date = date_and_time(Duration::from_secs(self.0.as_secs()));
        text
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(ascii(&self.text()))
    }
}

impl fmt::Display for Second {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(ascii(&self.text()))
    }
}

impl Value for Timestamp {
    fn write(&self, out: &mut Vec<u8>) {
        Ascii(&self.text()).write(out);
    }
}

impl Value for Second {
    fn write(&self, out: &mut Vec<u8>) {
        Ascii(&self.text()).write(out);
    }
}

/// `YYYY-MM-DDThh:mm:ss`. Digit by digit: the machinery for formats takes ten times as long, twice in every audit line.
fn date_and_time(since: Duration) -> [u8; 19] {
    let Ok(t) = DateTime::from_unix_duration(since) else {
        // RFC 3339 ends with the year 9999; a token may say otherwise.
        return *b"9999-12-31T23:59:59";
    };
    let two = |number: u8| decimal::<2>(number.into());
    let [y1, y2, y3, y4] = decimal::<4>(t.year().into());
    let ([mo1, mo2], [d1, d2]) = (two(t.month()), two(t.day()));
    let ([h1, h2], [mi1, mi2], [s1, s2]) = (two(t.hour()), two(t.minutes()), two(t.seconds()));
    [y1, y2, y3, y4, b'-', mo1, mo2, b'-', d1, d2, b'T', h1, h2, b':', mi1, mi2, b':', s1, s2]
}

/// The last `N` digits of `number`.
fn decimal<const N: usize>(mut number: u32) -> [u8; N] {
    let mut digits = [b'0'; N];
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
    digits
}

fn ascii(text: &[u8]) -> &str {
    std::str::from_utf8(text).unwrap_or_default()
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
