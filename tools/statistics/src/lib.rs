//! The little arithmetic between the rounds and a table.
//!
//! The rounds of a run are few and their distribution is unknown. So there are no means, no standard
//! deviations and no tests of significance: only what lay in the middle, and an interval that holds
//! the true middle in 95 of 100 runs. It is a percentile bootstrap: draw as many values as there are
//! from those that there are, take the middle, and do that often; 95 % of what comes out lies inside.

use std::collections::BTreeMap;

use fastrand::Rng;

/// Values of one figure by the number of the round in which they were seen.
pub type Series = BTreeMap<u32, f64>;

/// Even the lowest and the highest of fewer values than these hold the true median too seldom.
const VALUES_MIN: usize = 5;

/// How often values are drawn anew.
const RESAMPLES: usize = 1000;

/// What lies outside of the interval on each side, of [`RESAMPLES`]: 2.5 %.
const TAIL: usize = RESAMPLES / 40;

/// Always the same, so that a stored run always has the same intervals.
const SEED: u64 = 1;

/// What a figure is, and how well that is known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The median of the rounds.
    pub median: f64,
    /// The 95 % interval of the median. `None` when there are too few rounds to tell.
    pub interval: Option<[f64; 2]>,
}

impl Estimate {
    /// What follows from it, where that only ever grows with it, or only ever shrinks.
    pub fn map(self, of: impl Fn(f64) -> f64) -> Estimate {
        let ends = self.interval.map(|ends| {
            let [one, other] = ends.map(&of);
            [one.min(other), one.max(other)]
        });
        Estimate {
            median: of(self.median),
            interval: ends,
        }
    }

    /// The lower and the upper end of the interval, or twice the median where there is none.
    pub fn ends(&self) -> [f64; 2] {
        self.interval.unwrap_or([self.median; 2])
    }

    /// Whether the true value may be this one. `None` when nobody can tell.
    pub fn holds(&self, value: f64) -> Option<bool> {
        let [low, high] = self.interval?;
        Some((low..=high).contains(&value))
    }

    /// How wide the interval is, as a share of the median.
    pub fn width(&self) -> Option<f64> {
        let [low, high] = self.interval?;
        Some((high - low) / self.median)
    }

    /// Whether two intervals have no value in common. `None` when nobody can tell.
    pub fn is_apart_from(&self, other: &Estimate) -> Option<bool> {
        let ([low, high], [other_low, other_high]) = (self.interval?, other.interval?);
        Some(high < other_low || other_high < low)
    }
}

/// The median with its interval. `None` when there are no values.
pub fn estimate(values: impl IntoIterator<Item = f64>) -> Option<Estimate> {
    estimate_of(values.into_iter().collect())
}

/// The same. Without a type of the caller's it is compiled in this crate, which is optimised in any profile.
fn estimate_of(mut values: Vec<f64>) -> Option<Estimate> {
    let count = values.len();
    if count == 0 {
        return None;
    }
    let interval = (count >= VALUES_MIN).then(|| {
        let mut rng = Rng::with_seed(SEED);
        let mut drawn = vec![0.0; count];
        let mut medians: Vec<f64> = (0..RESAMPLES)
            .map(|_| {
                drawn.fill_with(|| values[rng.usize(..count)]);
                median(&mut drawn)
            })
            .collect();
        medians.sort_by(f64::total_cmp);
        [medians[TAIL], medians[RESAMPLES - 1 - TAIL]]
    });
    let median = median(&mut values);
    Some(Estimate { median, interval })
}

/// The value in the middle, or the mean of the two in the middle.
fn median(values: &mut [f64]) -> f64 {
    let count = values.len();
    let (below, &mut middle, _) = values.select_nth_unstable_by(count / 2, f64::total_cmp);
    match below.iter().copied().max_by(f64::total_cmp) {
        Some(below) if count.is_multiple_of(2) => f64::midpoint(below, middle),
        _ => middle,
    }
}

