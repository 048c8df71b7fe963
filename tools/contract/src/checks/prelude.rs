//! What the checks have in common.

pub(crate) use std::{
    thread,
    time::{Duration, Instant},
};

pub(crate) use crate::{
    finding::{Checked, Finding, broken, but, has, has_but, lacks, left_out, retry, unless_busy},
    service::Service,
    testbed::Testbed,
};

/// A header time-out that no check waits for: what is kept open stays open.
pub const LONG_HEADER_TIMEOUT: (&str, &str) = ("HEADER_TIMEOUT_MS", "60000");

/// How soon somebody must be served beside clients that misbehave.
pub const OTHERS_TIMEOUT: Duration = Duration::from_secs(1);

/// What is broken of several things, together.
pub fn all(checked: impl IntoIterator<Item = Checked>) -> Checked {
    let mut flaws = checked.into_iter().filter_map(Result::err);
    let Some(mut all) = flaws.next() else {
        return Ok(());
    };
    for flaw in flaws {
        all.evidence += &format!("\n{}", flaw.evidence);
        all.unless_busy &= flaw.unless_busy;
    }
    Err(all)
}
