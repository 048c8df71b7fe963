//! Condenses the rounds of a run into one row for each contestant. Everything that is drawn or
//! printed comes from here, and everything in here comes from the stored results alone.

use std::collections::BTreeMap;

use crate::metrics::{METRICS, Metric};
use crate::results::{Entry, Figures, Load, Results, Round};
use statistics::{Estimate, Series, estimate, ratio};

/// The metrics that are compared with those of the reference.
const RATIOS: [&str; 3] = ["requests", "p99", "cpu-us"];

/// All measurements with the same number of connections and the same kind of load: a table.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// How many connections.
    pub connections: u32,
    /// Which kind of load.
    pub load: Load,
    /// What made the load: `wrk` or `builtin`.
    pub engine: String,
    /// How many rounds were begun.
    pub rounds: u32,
    /// The contestant that the others are compared with. It takes part twice.
    pub reference: Option<String>,
    /// The contestants.
    pub rows: Vec<Row>,
}

/// What a contestant showed in the rounds that count.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Its name.
    pub name: String,
    /// Whether it is the reference again, which is there only to check the method.
    pub is_repetition: bool,
    /// How many measurements count.
    pub valid: usize,
    /// How many do not.
    pub discarded: usize,
    /// Why not, or why it could not take part at all.
    pub reasons: Vec<String>,
    /// What was measured, by the name of the metric.
    pub estimates: BTreeMap<&'static str, Estimate>,
    /// The same ÷ that of the reference, round by round.
    pub ratios: BTreeMap<&'static str, Estimate>,
}

impl Group {
    /// The contestants without the repetition.
    pub fn contestants(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(|row| !row.is_repetition)
    }

    /// The same table with these contestants only, and without the repetition.
    pub fn only(&self, names: &[&str]) -> Self {
        let is_named = |row: &&Row| names.contains(&row.name.as_str());
        Self {
            rows: self.contestants().filter(is_named).cloned().collect(),
            ..self.clone()
        }
    }

    /// The main ratio of every row but the reference's own, the A/A test among them.
    pub fn main_ratios(&self) -> impl Iterator<Item = (&Row, Estimate)> {
        let main = Metric::main(self.load).name;
        let rows = self.rows.iter();
        let rows = rows.filter(|row| Some(&row.name) != self.reference.as_ref());
        rows.filter_map(move |row| Some((row, *row.ratios.get(main)?)))
    }

    /// The reference ÷ itself: the A/A test.
    pub fn repetition(&self) -> Option<Estimate> {
        let mut ratios = self.main_ratios();
        ratios.find_map(|(row, ratio)| row.is_repetition.then_some(ratio))
    }

    /// Whether the A/A test came out as it must. `None` when there are too few rounds to tell.
    pub fn is_trusted(&self) -> Option<bool> {
        self.repetition()?.holds(1.0)
    }
}

/// Condenses a run: first the capacities, then the latencies at a fixed rate, each in the order in which
/// they were measured.
pub fn summarise(results: &Results) -> Vec<Group> {
    let mut tables: Vec<(u32, Load)> = Vec::new();
    for round in &results.rounds {
        let table = (round.connections, round.load);
        if !tables.contains(&table) {
            tables.push(table);
        }
    }
    tables.sort_by_key(|(_, load)| *load != Load::Capacity);
    let tables = tables.into_iter();
    tables
        .map(|(connections, load)| group(results, connections, load))
        .collect()
}

/// The capacities of all contestants that have one.
pub(crate) fn capacities(results: &Results, connections: u32) -> Vec<f64> {
    let rounds = Rounds::of(results, connections, Load::Capacity);
    let capacity = |entry: &Entry| {
        let series = rounds.series(&entry.name, &METRICS[0]);
        Some(estimate(series.into_values())?.median)
    };
    results.contestants.iter().filter_map(capacity).collect()
}

/// A figure of one contestant's capacity ÷ the same figure of another's, round by round. `None` when
/// they have no round in common that counts.
pub fn compare(
    results: &Results,
    connections: u32,
    [name, base]: [&str; 2],
    metric: &Metric,
) -> Option<Estimate> {
    let rounds = Rounds::of(results, connections, Load::Capacity);
    ratio(&rounds.series(name, metric), &rounds.series(base, metric))
}

