//! What can be typed after `cargo xtask plan`.

use std::time::Duration;

use anyhow::{Result, ensure};
use clap::Parser;

use crate::Demand;

/// Says how many cores, replicas and Redis nodes a load takes, from what was measured
#[derive(Parser)]
#[command(
    name = "cargo xtask plan",
    bin_name = "cargo xtask plan",
    max_term_width = 100
)]
pub struct PlanOptions {
    /// What is asked for
    #[command(flatten)]
    pub demand: Demand,
}

impl Demand {
    /// More visits than this are a slip.
    const VISITS_MAX: f64 = 1e12;

    /// Nobody waits for longer.
    const TIME_MAX: Duration = Duration::from_secs(60);
}

/// Reads how many visits a second, such as `1e6/s`, `250000` or `250k/s`.
pub(crate) fn visits(text: &str) -> Result<f64> {
    let number = text
        .strip_suffix("/s")
        .unwrap_or(text)
        .replace(['_', ','], "");
    let (number, factor) = match number.strip_suffix(['k', 'M']) {
        Some(number) if text.contains('k') => (number, 1e3),
        Some(number) => (number, 1e6),
        None => (number.as_str(), 1.0),
    };
    let visits = number
        .parse()
        .map_or(f64::NAN, |number: f64| number * factor);
    let is_possible = (1.0..=Demand::VISITS_MAX).contains(&visits);
    ensure!(
        is_possible,
        "expected visits a second from 1 to 1e12, such as 1e6/s"
    );
    Ok(visits)
}

/// Reads a time, such as `50ms`.
pub(crate) fn time(text: &str) -> Result<Duration> {
    let time = humantime::parse_duration(text).unwrap_or_default();
    let is_possible = !time.is_zero() && time <= Demand::TIME_MAX;
    ensure!(
        is_possible,
        "expected a time of at most a minute, such as 50ms"
    );
    Ok(time)
}

/// Reads a share of a core, such as `60%`, as a number up to 1.
pub(crate) fn share(text: &str) -> Result<f64> {
    let percent = text.strip_suffix('%').unwrap_or(text).trim();
    let percent: f64 = percent.parse().unwrap_or_default();
    ensure!((1.0..=100.0).contains(&percent), "expected 1% to 100%");
    Ok(percent / 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(line: &str) -> String {
        let parsed = PlanOptions::try_parse_from(line.split_whitespace());
        let Err(refusal) = parsed else {
            panic!("{line:?} is wrong, and was accepted")
        };
        refusal.to_string()
    }

    #[test]
    fn a_rate_is_read_as_people_write_it() {
        for (text, expected) in [
            ("1e6/s", 1e6),
            ("250000", 250_000.0),
            ("250_000/s", 250_000.0),
            ("1,000/s", 1000.0),
            ("250k/s", 250_000.0),
            ("2.5M/s", 2.5e6),
        ] {
            assert_eq!(visits(text).ok(), Some(expected), "{text}");
        }
        for text in ["", "/s", "many", "0", "-5/s", "nan", "inf", "1e13", "5/min"] {
            assert!(visits(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_planned_is_refused() {
        for (line, expected) in [
            (
                "plan --visits many --p99 50ms",
                "visits a second from 1 to 1e12",
            ),
            (
                "plan --visits 1e6/s --p99 soon",
                "expected a time of at most a minute, such as 50ms",
            ),
            (
                "plan --visits 1e6/s --p99 0s",
                "expected a time of at most a minute, such as 50ms",
            ),
            (
                "plan --visits 1e6/s --p99 61s",
                "expected a time of at most a minute, such as 50ms",
            ),
            (
                "plan --visits -5 --p99 50ms",
                "visits a second from 1 to 1e12",
            ),
            (
                "plan --visits 1e6/s --p99 50ms --regions 0",
                "0 is not in 1..=100",
            ),
            (
                "plan --visits 1e6/s --p99 50ms --regions -1",
                "invalid value '-1'",
            ),
            (
                "plan --visits 1e6/s --p99 50ms --utilisation 101%",
                "expected 1% to 100%",
            ),
            ("plan --visits 1e6/s", "--p99 <TIME>"),
        ] {
            let error = refused(line);
            assert!(error.contains(expected), "{line}: {error}");
        }
    }
}
