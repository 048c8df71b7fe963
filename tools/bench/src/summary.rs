//! Condenses the rounds of a run into one row for each contestant. Everything that is drawn or
//! printed comes from here, and everything in here comes from the stored results alone.

use std::collections::BTreeSet;

use crate::results::{Cpu, Entry, Figures, Latency, Load, Results, Round};
use crate::statistics::{Series, Spread, is_noise, noise, ratio, spread};

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
const OTHER_CPU_MAX: f64 = 0.05;

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

impl Group {
    /// The contestants without the repetition, which is there only for the noise.
    pub fn contestants(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(|row| !row.is_repetition)
    }
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
    pub discarded: Vec<String>,
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
    /// How often connections found the accept queue full: the median of the rounds.
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
            let rounds = Rounds::of(results, connections, is_capacity);
            if let Some(first) = rounds.0.first() {
                groups.push(group(results, &rounds, connections, first.load));
            }
        }
    }
    groups
}

/// The capacity of the slowest contestant. `None` when no contestant has a round that counts.
pub(crate) fn slowest_capacity(results: &Results, connections: u32) -> Option<f64> {
    let rounds = Rounds::of(results, connections, true);
    let entries = results.contestants.iter();
    entries
        .filter_map(|entry| spread(rounds.per_second(&entry.name).into_values()))
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
    let rounds = Rounds::of(results, connections, true);
    ratio(&rounds.series(name, &figure), &rounds.series(base, &figure))
}

/// What to know before believing the figures: what was stored, and what the rounds show.
pub(crate) fn warnings(results: &Results) -> Vec<String> {
    let mut warnings = results.warnings.clone();
    let rounds = &results.rounds;
    let shares = rounds
        .iter()
        .filter_map(|round| round.figures.as_ref()?.other_cpu);
    let shares: Vec<f64> = shares.collect();
    let disturbed = shares
        .iter()
        .filter(|share| **share > OTHER_CPU_MAX)
        .count();
    if disturbed > 0 {
        let most = shares.iter().copied().fold(0.0, f64::max);
        warnings.push(format!(
            "In {disturbed} of {} rounds other programs used more than {:.0} % of the processors (at most {:.0} %); stop them and measure again.",
            shares.len(),
            OTHER_CPU_MAX * 100.0,
            most * 100.0
        ));
    }
    let discarded = rounds.iter().filter(|round| !round.discarded.is_empty());
    let discarded = discarded.count();
    if discarded > 0 {
        warnings.push(format!(
            "{discarded} of {} rounds are discarded; none of their figures is used.",
            rounds.len()
        ));
    }
    warnings
}

/// The rounds of a group.
struct Rounds<'a>(Vec<&'a Round>);

impl<'a> Rounds<'a> {
    fn of(results: &'a Results, connections: u32, is_capacity: bool) -> Self {
        let rounds = results.rounds.iter().filter(|round| {
            round.connections == connections && (round.load == Load::Capacity) == is_capacity
        });
        Rounds(rounds.collect())
    }

    fn of_contestant(&self, name: &str) -> impl Iterator<Item = &'a Round> {
        self.0
            .iter()
            .copied()
            .filter(move |round| round.contestant == name)
    }

    /// The figures of a contestant in the rounds that count, with the number of the round.
    fn valid(&self, name: &str) -> impl Iterator<Item = (u32, &'a Figures)> {
        self.of_contestant(name)
            .filter(|round| round.discarded.is_empty())
            .filter_map(|round| Some((round.round, round.figures.as_ref()?)))
    }

    fn series(&self, name: &str, figure: impl Fn(&Figures) -> f64) -> Series {
        let valid = self.valid(name);
        valid
            .map(|(round, figures)| (round, figure(figures)))
            .collect()
    }

    fn per_second(&self, name: &str) -> Series {
        self.series(name, |figures| figures.report.per_second())
    }
}

