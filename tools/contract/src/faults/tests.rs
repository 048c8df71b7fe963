//! Each promise, broken on paper.

use std::time::{Duration, Instant};

use fault_proxy::{Count, Record};

use super::{
    FaultRun,
    promises::{Outcome, broken_promise},
};

/// Redis counts 1, then 2 to 4, whose reply is lost, then 5 to 6. A command that adds 1 gets lost.
fn record(start: Instant) -> Record {
    let count = |size, numbers, replied: Option<u64>| Count {
        size,
        numbers,
        replied: replied.map(|ms| start + Duration::from_millis(ms)),
    };
    Record {
        counts: vec![
            count(1, Some(1..2), Some(10)),
            count(3, Some(2..5), None),
            count(1, None, None),
            count(2, Some(5..7), Some(20)),
        ],
        ..Record::default()
    }
}

/// What is wrong with the visits of three visitors: the numbers that they were given, or `-` for a refusal.
/// A number is given when Redis has replied, or so many milliseconds after the start as stand behind `@`.
fn flaw(visitors: &str, count: u64) -> Option<String> {
    let start = Instant::now();
    let outcome = |visit: &str| {
        let (number, ms) = visit.split_once('@').unwrap_or((visit, "21"));
        let given = start + Duration::from_millis(ms.parse().unwrap());
        let number = number.parse().ok();
        number.map_or(Outcome::Refused, |number| Outcome::Number(number, given))
    };
    let visitors = visitors.split('|');
    let visitors: Vec<Vec<Outcome>> = visitors
        .map(|visits| visits.split_whitespace().map(outcome).collect())
        .collect();
    broken_promise(&visitors, &record(start), count)
}

#[test]
fn each_promise_is_kept_or_named() {
    assert_eq!(flaw("1 - 6 | - - 5 | -", 6), None);
    for (visitors, count, words) in [
        ("1 - 6 | - - 6 | -", 6, "number 6 was given twice"),
        ("1 - 6 | - - | - 6 5", 6, "number 6 was given twice"),
        ("1 - 6 5 | - - | -", 6, "given number 5 after number 6"),
        ("1 - 7 | - - | - -", 6, "Redis never counted"),
        ("1 3 6 | - - 5 | -", 6, "without Redis's reply"),
        ("1 - 6 | - - 5@19 | -", 6, "before Redis replied"),
        ("1 - 6 | - - 5 | -", 8, "skipped for nobody"),
        ("1 - 6 | - 5 | -", 6, "sent again"),
    ] {
        let flaw = flaw(visitors, count).unwrap_or_default();
        assert!(flaw.contains(words), "expected {words:?}, got {flaw:?}");
    }
}

#[test]
fn a_seed_that_nobody_set_is_a_new_one() {
    let run = FaultRun::from_env().unwrap();
    assert!(run.duration > Duration::ZERO);
}
