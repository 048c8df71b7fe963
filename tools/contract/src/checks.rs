//! The checks, by what they do to the service, and what several of them do.

pub mod cluster;
pub mod copies;
pub mod heals;
pub mod memory;
pub mod outages;
pub mod overload;
pub mod page;
pub mod places;
pub mod readiness;
pub mod slow;
pub mod stops;

use std::time::Duration;

use crate::finding::{Checked, Finding, broken};

/// A header time-out that no check waits for: what is kept open stays open.
const LONG_HEADER_TIMEOUT: (&str, &str) = ("HEADER_TIMEOUT_MS", "60000");

/// How soon somebody must be served beside clients that misbehave.
const OTHERS_TIMEOUT: Duration = Duration::from_secs(1);

/// How often a state is looked at that is waited for.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// Attempts a thing that a busy machine can spoil, until one attempt succeeds. An attempt that was spoilt
/// says what was seen; after the last one, that is what is broken.
fn retry<T>(
    attempts: usize,
    mut attempt: impl FnMut() -> Checked<Result<T, String>>,
) -> Checked<T> {
    let mut seen = String::new();
    for _ in 0..attempts {
        match attempt()? {
            Ok(success) => return Ok(success),
            Err(spoilt) => seen = spoilt,
        }
    }
    broken(seen)
}

/// Whether a state comes about before the time is over.
fn within(timeout: Duration, mut is_so: impl FnMut() -> Checked<bool>) -> Checked<bool> {
    let answer = processes::poll(timeout, POLL_INTERVAL, || match is_so() {
        Ok(false) => None,
        yes => Some(yes),
    });
    answer.unwrap_or(Ok(false))
}

/// It has the capability, if it has none of these flaws. With one, it does not lack it either.
fn has_without(flaws: &[String]) -> Checked {
    match flaws {
        [] => Ok(Finding::has()),
        _ => broken(flaws.join("\n")),
    }
}
