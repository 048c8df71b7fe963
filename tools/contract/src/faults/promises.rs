//! What visitors saw, compared with what went over the wire.

use std::{
    collections::{BTreeMap, HashMap},
    time::Instant,
};

use fault_proxy::{Count, Record};
use load::ledger;

/// What became of a visit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was answered with this number, and the answer was there at this instant.
    Number(u64, Instant),
    /// It was refused.
    Refused,
    /// The visitor left before there was an answer.
    Left,
}

/// The first promise that was broken, and by what.
pub fn broken_promise(visitors: &[Vec<Outcome>], record: &Record, count: u64) -> Option<String> {
    twice(visitors)
        .or_else(|| falling(visitors))
        .or_else(|| early(visitors, record))
        .or_else(|| skipped(visitors, record, count))
}

fn numbers(visitor: &[Outcome]) -> impl Iterator<Item = u64> {
    visitor.iter().filter_map(|outcome| match outcome {
        Outcome::Number(number, _) => Some(*number),
        Outcome::Refused | Outcome::Left => None,
    })
}

fn twice(visitors: &[Vec<Outcome>]) -> Option<String> {
    let mut first = HashMap::new();
    for (visitor, outcomes) in visitors.iter().enumerate() {
        for number in numbers(outcomes) {
            if let Some(other) = first.insert(number, visitor) {
                return Some(format!(
                    "number {number} was given twice: to visitors {other} and {visitor}"
                ));
            }
        }
    }
    None
}

/// A visitor comes again only after an answer, so the later visit is counted later.
fn falling(visitors: &[Vec<Outcome>]) -> Option<String> {
    for (visitor, outcomes) in visitors.iter().enumerate() {
        let numbers: Vec<u64> = numbers(outcomes).collect();
        if let Some(pair) = numbers.windows(2).find(|pair| pair[0] >= pair[1]) {
            return Some(format!(
                "visitor {visitor} was given number {} after number {}",
                pair[1], pair[0]
            ));
        }
    }
    None
}

/// A number must be one of those of a reply, and the reply must have been there before the answer was.
fn early(visitors: &[Vec<Outcome>], record: &Record) -> Option<String> {
    let counts = record.counts.iter();
    let counts = counts.filter_map(|count| Some((count.numbers.as_ref()?.start, count)));
    let counts: BTreeMap<u64, &Count> = counts.collect();
    for outcome in visitors.iter().flatten() {
        let Outcome::Number(number, answered) = *outcome else {
            continue;
        };
        let count = counts.range(..=number).next_back().map(|(_, count)| count);
        let is_counted =
            |count: &&&Count| count.numbers.iter().any(|range| range.contains(&number));
        let Some(count) = count.filter(is_counted) else {
            return Some(format!(
                "number {number} was given, which Redis never counted"
            ));
        };
        match count.replied {
            None => {
                return Some(format!(
                    "number {number} was given without Redis's reply to the command that counted it"
                ));
            }
            Some(replied) if answered < replied => {
                return Some(format!("number {number} was given before Redis replied"));
            }
            Some(_) => {}
        }
    }
    None
}

/// Every number that was counted, or that Redis was asked to count, is of a visit of its own.
fn skipped(visitors: &[Vec<Outcome>], record: &Record, count: u64) -> Option<String> {
    let outcomes: usize = visitors.iter().map(Vec::len).sum();
    let outcomes = outcomes as u64;
    let given = visitors.iter().flat_map(|visitor| numbers(visitor));
    let given = given.count() as u64;
    let unhappy = outcomes - given;
    let asked: u64 = record.counts.iter().map(|count| count.size).sum();
    if asked > outcomes {
        return Some(format!(
            "Redis was asked to count {asked} visits when there were {outcomes}: a command whose fate is \
             unknown was sent again"
        ));
    }
    if !ledger::acceptable_counts(0, given, unhappy).contains(&count) {
        return Some(format!(
            "Redis counted {count} visits, of which {given} were given a number; but only {unhappy} were \
             refused or left, so that numbers were skipped for nobody"
        ));
    }
    None
}
