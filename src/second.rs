//! Times out of certificates and tokens as they are written: RFC 3339, UTC.

use std::{fmt, time::Duration};

use der::DateTime;
use rustls_pki_types::UnixTime;
use serde::{Serialize, Serializer};

/// A time out of a certificate or a token, to the second.
#[derive(Clone, Copy)]
pub(crate) struct Second(pub(crate) UnixTime);

impl Second {
    /// So many seconds after 1970.
    pub(crate) fn at(seconds: u64) -> Self {
        Self(UnixTime::since_unix_epoch(Duration::from_secs(seconds)))
    }

    pub(crate) fn text(self) -> [u8; 20] {
        let mut text = [b'Z'; 20];
        let [date @ .., _] = &mut text;
        *date = date_and_time(Duration::from_secs(self.0.as_secs()));
        text
    }
}

impl fmt::Display for Second {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(ascii(&self.text()))
    }
}

impl Serialize for Second {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// `YYYY-MM-DDThh:mm:ss`. Digit by digit: the machinery for formats takes ten times as long, twice in every audit line.
pub(crate) fn date_and_time(since: Duration) -> [u8; 19] {
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
pub(crate) fn decimal<const N: usize>(mut number: u32) -> [u8; N] {
    let mut digits = [b'0'; N];
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
    digits
}

pub(crate) fn ascii(text: &[u8]) -> &str {
    std::str::from_utf8(text).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_beyond_the_calendar_is_written_as_its_end() {
        let check = |seconds: u64, expected: &str| assert_eq!(Second::at(seconds).to_string(), expected);
        check(1_795_330_800, "2026-11-22T07:00:00Z");
        check(253_402_300_799, "9999-12-31T23:59:59Z");
        check(253_402_300_800, "9999-12-31T23:59:59Z");
        check(u64::MAX, "9999-12-31T23:59:59Z");
    }
}
