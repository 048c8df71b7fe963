//! Understands what wrk prints: its report for people, and the line of JSON that our script adds.
//!
//! The line of JSON is exact, and the figures come from it. The report is read as well, and the two
//! must agree: a script that was cut short or is not ours would otherwise go unnoticed.

use anyhow::{Context, Result, ensure};

use crate::results::{Errors, Latency, LoadReport};

/// The script that makes wrk print the line of JSON.
pub const SCRIPT: &str = include_str!("wrk.lua");

/// Reads all that wrk printed.
///
/// # Errors
///
/// When a part is missing, or the two parts contradict each other.
pub fn parse(output: &str) -> Result<LoadReport> {
    let line = output
        .lines()
        .find(|line| line.starts_with('{'))
        .context("wrk printed no line of JSON; its script did not run")?;
    let report: LoadReport =
        serde_json::from_str(line).with_context(|| format!("not our line of JSON: {line}"))?;
    let text = parse_text(output)?;
    ensure!(
        text.responses == report.responses && text.errors == report.errors,
        "wrk's report and its line of JSON contradict each other: {text:?} and {report:?}"
    );
    Ok(report)
}

/// Reads wrk's report for people. Its times are rounded to three digits or so.
///
/// # Errors
///
/// When a line that wrk always prints is missing or has another shape.
pub fn parse_text(output: &str) -> Result<LoadReport> {
    let row = |first: &str| {
        output
            .lines()
            .map(str::trim)
            .find_map(|line| line.strip_prefix(first))
            .map(|rest| rest.split_whitespace().collect::<Vec<_>>())
            .with_context(|| format!("wrk's report has no line that starts with \"{first}\""))
    };
    let time = |words: &[&str], column: usize| {
        let word = words.get(column).copied().unwrap_or_default();
        time_us(word).with_context(|| format!("wrk's report has \"{word}\" where a time should be"))
    };

    let total = output
        .lines()
        .find(|line| line.contains(" requests in "))
        .context("wrk's report has no line with \"requests in\"; was it stopped early?")?;
    let words: Vec<&str> = total
        .split([' ', ','])
        .filter(|word| !word.is_empty())
        .collect();
    Ok(LoadReport {
        responses: words[0]
            .parse()
            .with_context(|| format!("no number of requests in \"{total}\""))?,
        duration_us: time(&words, 3)? as u64,
        latency_us: Latency {
            p50: time(&row("50%")?, 0)?,
            p90: time(&row("90%")?, 0)?,
            p99: time(&row("99%")?, 0)?,
            // Average, standard deviation, maximum.
            max: time(&row("Latency ")?, 2)?,
        },
        errors: parse_errors(output)?,
    })
}

/// Reads the two lines that wrk prints only when there is something to say.
fn parse_errors(output: &str) -> Result<Errors> {
    let mut errors = Errors::default();
    for line in output.lines().map(str::trim) {
        let number = |word: &str| {
            word.parse()
                .with_context(|| format!("no number of errors in \"{line}\""))
        };
        if let Some(status) = line.strip_prefix("Non-2xx or 3xx responses: ") {
            errors.status = number(status)?;
        }
        let Some(kinds) = line.strip_prefix("Socket errors: ") else {
            continue;
        };
        for kind in kinds.split(", ") {
            let (name, word) = kind.split_once(' ').unwrap_or((kind, ""));
            let field = match name {
                "connect" => &mut errors.connect,
                "read" => &mut errors.read,
                "write" => &mut errors.write,
                "timeout" => &mut errors.timeout,
                _ => anyhow::bail!("wrk reports an unknown kind of error: \"{line}\""),
            };
            *field = number(word)?;
        }
    }
    Ok(errors)
}

/// Reads a time as wrk writes it, such as `88.15ms`. Returns microseconds.
fn time_us(text: &str) -> Option<f64> {
    // "us", "ms" before "s": all of them end in it.
    let units = [
        ("us", 1.0),
        ("ms", 1e3),
        ("s", 1e6),
        ("m", 60e6),
        ("h", 3600e6),
    ];
    let (number, scale) = units
        .iter()
        .find_map(|(unit, scale)| Some((text.strip_suffix(unit)?, scale)))?;
    Some(number.parse::<f64>().ok()? * scale)
}
