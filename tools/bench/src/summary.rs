//! Condenses the rounds of a run into one row for each contestant. Everything that is drawn or
//! printed comes from here, and everything in here comes from the stored results alone.

use std::collections::BTreeSet;

use crate::results::{Cpu, Figures, Load, Results, Round};
use crate::statistics::{self, Series, Spread, noise, ratio, spread};

/// Those that the others are compared with, where they take part, and the headings of the columns.
const BASELINES: [(&str, &str); 4] = [
    ("step-1-memory", "÷ step 1"),
    ("flask-gunicorn", "÷ gunicorn"),
    ("limit", "÷ limit"),
    ("flask-debug", "÷ debug server"),
];

/// How many responses must lie beyond a percentile before it is more than an anecdote.
const BEYOND_MIN: f64 = 10.0;

/// From this share on, processor time that went to others makes a figure worth less.
const STOLEN_MAX: f64 = 0.05;

/// All rounds with the same number of connections and the same kind of load.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// How many connections.
    pub connections: u32,
    /// Which kind of load.
    pub load: Load,
    /// What made the load: `wrk` or `builtin`.
    pub engine: String,
    /// The contestant that ran twice, and the difference that it showed against itself, as a factor:
    /// in throughput, or at a fixed rate in p99.
    pub noise: Option<(String, f64)>,
    /// The headings of the ratios in each row.
    pub baselines: Vec<&'static str>,
    /// The contestants.
    pub rows: Vec<Row>,
}

/// What a contestant showed in the rounds that count.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Its name.
    pub name: String,
    /// Whether it is there only to show the noise.
    pub is_repetition: bool,
    /// How many rounds count.
    pub valid: usize,
    /// Why others do not, or why it could not take part at all.
    pub void: Vec<String>,
    /// Responses a second.
    pub per_second: Option<Spread>,
    /// How many times the throughput of each baseline it reaches.
    pub ratios: Vec<Option<Ratio>>,
    /// How long responses took.
    pub latency: Option<LatencyRow>,
    /// Processor time for each response: the median of the rounds, each process by itself.
    pub cpu: Option<Cpu>,
    /// The peak memory of the server: the largest of the rounds.
    pub memory_bytes: Option<u64>,
    /// Redis commands for each response: the median of the rounds.
    pub redis_commands: Option<f64>,
    /// How often visitors found the accept queue full: the median of the rounds.
    pub queue_overflows: Option<f64>,
}

/// A comparison of two contestants.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ratio {
    /// The ratio in the rounds.
    pub spread: Spread,
    /// Whether it may be nothing but noise.
    pub is_noise: bool,
    /// Whether a contestant is compared with itself.
    pub is_self: bool,
}

/// Percentiles of the latency: the median of the rounds, and the maximum of all. A percentile with
/// too few responses beyond it in a round is left out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LatencyRow {
    /// In microseconds.
    pub p50: Option<f64>,
    /// In microseconds.
    pub p90: Option<f64>,
    /// In microseconds.
    pub p99: Option<f64>,
    /// In microseconds.
    pub max: f64,
}

/// Condenses a run: first the capacities, then the latencies at a fixed rate.
pub fn summarise(results: &Results) -> Vec<Group> {
    let mut groups = Vec::new();
    for is_capacity in [true, false] {
        for &connections in &results.plan.connections {
            let of_group = |round: &&Round| {
                round.connections == connections && (round.load == Load::Capacity) == is_capacity
            };
            let rounds: Vec<&Round> = results.rounds.iter().filter(of_group).collect();
            if let Some(first) = rounds.first() {
                groups.push(group(results, &rounds, connections, first.load));
            }
        }
    }
    groups
}

/// The capacity of the slowest contestant. `None` when nobody has a round that counts.
pub fn slowest_capacity(results: &Results, connections: u32) -> Option<f64> {
    let rounds: Vec<&Round> = results
        .rounds
        .iter()
        .filter(|round| round.connections == connections && round.load == Load::Capacity)
        .collect();
    results
        .contestants
        .iter()
        .filter_map(|entry| spread(per_second(&rounds, &entry.name).into_values()))
        .map(|spread| spread.median)
        .min_by(f64::total_cmp)
}

/// A figure of one contestant's capacity ÷ the same figure of another's, round by round. `None` when
/// they have no round in common that counts.
pub fn compare(
    results: &Results,
    connections: u32,
    name: &str,
    base: &str,
    figure: impl Fn(&Figures) -> f64,
) -> Option<Spread> {
    let of_group =
        |round: &&Round| round.connections == connections && round.load == Load::Capacity;
    let rounds: Vec<&Round> = results.rounds.iter().filter(of_group).collect();
    ratio(
        &series(&rounds, name, &figure),
        &series(&rounds, base, &figure),
    )
}

/// What to know before believing the figures: what was stored, and what the rounds show.
pub fn warnings(results: &Results) -> Vec<String> {
    let mut warnings = results.warnings.clone();
    let stolen: Vec<f64> = results
        .rounds
        .iter()
        .filter_map(|round| round.figures.as_ref()?.stolen)
        .collect();
    let disturbed = stolen.iter().filter(|share| **share > STOLEN_MAX).count();
    if disturbed > 0 {
        let most = stolen.iter().copied().fold(0.0, f64::max);
        warnings.push(format!(
            "In {disturbed} of {} rounds other programs used more than {:.0} % of the processors (at most {:.0} %); stop them and measure again.",
            stolen.len(),
            STOLEN_MAX * 100.0,
            most * 100.0
        ));
    }
    let void = results.rounds.iter().filter(|r| !r.void.is_empty()).count();
    if void > 0 {
        warnings.push(format!(
            "{void} of {} rounds are void; none of their figures is used.",
            results.rounds.len()
        ));
    }
    warnings
}

