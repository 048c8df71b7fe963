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
