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

/// Three visits are counted, the reply is lost, and all three are counted again: nobody was refused just
/// then, though many were before.
#[test]
fn a_batch_that_is_sent_again_is_named() {
    let start = Instant::now();
    let given = |number| Outcome::Number(number, start);
    let count = |numbers: std::ops::Range<u64>, replied| Count {
        size: numbers.end - numbers.start,
        numbers: Some(numbers),
        replied,
    };
    let record = Record {
        counts: vec![
            count(1..4, Some(start)),
            count(4..7, None),
            count(7..10, Some(start)),
        ],
        ..Record::default()
    };
    let visitors = |lost: &[Outcome]| {
        let visitor = |(first, last)| {
            let mut visits = vec![Outcome::Refused, Outcome::Refused, given(first)];
            visits.extend(lost);
            visits.push(given(last));
            visits
        };
        [(1, 7), (2, 8), (3, 9)].map(visitor)
    };
    let flaw = broken_promise(&visitors(&[]), &record, 9).unwrap_or_default();
    assert!(flaw.contains("that command was sent again"), "{flaw}");
    for lost in [Outcome::Refused, Outcome::Left] {
        assert_eq!(broken_promise(&visitors(&[lost]), &record, 9), None);
    }
}