fn group(results: &Results, rounds: &Rounds<'_>, connections: u32, load: Load) -> Group {
    // The noise of the figure that the group is about.
    let figure = |figures: &Figures| match load {
        Load::Capacity => figures.report.per_second(),
        Load::FixedRate(_) => figures.report.latency_us.p99,
    };
    let noise = results.contestants.iter().find_map(|entry| {
        let original = entry.repeats.clone()?;
        let once = rounds.series(&original, figure);
        let again = rounds.series(&entry.name, figure);
        Some((original, noise(&once, &again)?))
    });
    // At a fixed rate every contestant gives as many answers as were asked for.
    let takes_part = |name| results.contestants.iter().any(|entry| entry.name == name);
    let baselines = BASELINES.iter();
    let (bases, baselines): (Vec<_>, Vec<_>) = baselines
        .filter(|(name, _)| load == Load::Capacity && takes_part(*name))
        .copied()
        .unzip();
    let least = noise.as_ref().map_or(1.0, |(_, noise)| *noise);
    let rows = results.contestants.iter();
    let rows = rows
        .map(|entry| row(rounds, entry, &bases, least))
        .collect();
    Group {
        connections,
        load,
        engine: match load {
            Load::Capacity => results.plan.engine.clone(),
            Load::FixedRate(_) => "builtin".to_owned(),
        },
        noise,
        baselines,
        rows,
    }
}

/// Everything about a contestant, whose ratios mean something beyond `noise`.
fn row(rounds: &Rounds<'_>, entry: &Entry, bases: &[&str], noise: f64) -> Row {
    let name = &entry.name;
    let figures: Vec<&Figures> = rounds.valid(name).map(|(_, figures)| figures).collect();
    let median = |figure: &dyn Fn(&Figures) -> Option<f64>| {
        let values = figures.iter().filter_map(|figures| figure(figures));
        Some(spread(values)?.median)
    };
    let cpu = |part: fn(&Cpu) -> f64| median(&|figures| Some(part(figures.cpu.as_ref()?)));
    let per_second = rounds.per_second(name);
    let compare = |base: &&str| {
        let spread = ratio(&per_second, &rounds.per_second(base))?;
        Some(Ratio {
            spread,
            is_noise: is_noise(spread, noise),
            is_self: name == base,
        })
    };
    let discarded = rounds.of_contestant(name);
    let discarded = discarded.filter(|round| !round.discarded.is_empty());
    let discarded: BTreeSet<String> = discarded
        .map(|round| format!("round {}: {}", round.round, round.discarded.join("; ")))
        .collect();
    Row {
        name: name.clone(),
        is_repetition: entry.repeats.is_some(),
        valid: figures.len(),
        discarded: discarded.into_iter().chain(entry.failure.clone()).collect(),
        ratios: bases.iter().map(compare).collect(),
        latency: latency(&figures),
        cpu: (|| {
            Some(Cpu {
                server_us: cpu(|cpu| cpu.server_us)?,
                redis_us: cpu(|cpu| cpu.redis_us)?,
                load_us: cpu(|cpu| cpu.load_us)?,
            })
        })(),
        memory_bytes: figures.iter().filter_map(|f| f.memory_bytes).max(),
        redis_commands: median(&|figures| figures.redis_commands),
        queue_overflows: median(&|figures| Some(figures.queue_overflows? as f64)),
        per_second: spread(per_second.into_values()),
    }
}

fn latency(figures: &[&Figures]) -> Option<LatencyRow> {
    let fewest = figures.iter().map(|f| f.report.responses).min()? as f64;
    let over_rounds = |part: fn(&Latency) -> f64| {
        spread(
            figures
                .iter()
                .map(|figures| part(&figures.report.latency_us)),
        )
    };
    let percentile = |percent: f64, part| {
        let is_supported = fewest * (100.0 - percent) / 100.0 >= BEYOND_MIN;
        Some(over_rounds(part)?.median).filter(|_| is_supported)
    };
    Some(LatencyRow {
        p50: percentile(50.0, |latency| latency.p50),
        p90: percentile(90.0, |latency| latency.p90),
        p99: percentile(99.0, |latency| latency.p99),
        max: over_rounds(|latency| latency.max)?.max,
    })
}
