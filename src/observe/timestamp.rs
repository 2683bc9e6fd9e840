//! Times of our own as every log line writes them: RFC 3339, UTC.

use std::{
    fmt,
    time::{SystemTime, UNIX_EPOCH},
};

use rustls_pki_types::UnixTime;
use serde::{Serialize, Serializer};

use crate::{
    observe::json::{Ascii, Value},
    second::{Second, ascii, date_and_time, decimal},
};

/// A time of our own, to the microsecond.
#[derive(Clone, Copy)]
pub(super) struct Timestamp(pub(super) SystemTime);

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

impl fmt::Display for Timestamp {
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

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

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
}