/// How wide the interval of the least exact main ratio of these contestants is, infinitely where nobody can
/// tell. Those without a measurement that counts are not waited for.
pub(crate) fn widest(results: &Results, connections: u32, load: Load, entries: &[Entry]) -> f64 {
    let rounds = Rounds::of(results, connections, load);
    let series = |name: &str| rounds.series(name, Metric::main(load));
    let base = reference(results).map(series).unwrap_or_default();
    let all = entries.iter().map(|entry| series(&entry.name));
    let measured = all.filter(|series| !series.is_empty() && !base.is_empty());
    let widths = measured.map(|series| ratio(&series, &base).and_then(|ratio| ratio.width()));
    widths.fold(0.0, |widest, width| {
        width.unwrap_or(f64::INFINITY).max(widest)
    })
}

/// What to know before believing the figures: what was stored, and what the rounds show.
pub(crate) fn warnings(results: &Results) -> Vec<String> {
    let mut warnings = results.warnings.clone();
    let rounds = &results.rounds;
    let discarded = rounds.iter().filter(|round| !round.discarded.is_empty());
    let discarded = discarded.count();
    if discarded > 0 {
        warnings.push(format!(
            "{discarded} of {} measurements are discarded; none of their figures is used.",
            rounds.len()
        ));
    }
    warnings
}

/// The contestant that takes part twice.
pub(crate) fn reference(results: &Results) -> Option<&str> {
    let mut entries = results.contestants.iter();
    entries.find_map(|entry| entry.repeats.as_deref())
}

/// The rounds of a group.
struct Rounds<'a>(Vec<&'a Round>);

impl<'a> Rounds<'a> {
    fn of(results: &'a Results, connections: u32, load: Load) -> Self {
        let is_in = |round: &&Round| round.connections == connections && round.load == load;
        Rounds(results.rounds.iter().filter(is_in).collect())
    }

    fn of_contestant(&self, name: &str) -> impl Iterator<Item = &'a Round> {
        let rounds = self.0.iter().copied();
        rounds.filter(move |round| round.contestant == name)
    }

    /// The figures of a contestant in the rounds that count.
    fn valid(&self, name: &str) -> impl Iterator<Item = (&'a Round, &'a Figures)> {
        let rounds = self
            .of_contestant(name)
            .filter(|round| round.discarded.is_empty());
        rounds.filter_map(|round| Some((round, round.figures.as_ref()?)))
    }

    /// One figure of a contestant. Nothing when a round that counts does not have it: those that do may
    /// be the better ones.
    fn series(&self, name: &str, metric: &Metric) -> Series {
        let valid = self.valid(name);
        let series: Option<Series> = valid
            .map(|(round, figures)| Some((round.round, metric.of(round, figures)?)))
            .collect();
        series.unwrap_or_default()
    }
}

fn group(results: &Results, connections: u32, load: Load) -> Group {
    let rounds = Rounds::of(results, connections, load);
    let entries = results.contestants.iter();
    Group {
        connections,
        load,
        engine: match load {
            Load::Capacity => results.plan.engine.clone(),
            Load::FixedRate(_) => "builtin".to_owned(),
        },
        rounds: rounds.0.iter().map(|round| round.round).max().unwrap_or(0),
        reference: reference(results).map(str::to_owned),
        rows: entries
            .map(|entry| row(&rounds, entry, reference(results)))
            .collect(),
    }
}

fn row(rounds: &Rounds<'_>, entry: &Entry, reference: Option<&str>) -> Row {
    let name = &entry.name;
    let (mut estimates, mut ratios) = (BTreeMap::new(), BTreeMap::new());
    for metric in &METRICS {
        let series = rounds.series(name, metric);
        let reference = reference.filter(|_| RATIOS.contains(&metric.name));
        let base = reference.map(|reference| rounds.series(reference, metric));
        let ratio = base.and_then(|base| ratio(&series, &base));
        ratios.extend(ratio.map(|ratio| (metric.name, ratio)));
        estimates.extend(estimate(series.into_values()).map(|found| (metric.name, found)));
    }
    let mut reasons: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut discarded = 0;
    let all = rounds.of_contestant(name);
    for round in all.filter(|round| !round.discarded.is_empty()) {
        discarded += 1;
        let reason = round.discarded.join("; ");
        let rounds = reasons.entry(reason).or_default();
        rounds.push(round.round.to_string());
    }
    let reasons = reasons.into_iter();
    let reasons = reasons.map(|(reason, rounds)| match rounds.as_slice() {
        [round] => format!("round {round}: {reason}"),
        rounds => format!("rounds {}: {reason}", rounds.join(", ")),
    });
    Row {
        name: name.clone(),
        is_repetition: entry.repeats.is_some(),
        valid: rounds.valid(name).count(),
        discarded,
        reasons: reasons.chain(entry.failure.clone()).collect(),
        estimates,
        ratios,
    }
}