/// How many times `base` a figure is, round by round. Two contestants in the same round ran moments
/// apart, so that a machine that grows slower over time slows both. `None` when they have no round in
/// common.
pub fn ratio(values: &Series, base: &Series) -> Option<Estimate> {
    let base = |round| base.get(round).filter(|base| **base > 0.0);
    let values = values.iter();
    estimate(values.filter_map(|(round, value)| Some(value / base(round)?)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::{
        ProptestConfig, Strategy, prop, prop_assert, prop_assert_eq, proptest,
    };

    fn series() -> impl Strategy<Value = Series> {
        prop::collection::btree_map(1..30_u32, 0.001..1e6_f64, 1..20)
    }

    fn close(left: f64, right: f64) -> bool {
        (left / right - 1.0).abs() < 1e-9
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn the_interval_lies_around_the_median_and_inside_of_the_values(
            mut values in prop::collection::vec(0.0..1e9_f64, 1..40)
        ) {
            let estimate = super::estimate(values.iter().copied()).unwrap();
            values.sort_by(f64::total_cmp);
            if let Some([low, high]) = estimate.interval {
                prop_assert!(values[0] <= low && high <= *values.last().unwrap());
                prop_assert!(estimate.holds(estimate.median).unwrap());
            } else {
                prop_assert!(values.len() < VALUES_MIN);
            }
        }

        #[test]
        fn a_ratio_scales_with_its_values(values in series(), base in series(), factor in 0.1..10.0_f64) {
            let scaled = values.iter().map(|(round, value)| (*round, value * factor)).collect();
            if let (Some(plain), Some(scaled)) = (ratio(&values, &base), ratio(&scaled, &base)) {
                prop_assert!(close(plain.median * factor, scaled.median));
                let edges = plain.interval.into_iter().flatten().zip(scaled.interval.into_iter().flatten());
                for (plain, scaled) in edges {
                    prop_assert!(close(plain * factor, scaled));
                }
            }
        }

        #[test]
        fn a_contestant_never_differs_from_itself(values in series()) {
            let same = ratio(&values, &values).unwrap();
            prop_assert_eq!(same.median, 1.0);
            prop_assert!(same.interval.is_none_or(|interval| interval == [1.0, 1.0]));
        }
    }

    #[test]
    fn the_interval_of_known_values_is_known() {
        // The median of five draws from five values is one of the outer two in 5.8 % of cases each.
        let five = estimate([3.0, 1.0, 5.0, 2.0, 4.0]).unwrap();
        assert_eq!((five.median, five.interval), (3.0, Some([1.0, 5.0])));
        // By the binomial distribution, the interval of 100 values ends near the 40th and the 61st.
        let [low, high] = estimate((1..=100).map(f64::from))
            .unwrap()
            .interval
            .unwrap();
        assert!((39.0..=43.0).contains(&low), "{low}");
        assert!((58.0..=62.0).contains(&high), "{high}");
        assert_eq!(estimate([4.0, 1.0, 2.0, 8.0]).unwrap().interval, None);
        assert_eq!(estimate([]), None);
    }

    /// The ratios of one run: `true_ratio`, with noise that is seldom small and often one-sided, and
    /// with a drift of the machine that both sides of a ratio share.
    fn synthetic(rng: &mut Rng, rounds: u32, true_ratio: f64) -> Estimate {
        let mut slow = |drift: f64| 1e5 * drift * (1.0 - 0.03 * rng.f64() * rng.f64());
        let rounds = 1..=rounds;
        let (mut values, mut base) = (Series::new(), Series::new());
        for round in rounds {
            let drift = 1.0 + f64::from(round % 7) / 10.0;
            base.insert(round, slow(drift));
            values.insert(round, slow(drift) * true_ratio);
        }
        ratio(&values, &base).unwrap()
    }

    #[test]
    fn the_interval_holds_the_truth_in_19_of_20_runs() {
        let mut rng = Rng::with_seed(42);
        for rounds in [5, 10, 24] {
            let runs = (0..200).map(|_| synthetic(&mut rng, rounds, 0.71));
            let hits = runs.filter(|run| run.holds(0.71).unwrap()).count();
            assert!(
                (180..=198).contains(&hits),
                "{hits} of 200, {rounds} rounds"
            );
        }
    }

    #[test]
    fn three_percent_are_told_apart() {
        let mut rng = Rng::with_seed(43);
        let found = |rng: &mut Rng, ratio| {
            let runs = (0..50).map(|_| synthetic(rng, 24, ratio));
            runs.filter(|run| run.holds(1.0) == Some(false)).count()
        };
        assert_eq!(found(&mut rng, 0.97), 50);
        assert!(found(&mut rng, 1.0) <= 5, "A/A differs too often");
    }

    #[test]
    fn what_follows_from_an_estimate_has_its_interval() {
        let half = Estimate {
            median: 4.0,
            interval: Some([2.0, 8.0]),
        };
        let inverse = half.map(|value| 16.0 / value);
        assert_eq!((inverse.median, inverse.interval), (4.0, Some([2.0, 8.0])));
        assert_eq!(half.map(|value| -value).ends(), [-8.0, -2.0]);
        let one = estimate([3.0]).unwrap();
        assert_eq!(one.map(f64::sqrt).interval, None);
        assert_eq!(one.ends(), [3.0, 3.0]);
    }

    #[test]
    fn intervals_are_apart_when_they_share_no_value() {
        let estimate = |low: f64, high: f64| Estimate {
            median: f64::midpoint(low, high),
            interval: Some([low, high]),
        };
        let middle = estimate(1.0, 1.2);
        for (other, expected) in [((0.9, 1.0), false), ((0.8, 0.9), true), ((1.3, 1.4), true)] {
            let other = estimate(other.0, other.1);
            assert_eq!(middle.is_apart_from(&other), Some(expected), "{other:?}");
        }
        let unknown = Estimate {
            median: 9.0,
            interval: None,
        };
        assert_eq!(middle.is_apart_from(&unknown), None);
        assert!((middle.width().unwrap() - 0.2 / 1.1).abs() < 1e-9);
    }
}
