//! What visitors saw, compared with what went over the wire.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap, HashMap},
    iter,
    time::{Duration, Instant},
};

use fault_proxy::{Count, Record};
use load::ledger;

/// A visit, and what became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Visit {
    /// Before the first byte of it was sent.
    pub asked: Instant,
    /// When the answer was there, or the visitor left.
    pub ended: Instant,
    pub outcome: Outcome,
}

/// What became of a visit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was answered with this number.
    Number(u64),
    /// It was refused.
    Refused,
    /// The visitor left before there was an answer.
    Left,
}

/// The first promise that was broken, and by what.
pub fn broken_promise(visitors: &[Vec<Visit>], record: &Record, count: u64) -> Option<String> {
    twice(visitors)
        .or_else(|| falling(visitors))
        .or_else(|| early(visitors, record))
        .or_else(|| skipped(visitors, record, count))
        .or_else(|| sent_again(visitors, record))
}

fn numbers(visitor: &[Visit]) -> impl Iterator<Item = u64> {
    visitor.iter().filter_map(|visit| match visit.outcome {
        Outcome::Number(number) => Some(number),
        Outcome::Refused | Outcome::Left => None,
    })
}

fn twice(visitors: &[Vec<Visit>]) -> Option<String> {
    let mut first = HashMap::new();
    for (visitor, visits) in visitors.iter().enumerate() {
        for number in numbers(visits) {
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
fn falling(visitors: &[Vec<Visit>]) -> Option<String> {
    for (visitor, visits) in visitors.iter().enumerate() {
        let numbers: Vec<u64> = numbers(visits).collect();
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
fn early(visitors: &[Vec<Visit>], record: &Record) -> Option<String> {
    let counts = record.counts.iter();
    let counts = counts.filter_map(|count| Some((count.numbers.as_ref()?.start, count)));
    let counts: BTreeMap<u64, &Count> = counts.collect();
    for visit in visitors.iter().flatten() {
        let Outcome::Number(number) = visit.outcome else {
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
            Some(replied) if visit.ended < replied => {
                return Some(format!("number {number} was given before Redis replied"));
            }
            Some(_) => {}
        }
    }
    None
}

/// Every number that was counted, or that Redis was asked to count, is of a visit of its own.
fn skipped(visitors: &[Vec<Visit>], record: &Record, count: u64) -> Option<String> {
    let visits: usize = visitors.iter().map(Vec::len).sum();
    let visits = visits as u64;
    let given = visitors.iter().flat_map(|visitor| numbers(visitor));
    let given = given.count() as u64;
    let unhappy = visits - given;
    let asked: u64 = record.counts.iter().map(|count| count.size).sum();
    if asked > visits {
        return Some(format!(
            "Redis was asked to count {asked} visits when there were {visits}: a command whose fate is \
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

/// How long after it was asked a visit may be counted whose visitor has left. Our steps wait for 800 ms, and
/// read what was asked late on a busy machine.
const COUNTED_WITHIN: Duration = Duration::from_secs(2);

/// How much later than the service sends a command the wire may note it, on a busy machine.
const NOTED_WITHIN: Duration = Duration::from_millis(300);

/// The visits of a command whose reply was lost are refused, or their visitors have left. Which visits these
/// were, nobody says: but they were asked before the command came, they were not over by then, and no other
/// command counted them.
fn sent_again(visitors: &[Vec<Visit>], record: &Record) -> Option<String> {
    let mut visits: Vec<(Instant, Instant)> = visitors
        .iter()
        .flatten()
        .filter_map(|visit| match visit.outcome {
            Outcome::Number(_) => None,
            Outcome::Refused => Some((visit.asked, visit.ended + NOTED_WITHIN)),
            Outcome::Left => Some((visit.asked, visit.asked + COUNTED_WITHIN)),
        })
        .collect();
    visits.sort_unstable();
    let mut visits = visits.into_iter().peekable();
    let unanswered = record.counts.iter().filter(|count| count.replied.is_none());
    let mut unanswered: Vec<&Count> = unanswered.collect();
    unanswered.sort_unstable_by_key(|count| count.came);
    // If any choice leaves enough visits for each command, this one does: who has the least time left goes
    // first (Glover's rule for intervals).
    let mut open = BinaryHeap::new();
    for count in unanswered {
        while let Some((_, until)) = visits.next_if(|(asked, _)| *asked <= count.came) {
            open.push(Reverse(until));
        }
        while open
            .peek()
            .is_some_and(|Reverse(until)| *until < count.came)
        {
            open.pop();
        }
        let found = iter::from_fn(|| open.pop()).take(count.size as usize);
        let found = found.count() as u64;
        if found < count.size {
            return Some(format!(
                "the reply to a command that counted {} visits was lost, and only {found} of the visits under \
                 way were refused or left: the others were counted again, so that command was sent again",
                count.size
            ));
        }
    }
    None
}
