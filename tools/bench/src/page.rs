//! The page under test: what it says, and whether it counts.

use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use load::Url;
use processes::interrupt::Interrupted;

/// How long one check of the page may take. A server that digs through a queue of a thousand others
/// is slow, not broken.
const CHECK_TIMEOUT: Duration = Duration::from_secs(20);

/// How long visits that were under way may go on counting after a load has ended.
const SETTLE_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a counter must stand still. A server with several processes may answer us at once from
/// one of them while another still works on what the load left behind.
const SETTLE_INTERVAL: Duration = Duration::from_millis(300);

/// How many letters of another page an error message quotes.
const QUOTED_LETTERS: usize = 60;

/// A counter that stands still, and the visits that it took to find out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Settled {
    /// The number of the last check.
    pub number: u64,
    /// How many checks it took: each counts as a visit.
    pub checks: u64,
}

/// Visits the page once and returns the number on it.
fn check(page: &Url) -> Result<u64> {
    let answer = load::get(page, CHECK_TIMEOUT);
    let answer = answer.with_context(|| format!("{page} does not answer"))?;
    let status = answer.status;
    ensure!(status == 200, "{page} answers {status} instead of 200");
    let body = answer.text();
    number(&body).with_context(|| {
        let start: String = body.trim().chars().take(QUOTED_LETTERS).collect();
        format!("{page} is not the page \"Hello World! I have been seen N times.\" but \"{start}\"")
    })
}

/// Checks the page twice: it must be the right one, and the number must grow.
///
/// # Errors
///
/// When the page is wrong, or stands still.
pub(crate) fn check_that_it_counts(page: &Url) -> Result<()> {
    let (first, second) = (check(page)?, check(page)?);
    must_grow(first, second)
}

/// Checks the page until no other visit is seen to be counted: two checks, some time and one number apart.
///
/// # Errors
///
/// When the page is wrong, stands still, or still moves after 30 s.
pub(crate) fn settle(page: &Url, interrupted: &Interrupted) -> Result<Settled> {
    let deadline = Instant::now() + SETTLE_TIMEOUT;
    let mut number = check(page)?;
    let mut checks = 1;
    loop {
        sleep(SETTLE_INTERVAL);
        let next = check(page)?;
        checks += 1;
        must_grow(number, next)?;
        if next == number + 1 {
            let number = next;
            return Ok(Settled { number, checks });
        }
        ensure!(
            Instant::now() < deadline && !interrupted.yet(),
            "the counter still moves by itself {SETTLE_TIMEOUT:?} after the load ended"
        );
        number = next;
    }
}

fn must_grow(number: u64, next: u64) -> Result<()> {
    ensure!(
        next > number,
        "two visits in a row got the numbers {number} and {next}: the page does not count"
    );
    Ok(())
}

/// The number on a page that says `I have been seen N times.`
pub(crate) fn number(body: &str) -> Option<u64> {
    let (_, rest) = body.split_once("I have been seen ")?;
    let (number, _) = rest.split_once(" times.")?;
    number.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_right_sentence_has_a_number() {
        let page = "Hello World! I have been seen 42 times.\n";
        assert_eq!(number(page), Some(42));
        for body in [
            "",
            "I have been seen",
            "I have been seen -1 times.",
            "I have been seen many times.",
        ] {
            assert_eq!(number(body), None, "{body}");
        }
    }
}
