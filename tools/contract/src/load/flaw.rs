//! Numbers that were given, compared with those that should have been.

/// What is wrong with numbers that must be exactly those from `first` on, in any order.
pub(crate) fn flaw(numbers: &[u64], first: u64) -> Option<String> {
    let mut sorted = numbers.to_vec();
    sorted.sort_unstable();
    let twice: Vec<u64> = sorted
        .windows(2)
        .filter(|pair| pair[0] == pair[1])
        .map(|pair| pair[0])
        .collect();
    let last = first + numbers.len() as u64 - 1;
    let missing: Vec<u64> = (first..=last)
        .filter(|number| sorted.binary_search(number).is_err())
        .collect();
    let strange: Vec<u64> = sorted
        .iter()
        .copied()
        .filter(|number| !(first..=last).contains(number))
        .collect();
    if twice.is_empty() && missing.is_empty() && strange.is_empty() {
        return None;
    }
    let list = |name: &str, numbers: &[u64]| {
        let some: Vec<String> = numbers.iter().take(5).map(u64::to_string).collect();
        let dots = if numbers.len() > 5 { ", …" } else { "" };
        format!("{} {name} ({}{dots})", numbers.len(), some.join(", "))
    };
    let kinds = [
        ("given twice", twice),
        ("missing", missing),
        ("out of range", strange),
    ];
    let kinds = kinds
        .iter()
        .filter(|(_, numbers)| !numbers.is_empty())
        .map(|(name, numbers)| list(name, numbers));
    Some(format!(
        "of the numbers {first} to {last}: {}",
        kinds.collect::<Vec<_>>().join(", ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_flaw_is_named() {
        assert_eq!(flaw(&[3, 1, 2], 1), None);
        assert_eq!(
            flaw(&[1, 2, 2, 9], 1).unwrap(),
            "of the numbers 1 to 4: 1 given twice (2), 2 missing (3, 4), 1 out of range (9)"
        );
        assert_eq!(
            flaw(&[1, 3], 1).unwrap(),
            "of the numbers 1 to 2: 1 missing (2), 1 out of range (3)"
        );
    }
}
