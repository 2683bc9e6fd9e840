//! Durations and sizes: a whole number and its unit.

use std::time::Duration;

use crate::config::fault::Wrong;

/// Reads `"500ms"`, `"30s"`, `"10m"`, or `"24h"`. Longer than a year is refused.
pub(super) fn duration(text: &str) -> Result<Duration, Wrong> {
    let wrong = || Wrong::new(format!("`{text}` is not a duration"), "write it as 500ms, 30s, 10m, or 24h");
    let (number, unit) = split(text).ok_or_else(wrong)?;
    let milliseconds = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err(wrong()),
    };
    let duration = Duration::from_millis(number.checked_mul(milliseconds).ok_or_else(wrong)?);
    if duration > LONGEST {
        return Err(Wrong::new(format!("`{text}` is longer than a year"), "write at most 8784h"));
    }
    Ok(duration)
}

/// Reads `"64KiB"`, `"32MiB"`, `"1GiB"`, or plain bytes.
pub(super) fn size(text: &str) -> Result<u64, Wrong> {
    let wrong =
        || Wrong::new(format!("`{text}` is not a size"), "write it as 64KiB, 32MiB, 1GiB, or a number of bytes");
    let (number, unit) = split(text).ok_or_else(wrong)?;
    let bytes = match unit {
        "" | "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return Err(wrong()),
    };
    number.checked_mul(bytes).filter(|size| *size <= LARGEST).ok_or_else(wrong)
}

/// Digits and what follows them.
fn split(text: &str) -> Option<(u64, &str)> {
    let (digits, unit) = text.split_at_checked(text.bytes().take_while(u8::is_ascii_digit).count())?;
    Some((digits.parse().ok()?, unit))
}

const LONGEST: Duration = Duration::from_secs(366 * 24 * 3600);

/// Far above any machine, and small enough for every integer that holds a size.
const LARGEST: u64 = 1 << 40;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn duration_is_a_whole_number_and_a_unit() {
        let check = |text: &str, expected: Option<u64>| {
            assert_eq!(duration(text).ok(), expected.map(Duration::from_millis), "{text}");
        };
        check("500ms", Some(500));
        check("30s", Some(30_000));
        check("10m", Some(600_000));
        check("24h", Some(86_400_000));
        check("0s", Some(0));
        for text in ["", "30", "s", "1.5s", "-1s", "+1s", "1 s", "30S", "1d", "9000h", "99999999999999999999s", "1sm"] {
            check(text, None);
        }
    }

    #[test]
    fn size_is_a_whole_number_and_a_binary_unit() {
        let check = |text: &str, expected: Option<u64>| assert_eq!(size(text).ok(), expected, "{text}");
        check("0", Some(0));
        check("1024", Some(1024));
        check("16B", Some(16));
        check("64KiB", Some(64 << 10));
        check("32MiB", Some(32 << 20));
        check("1GiB", Some(1 << 30));
        for text in ["", "KiB", "1.5MiB", "-1", "64kb", "64KB", "64 KiB", "1TiB", "99999999GiB"] {
            check(text, None);
        }
    }
}
