//! Numbers that were given, compared with those that should have been.

use std::{
    collections::{BTreeMap, HashSet},
    ops::{Range, RangeInclusive},
};

/// The numbers that were given more than once, each as often as it was given again, the lowest first.
pub fn duplicates(numbers: &[u64]) -> Vec<u64> {
    let mut given = HashSet::with_capacity(numbers.len());
    let again = numbers.iter().filter(|number| !given.insert(**number));
    let mut again: Vec<u64> = again.copied().collect();
    again.sort_unstable();
    again
}

/// The numbers in a range that were not given.
pub fn gaps(numbers: &[u64], range: Range<u64>) -> Vec<u64> {
    let given: HashSet<&u64> = numbers.iter().collect();
    range.filter(|number| !given.contains(number)).collect()
}

/// The numbers that were given so far, for as long as it takes: numbers in a row are kept as a range, so an
/// hour of them takes no more room than a minute.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    /// The first number of each range, and the one after its last.
    ranges: BTreeMap<u64, u64>,
    /// How many numbers were given, those that were given again among them.
    pub given: u64,
    /// How many were given again.
    pub duplicates: u64,
}

impl Ledger {
    /// Notes a number, and says whether it is new.
    pub fn note(&mut self, number: u64) -> bool {
        self.given += 1;
        let before = self.ranges.range(..=number).next_back();
        let before = before.map(|(&start, &end)| (start, end));
        if before.is_some_and(|(_, end)| number < end) {
            self.duplicates += 1;
            return false;
        }
        let start = match before {
            Some((start, end)) if end == number => start,
            _ => number,
        };
        let end = self.ranges.remove(&(number + 1)).unwrap_or(number + 1);
        self.ranges.insert(start, end);
        true
    }

    /// The highest number that was given.
    pub fn highest(&self) -> Option<u64> {
        self.ranges.values().next_back().map(|end| end - 1)
    }

    /// How many numbers between the lowest and the highest were not given.
    pub fn gaps(&self) -> u64 {
        self.highest().map_or(0, |highest| self.gaps_up_to(highest))
    }

    /// How many numbers from the lowest up to this one were not given.
    pub fn gaps_up_to(&self, highest: u64) -> u64 {
        let mut ranges = self.ranges.range(..=highest);
        let Some((_, &first)) = ranges.next() else {
            return 0;
        };
        let gap =
            |(end, gaps): (u64, u64), (&start, &next): (&u64, &u64)| (next, gaps + start - end);
        let (end, gaps) = ranges.fold((first, 0), gap);
        gaps + (highest + 1).saturating_sub(end)
    }
}

/// What a counter that stood at `start` may say after visits of which so many were acknowledged with a
/// number and so many had another end: whoever was refused or got no answer may have been counted.
pub fn acceptable_counts(start: u64, acknowledged: u64, unknown: u64) -> RangeInclusive<u64> {
    start + acknowledged..=start + acknowledged + unknown
}

/// What is wrong with numbers that must be exactly those from `first` on, in any order; but a visit that
/// was refused may have been counted.
pub fn flaw(numbers: &[u64], first: u64, refused: usize) -> Option<String> {
    let range = first..first + (numbers.len() + refused) as u64;
    let (inside, mut outside): (Vec<u64>, Vec<u64>) =
        numbers.iter().partition(|number| range.contains(number));
    outside.sort_unstable();
    let mut missing = gaps(&inside, range.clone());
    if missing.len() <= refused {
        missing.clear();
    }
    let kinds = [
        ("given twice", duplicates(numbers)),
        ("missing", missing),
        ("out of range", outside),
    ];
    let kinds = kinds.iter().filter(|(_, numbers)| !numbers.is_empty());
    let kinds: Vec<String> = kinds
        .map(|(name, numbers)| {
            let some: Vec<String> = numbers.iter().take(5).map(u64::to_string).collect();
            let dots = if numbers.len() > 5 { ", …" } else { "" };
            format!("{} {name} ({}{dots})", numbers.len(), some.join(", "))
        })
        .collect();
    (!kinds.is_empty()).then(|| {
        let last = range.end - 1;
        format!("of the numbers {first} to {last}: {}", kinds.join(", "))
    })
}
