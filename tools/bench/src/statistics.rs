//! The little arithmetic between the rounds and a table.
//!
//! The rounds of a run are few and their distribution is unknown, so there are no means, no
//! standard deviations and no tests of significance: only what lay in the middle, what lay at the
//! edges, and how much the same program differed from itself.

use std::collections::BTreeMap;

/// Values of one figure by the number of the round in which they were seen.
pub(crate) type Series = BTreeMap<u32, f64>;

/// The middle and the edges of a few values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// The value in the middle, or the mean of the two in the middle.
    pub median: f64,
    /// The smallest.
    pub min: f64,
    /// The largest.
    pub max: f64,
}

/// The median, the smallest and the largest value. `None` when there are no values.
pub(crate) fn spread(values: impl IntoIterator<Item = f64>) -> Option<Spread> {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    let (&min, &max) = (values.first()?, values.last()?);
    let middle = values.len() / 2;
    let median = if values.len().is_multiple_of(2) {
        f64::midpoint(values[middle - 1], values[middle])
    } else {
        values[middle]
    };
    Some(Spread { median, min, max })
}

/// How many times `base` a figure is, round by round. Two contestants in the same round ran
/// minutes apart at most, so that a machine that grows slower over time slows both.
/// `None` when they have no round in common.
pub(crate) fn ratio(values: &Series, base: &Series) -> Option<Spread> {
    spread(
        values
            .iter()
            .filter_map(|(round, value)| Some(value / base.get(round)?)),
    )
}

/// The noise that a contestant shows against itself, as a factor of at least 1: the largest
/// difference in any round, in either direction. `None` when no round can be compared.
pub(crate) fn noise(once: &Series, again: &Series) -> Option<f64> {
    let ratio = ratio(again, once)?;
    Some(ratio.max.max(1.0 / ratio.min))
}

/// Whether a ratio tells nothing: it is no further from 1 than the noise, or its own rounds do not
/// agree on which of the two is larger.
pub(crate) fn is_noise(ratio: Spread, noise: f64) -> bool {
    // The repetition's own ratio lies exactly on the edge, but for the last digit of a float.
    let edge = noise * (1.0 + 1e-9);
    let inside = ratio.median <= edge && ratio.median >= 1.0 / edge;
    let straddles = ratio.min < 1.0 && ratio.max > 1.0;
    inside || straddles
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn series() -> impl Strategy<Value = Series> {
        prop::collection::btree_map(1..8_u32, 0.001..1e6_f64, 1..8)
    }

    fn close(left: f64, right: f64) -> bool {
        (left / right - 1.0).abs() < 1e-9
    }

    proptest! {
        #[test]
        fn the_median_lies_in_the_middle(values in prop::collection::vec(0.0..1e9_f64, 1..40)) {
            let spread = spread(values.iter().copied()).unwrap();
            let below = values.iter().filter(|value| **value < spread.median).count();
            let above = values.iter().filter(|value| **value > spread.median).count();
            prop_assert!(below * 2 <= values.len() && above * 2 <= values.len());
            prop_assert!(spread.min <= spread.median && spread.median <= spread.max);
            prop_assert!(values.contains(&spread.min) && values.contains(&spread.max));
        }

        #[test]
        fn the_order_of_values_does_not_matter(mut values in prop::collection::vec(0.0..1e9_f64, 1..40)) {
            let forwards = spread(values.iter().copied());
            values.reverse();
            prop_assert_eq!(forwards, spread(values));
        }

        #[test]
        fn a_ratio_scales_with_its_values(values in series(), base in series(), factor in 0.1..10.0_f64) {
            let scaled: Series = values.iter().map(|(round, value)| (*round, value * factor)).collect();
            match (ratio(&values, &base), ratio(&scaled, &base)) {
                (Some(plain), Some(scaled)) => {
                    prop_assert!(close(plain.median * factor, scaled.median));
                    prop_assert!(close(plain.min * factor, scaled.min));
                    prop_assert!(close(plain.max * factor, scaled.max));
                }
                (None, None) => prop_assert!(values.keys().all(|round| !base.contains_key(round))),
                _ => prop_assert!(false, "scaling decides whether there is a ratio"),
            }
        }

        #[test]
        fn the_edges_of_a_ratio_swap_when_its_sides_do(values in series(), base in series()) {
            if let (Some(there), Some(back)) = (ratio(&values, &base), ratio(&base, &values)) {
                prop_assert!(close(there.min, 1.0 / back.max) && close(there.max, 1.0 / back.min));
            }
        }

        #[test]
        fn noise_is_the_same_in_both_directions_and_covers_every_round(once in series(), again in series()) {
            if let Some(noise) = noise(&once, &again) {
                prop_assert!(noise >= 1.0);
                prop_assert!(close(noise, super::noise(&again, &once).unwrap()));
                for (round, value) in &again {
                    let Some(other) = once.get(round) else { continue };
                    prop_assert!(value / other <= noise * 1.000_001 && other / value <= noise * 1.000_001);
                }
            }
        }

        #[test]
        fn a_contestant_never_differs_from_itself(values in series()) {
            let same = ratio(&values, &values).unwrap();
            prop_assert_eq!(same, Spread { median: 1.0, min: 1.0, max: 1.0 });
            prop_assert_eq!(noise(&values, &values), Some(1.0));
            prop_assert!(is_noise(same, 1.0));
        }

        #[test]
        fn more_noise_hides_more(values in series(), base in series(), noise in 1.0..2.0_f64) {
            if let Some(ratio) = ratio(&values, &base) {
                prop_assert!(!is_noise(ratio, noise) || is_noise(ratio, noise * 1.5));
            }
        }
    }

    #[test]
    fn the_repetition_itself_is_always_noise() {
        for (once, again) in [(51_262.0, 50_130.0), (3.0, 7.0), (0.1, 0.3)] {
            let (once, again) = (Series::from([(1, once)]), Series::from([(1, again)]));
            let noise = noise(&once, &again).unwrap();
            assert!(is_noise(ratio(&again, &once).unwrap(), noise), "{again:?}");
        }
    }

    #[test]
    fn two_values_share_the_middle() {
        let median = |values: &[f64]| spread(values.iter().copied()).unwrap().median;
        assert_eq!(median(&[4.0, 1.0]), 2.5);
        assert_eq!(median(&[4.0, 1.0, 2.0, 8.0]), 3.0);
        assert_eq!(median(&[4.0, 1.0, 2.0]), 2.0);
    }

    #[test]
    fn no_values_have_no_middle() {
        assert_eq!(spread([]), None);
        assert_eq!(
            ratio(&Series::from([(1, 2.0)]), &Series::from([(2, 2.0)])),
            None
        );
    }

    #[test]
    fn a_ratio_outside_the_noise_is_a_difference_unless_its_rounds_disagree() {
        let ratio = |median, min, max| Spread { median, min, max };
        assert!(is_noise(ratio(1.04, 1.02, 1.06), 1.05));
        assert!(is_noise(ratio(0.96, 0.95, 0.97), 1.05));
        assert!(!is_noise(ratio(1.06, 1.02, 1.08), 1.05));
        assert!(!is_noise(ratio(0.90, 0.88, 0.93), 1.05));
        assert!(is_noise(ratio(1.30, 0.90, 1.50), 1.05));
    }
}
