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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_flaw_is_named() {
        assert_eq!(flaw(&[3, 1, 2], 1), None);
        assert_eq!(flaw(&[], 7), None);
        assert_eq!(
            flaw(&[1, 2, 2, 9], 1).unwrap(),
            "of the numbers 1 to 4: 1 given twice (2), 2 missing (3, 4), 1 out of range (9)"
        );
        assert_eq!(
            flaw(&[1, 3], 1).unwrap(),
            "of the numbers 1 to 2: 1 missing (2), 1 out of range (3)"
        );
    }

    #[test]
    fn a_visit_without_an_answer_may_have_counted() {
        assert_eq!(acceptable_counts(10, 5, 2), 15..=17);
        assert_eq!(duplicates(&[4, 1, 4, 4]), [4, 4]);
        assert_eq!(gaps(&[4, 1], 1..6), [2, 3, 5]);
    }
}
