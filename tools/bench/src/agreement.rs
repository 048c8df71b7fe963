//! Whether two runs say the same.
//!
//! A run prints how much one contestant differs from itself inside of it, and each contestant's
//! lowest and highest round. What is printed must hold for the next run, too, or it is decoration. So
//! run twice and compare: a contestant whose two medians are further apart than either run admits has
//! been measured less well than its table says.

use crate::results::{Load, Results};
use crate::statistics::Spread;
use crate::summary::{Group, summarise};

/// The contestants of two runs under the same closed loop.
#[derive(Clone, Debug, PartialEq)]
pub struct Agreement {
    /// How many connections.
    pub connections: u32,
    /// The noise that the two runs print, as factors; the larger one counts.
    pub noise: [f64; 2],
    /// The contestants that have rounds that count in both.
    pub rows: Vec<Row>,
}

/// One contestant in two runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Its name.
    pub name: String,
    /// Responses a second in the rounds of each run.
    pub per_second: [Spread; 2],
    /// What to make of the difference.
    pub verdict: Verdict,
}

/// What to make of the difference between two medians.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is no larger than the printed noise.
    Noise,
    /// It is larger than the noise, but no larger than the contestant's own rounds differ in one of
    /// the runs: this contestant is less steady than the one that the noise is taken from.
    Rounds,
    /// It is larger than anything the two runs admit.
    Differs,
}

impl Row {
    /// The second median ÷ the first.
    pub fn ratio(&self) -> f64 {
        self.per_second[1].median / self.per_second[0].median
    }

    /// Whether both runs can be right.
    pub fn agrees(&self) -> bool {
        self.verdict != Verdict::Differs
    }
}

/// Compares the capacities in two runs, at every number of connections that both have. Latencies at a
/// fixed rate are left out: where the rate was a percentage, it was another one.
pub fn compare(first: &Results, second: &Results) -> Vec<Agreement> {
    let capacities = |results| {
        let groups = summarise(results).into_iter();
        groups.filter(|group| group.load == Load::Capacity)
    };
    let seconds: Vec<Group> = capacities(second).collect();
    capacities(first)
        .filter_map(|first| {
            let mut seconds = seconds.iter();
            let second = seconds.find(|second| second.connections == first.connections)?;
            Some(agreement(&first, second))
        })
        .filter(|agreement| !agreement.rows.is_empty())
        .collect()
}

fn agreement(first: &Group, second: &Group) -> Agreement {
    // A run without noise admits none.
    let noise = [first, second].map(|group| group.noise.as_ref().map_or(1.0, |(_, noise)| *noise));
    let rows = first.rows.iter().filter_map(|row| {
        let again = second.rows.iter().find(|again| again.name == row.name)?;
        let per_second = [row.per_second?, again.per_second?];
        Some(Row {
            name: row.name.clone(),
            per_second,
            verdict: verdict(per_second, noise),
        })
    });
    Agreement {
        connections: first.connections,
        noise,
        rows: rows.collect(),
    }
}

fn verdict(per_second: [Spread; 2], noise: [f64; 2]) -> Verdict {
    let [first, second] = per_second.map(|spread| spread.median);
    let difference = (second / first).max(first / second);
    let within = |factors: [f64; 2]| difference <= factors[0].max(factors[1]);
    if within(noise) {
        Verdict::Noise
    } else if within(per_second.map(|spread| spread.max / spread.min)) {
        Verdict::Rounds
    } else {
        Verdict::Differs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spread(min: f64, median: f64, max: f64) -> Spread {
        Spread { median, min, max }
    }

    #[test]
    fn a_difference_is_judged_by_what_the_runs_admit() {
        let steady = [spread(99.0, 100.0, 101.0), spread(109.0, 110.0, 111.0)];
        let unsteady = [spread(99.0, 100.0, 101.0), spread(90.0, 110.0, 111.0)];
        let cases = [
            (steady, [1.11, 1.0], Verdict::Noise),
            (steady, [1.0, 1.11], Verdict::Noise),
            (steady, [1.09, 1.09], Verdict::Differs),
            (unsteady, [1.09, 1.09], Verdict::Rounds),
        ];
        for (mut per_second, noise, expected) in cases {
            assert_eq!(verdict(per_second, noise), expected, "{noise:?}");
            per_second.reverse();
            assert_eq!(verdict(per_second, noise), expected, "{noise:?}, reversed");
        }
    }
}
