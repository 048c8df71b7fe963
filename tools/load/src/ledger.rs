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

/// What is wrong with numbers that must be exactly those from `first` on, in any order.
pub fn flaw(numbers: &[u64], first: u64) -> Option<String> {
    let range = first..first + numbers.len() as u64;
    let mut strange: Vec<u64> = numbers.to_vec();
    strange.retain(|number| !range.contains(number));
    strange.sort_unstable();
    let kinds = [
        ("given twice", duplicates(numbers)),
        ("missing", gaps(numbers, range.clone())),
        ("out of range", strange),
    ];
    let list = |(name, numbers): &(&str, Vec<u64>)| {
        let some: Vec<String> = numbers.iter().take(5).map(u64::to_string).collect();
        let dots = if numbers.len() > 5 { ", …" } else { "" };
        format!("{} {name} ({}{dots})", numbers.len(), some.join(", "))
    };
    let kinds: Vec<String> = kinds
        .iter()
        .filter(|(_, numbers)| !numbers.is_empty())
        .map(list)
        .collect();
    (!kinds.is_empty()).then(|| {
        let last = range.end - 1;
        format!("of the numbers {first} to {last}: {}", kinds.join(", "))
    })
}
