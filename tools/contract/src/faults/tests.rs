//! Each promise, broken on paper.

use std::{
    ops::Range,
    time::{Duration, Instant},
};

use fault_proxy::{Count, Record};

use super::{
    FaultRun,
    promises::{Outcome, Visit, broken_promise},
};

/// What counts on paper: commands and visits, with times in milliseconds.
struct Paper {
    start: Instant,
}

impl Paper {
    fn new() -> Self {
        Self {
            start: Instant::now(),
        }
    }

    fn at(&self, ms: u64) -> Instant {
        self.start + Duration::from_millis(ms)
    }

    fn count(
        &self,
        size: u64,
        numbers: Option<Range<u64>>,
        came: u64,
        replied: Option<u64>,
    ) -> Count {
        Count {
            size,
            numbers,
            came: self.at(came),
            replied: replied.map(|ms| self.at(ms)),
        }
    }

    fn visit(&self, outcome: Outcome, asked: u64, ended: u64) -> Visit {
        Visit {
            asked: self.at(asked),
            ended: self.at(ended),
            outcome,
        }
    }
}

/// What is wrong with the visits of three visitors: the numbers that they were given, or `-` for a refusal.
/// The first visits are from 0 to 21 ms, the next ones from 20 to 41 ms, and so on; or until so many
/// milliseconds as stand behind `@`.
///
/// Redis counts 1, then 2 to 4, whose reply is lost, then 5 to 6. A command that adds 1 gets lost.
fn flaw(visitors: &str, count: u64) -> Option<String> {
    let paper = Paper::new();
    let visit = |(place, visit): (u64, &str)| {
        let (number, ended) = visit.split_once('@').unwrap_or((visit, ""));
        let ended = ended.parse().unwrap_or(20 * place + 21);
        let number = number.parse().ok();
        let outcome = number.map_or(Outcome::Refused, Outcome::Number);
        paper.visit(outcome, 20 * place, ended)
    };
    let visitors = visitors.split('|');
    let visitors: Vec<Vec<Visit>> = visitors
        .map(|visits| (0..).zip(visits.split_whitespace()).map(visit).collect())
        .collect();
    let record = Record {
        counts: vec![
            paper.count(1, Some(1..2), 5, Some(10)),
            paper.count(3, Some(2..5), 30, None),
            paper.count(1, None, 31, None),
            paper.count(2, Some(5..7), 50, Some(60)),
        ],
        ..Record::default()
    };
    broken_promise(&visitors, &record, count)
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
        ("1 - 6 | - - 5@59 | -", 6, "before Redis replied"),
        ("1 - 6 | - - 5 | -", 8, "skipped for nobody"),
        ("1 - 6 | - 5@61 | -", 6, "sent again"),
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
    let paper = Paper::new();
    let record = Record {
        counts: vec![
            paper.count(3, Some(1..4), 1000, Some(1010)),
            paper.count(3, Some(4..7), 1100, None),
            paper.count(3, Some(7..10), 1110, Some(1120)),
        ],
        ..Record::default()
    };
    // What each of the three visitors met between its two numbers.
    let flaw = |between: Option<(Outcome, u64, u64)>| {
        let visitor = |(first, last)| {
            let between = between.map(|(outcome, asked, ended)| paper.visit(outcome, asked, ended));
            [
                paper.visit(Outcome::Refused, 0, 10),
                paper.visit(Outcome::Refused, 10, 20),
                paper.visit(Outcome::Number(first), 990, 1020),
            ]
            .into_iter()
            .chain(between)
            .chain([paper.visit(Outcome::Number(last), 1090, 1130)])
            .collect()
        };
        broken_promise(&[(1, 7), (2, 8), (3, 9)].map(visitor), &record, 9)
    };
    let is_named = |flaw: Option<String>| flaw.is_some_and(|flaw| flaw.contains("sent again"));
    assert!(is_named(flaw(None)));
    for outcome in [Outcome::Refused, Outcome::Left] {
        assert_eq!(flaw(Some((outcome, 1050, 1105))), None);
        // Asked after the command had come.
        assert!(is_named(flaw(Some((outcome, 1101, 1105)))));
    }
    // Refused long before the command came.
    assert!(is_named(flaw(Some((Outcome::Refused, 0, 700)))));
}

/// A visit whose visitor has left may wait at a core whose Redis is slow, while the visitor comes again and
/// is answered by another core, many times.
#[test]
fn who_left_may_be_counted_after_the_next_visits() {
    let paper = Paper::new();
    let mut counts: Vec<Count> = (1..=20)
        .map(|n| paper.count(1, Some(n..n + 1), 10 * n, Some(10 * n + 5)))
        .collect();
    counts.push(paper.count(1, Some(21..22), 700, None));
    let mut visits = vec![paper.visit(Outcome::Left, 0, 5)];
    let next = |n| paper.visit(Outcome::Number(n), 10 * n - 1, 10 * n + 6);
    visits.extend((1..=20).map(next));
    let record = |counts: &[Count]| Record {
        counts: counts.to_vec(),
        ..Record::default()
    };
    assert_eq!(
        broken_promise(&[visits.clone()], &record(&counts), 21),
        None
    );
    // But it is counted once.
    visits.push(paper.visit(Outcome::Refused, 5000, 5001));
    counts.push(paper.count(1, Some(22..23), 750, None));
    let flaw = broken_promise(&[visits], &record(&counts), 22).unwrap_or_default();
    assert!(flaw.contains("only 0 of the visits"), "{flaw}");
}
