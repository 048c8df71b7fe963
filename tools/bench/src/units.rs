//! Numbers as people read and write them.

use std::time::Duration;

use anyhow::{Context, Result, ensure};

/// A whole number with a comma every three digits: `12,345`.
pub fn count(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) && !text.ends_with('-') {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number with three significant digits and no more: `1.23`, `12.3`, `123`.
pub fn short(value: f64) -> String {
    match value.abs() {
        // What would be rounded up to the next power of ten belongs there already.
        size if size < 9.995 => format!("{value:.2}"),
        size if size < 99.95 => format!("{value:.1}"),
        _ => count(value),
    }
}

/// A time in milliseconds, the one unit of a column: `0.12`, `12.3`, `1,234`.
pub fn milliseconds(microseconds: f64) -> String {
    short(microseconds / 1000.0)
}

/// Memory in mebibytes: `12.3`.
pub fn mebibytes(bytes: f64) -> String {
    short(bytes / f64::from(1 << 20))
}

/// A share as a percentage: `0.034` is `3.4 %`.
pub fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

/// A ratio: below a tenth it keeps two digits that mean something.
pub fn ratio(ratio: f64) -> String {
    match ratio < 0.0995 {
        true => format!("{ratio:.3}"),
        false => short(ratio),
    }
}

/// Reads a time in whole seconds, such as `20s` or `2m`: wrk knows no others.
///
/// # Errors
///
/// When it is another time, or none.
pub fn whole_seconds(text: &str) -> Result<Duration> {
    let expected = "expected whole seconds, such as 20s or 2m";
    let duration = humantime::parse_duration(text).context(expected)?;
    let is_whole = duration.subsec_nanos() == 0 && !duration.is_zero();
    ensure!(is_whole, "{expected}");
    Ok(duration)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_have_commas() {
        let cases = [
            0.0,
            7.0,
            999.0,
            1000.0,
            12_345.6,
            1_234_567.0,
            -123.0,
            -1234.0,
        ];
        let texts = cases.map(count).join(" ");
        assert_eq!(texts, "0 7 999 1,000 12,346 1,234,567 -123 -1,234");
    }

    #[test]
    fn short_numbers_have_three_digits() {
        let cases = [
            0.0, 0.004, 1.234, 9.994, 9.996, 12.34, 99.94, 99.96, 123.4, 12_345.0,
        ];
        let texts = cases.map(short).join(" ");
        assert_eq!(texts, "0.00 0.00 1.23 9.99 10.0 12.3 99.9 100 123 12,345");
    }

    #[test]
    fn shares_and_ratios_keep_what_means_something() {
        assert_eq!(percent(0.0341), "3.4 %");
        assert_eq!(
            [0.0123, 0.0994, 0.0996, 1.234].map(ratio).join(" "),
            "0.012 0.099 0.10 1.23"
        );
    }
}
