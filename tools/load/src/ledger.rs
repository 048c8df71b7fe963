//! Numbers that were given, compared with those that should have been.

use std::{
    collections::HashSet,
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
    /// In their order, with gaps between them. A tree would take and free a node for every few numbers, each
    /// in the thread of another visitor, and allocators keep what a thread frees for that thread.
    ranges: Vec<Range<u64>>,
    /// How many numbers were given, those that were given again among them.
    pub given: u64,
    /// How many were given again.
    pub duplicates: u64,
}

impl Ledger {
    /// Notes a number, and says whether it is new.
    pub fn note(&mut self, number: u64) -> bool {
        self.given += 1;
        let next = self.begun_by(number);
        let (before, after) = self.ranges.split_at_mut(next);
        match (before.last_mut(), after.first_mut()) {
            (Some(before), _) if number < before.end => {
                self.duplicates += 1;
                return false;
            }
            (Some(before), Some(after)) if before.end == number && number + 1 == after.start => {
                before.end = after.end;
                self.ranges.remove(next);
            }
            (Some(before), _) if before.end == number => before.end += 1,
            (_, Some(after)) if number + 1 == after.start => after.start = number,
            _ => self.ranges.insert(next, number..number + 1),
        }
        true
    }

    /// The highest number that was given.
    pub fn highest(&self) -> Option<u64> {
        self.ranges.last().map(|range| range.end - 1)
    }

    /// How many numbers between the lowest and the highest were not given.
    pub fn gaps(&self) -> u64 {
        self.highest().map_or(0, |highest| self.gaps_up_to(highest))
    }

    /// How many numbers from the lowest up to this one were not given.
    pub fn gaps_up_to(&self, highest: u64) -> u64 {
        let ranges = &self.ranges[..self.begun_by(highest)];
        let between = ranges.windows(2).map(|pair| pair[1].start - pair[0].end);
        let after = ranges
            .last()
            .map(|last| (highest + 1).saturating_sub(last.end));
        between.sum::<u64>() + after.unwrap_or(0)
    }

    /// How many ranges begin with this number or a lower one.
    fn begun_by(&self, number: u64) -> usize {
        self.ranges.partition_point(|range| range.start <= number)
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

#[cfg(test)]
mod tests {
    use fastrand::Rng;

    use super::*;

    #[test]
    fn an_hour_of_numbers_takes_no_more_room_than_a_minute() {
        const VISITORS: usize = 1000;
        let (mut ledger, mut random) = (Ledger::default(), Rng::with_seed(1));
        let mut numbers: Vec<u64> = (1..100_000).collect();
        for at_once in numbers.chunks_mut(VISITORS) {
            random.shuffle(at_once);
            at_once
                .iter()
                .for_each(|number| assert!(ledger.note(*number)));
        }
        let (ranges, room) = (ledger.ranges.len(), ledger.ranges.capacity());
        assert!(
            ranges == 1 && room <= VISITORS,
            "{ranges} ranges, room for {room}"
        );
    }
}