fn group(results: &Results, rounds: &[&Round], connections: u32, load: Load) -> Group {
    // The noise of the figure that the group is about.
    let figure = |figures: &Figures| match load {
        Load::Capacity => figures.report.per_second(),
        Load::FixedRate(_) => figures.report.latency_us.p99,
    };
    let repetition = results.contestants.iter().find_map(|entry| {
        let original = entry.repeats.clone()?;
        let once = series(rounds, &original, figure);
        let again = series(rounds, &entry.name, figure);
        Some((original, noise(&once, &again)?))
    });
    // At a fixed rate everybody gives as many answers as were asked for.
    let baselines: Vec<_> = BASELINES
        .into_iter()
        .filter(|(name, _)| {
            load == Load::Capacity && results.contestants.iter().any(|e| e.name == *name)
        })
        .collect();
    let rows = results
        .contestants
        .iter()
        .map(|entry| {
            let series = per_second(rounds, &entry.name);
            let compare = |base: &str| {
                let spread = ratio(&series, &per_second(rounds, base))?;
                let noise = repetition.as_ref().map_or(1.0, |(_, noise)| *noise);
                Some(Ratio {
                    spread,
                    is_noise: statistics::is_noise(spread, noise),
                    is_self: entry.name == base,
                })
            };
            Row {
                is_repetition: entry.repeats.is_some(),
                ratios: baselines.iter().map(|(base, _)| compare(base)).collect(),
                void: void(rounds, &entry.name)
                    .into_iter()
                    .chain(entry.failure.clone())
                    .collect(),
                ..row(rounds, &entry.name)
            }
        })
        .collect();
    Group {
        connections,
        load,
        engine: match load {
            Load::Capacity => results.plan.engine.clone(),
            Load::FixedRate(_) => "builtin".to_owned(),
        },
        noise: repetition,
        baselines: baselines.iter().map(|(_, heading)| *heading).collect(),
        rows,
    }
}

/// Everything about a contestant that needs nobody else.
fn row(rounds: &[&Round], name: &str) -> Row {
    let figures: Vec<&Figures> = valid(rounds, name).map(|(_, figures)| figures).collect();
    let median = |values: Vec<f64>| spread(values).map(|spread| spread.median);
    let cpu = |part: fn(&Cpu) -> f64| {
        median(
            figures
                .iter()
                .filter_map(|f| f.cpu.as_ref())
                .map(part)
                .collect(),
        )
    };
    Row {
        name: name.to_owned(),
        is_repetition: false,
        valid: figures.len(),
        void: Vec::new(),
        per_second: spread(figures.iter().map(|f| f.report.per_second())),
        ratios: Vec::new(),
        latency: latency(&figures),
        cpu: (|| {
            Some(Cpu {
                server_us: cpu(|cpu| cpu.server_us)?,
                redis_us: cpu(|cpu| cpu.redis_us)?,
                load_us: cpu(|cpu| cpu.load_us)?,
            })
        })(),
        memory_bytes: figures.iter().filter_map(|f| f.memory_bytes).max(),
        redis_commands: median(figures.iter().filter_map(|f| f.redis_commands).collect()),
        queue_overflows: median(
            figures
                .iter()
                .filter_map(|f| Some(f.queue_overflows? as f64))
                .collect(),
        ),
    }
}

fn latency(figures: &[&Figures]) -> Option<LatencyRow> {
    let fewest = figures.iter().map(|f| f.report.responses).min()? as f64;
    let percentile = |percent: f64, part: fn(&Figures) -> f64| {
        let supported = fewest * (100.0 - percent) / 100.0 >= BEYOND_MIN;
        let median = spread(figures.iter().map(|f| part(f)))?.median;
        supported.then_some(median)
    };
    Some(LatencyRow {
        p50: percentile(50.0, |f| f.report.latency_us.p50),
        p90: percentile(90.0, |f| f.report.latency_us.p90),
        p99: percentile(99.0, |f| f.report.latency_us.p99),
        max: spread(figures.iter().map(|f| f.report.latency_us.max))?.max,
    })
}

fn per_second(rounds: &[&Round], name: &str) -> Series {
    series(rounds, name, |figures| figures.report.per_second())
}

fn series(rounds: &[&Round], name: &str, figure: impl Fn(&Figures) -> f64) -> Series {
    valid(rounds, name)
        .map(|(round, figures)| (round, figure(figures)))
        .collect()
}

/// The figures of the rounds that count, with the number of the round.
fn valid<'a>(rounds: &'a [&Round], name: &'a str) -> impl Iterator<Item = (u32, &'a Figures)> {
    rounds
        .iter()
        .filter(move |round| round.contestant == name && round.void.is_empty())
        .filter_map(|round| Some((round.round, round.figures.as_ref()?)))
}

/// Why rounds are void, in sentences that name the round.
fn void(rounds: &[&Round], name: &str) -> BTreeSet<String> {
    rounds
        .iter()
        .filter(|round| round.contestant == name && !round.void.is_empty())
        .map(|round| format!("round {}: {}", round.round, round.void.join("; ")))
        .collect()
}
