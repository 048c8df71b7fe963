//! The content of the tables, cell by cell: the terminal and Markdown only set it differently.

use crate::agreement::{self, Agreement, Verdict};
use crate::results::Load;
use crate::statistics::Spread;
use crate::summary::{Group, Ratio, Row};
use crate::units::{count, mebibytes, milliseconds, percent, short};

/// What stands where there is nothing to say.
const NOTHING: &str = "–";

/// A table: a heading and cells of the same number in each row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// The heading of each column.
    pub heading: Vec<String>,
    /// The rows, the name of the contestant first.
    pub rows: Vec<Vec<String>>,
    /// For each row, whether it belongs to somebody with a round that is void.
    pub is_void: Vec<bool>,
}

/// Throughput, and how it compares with the first `baselines_max` baselines.
pub fn throughput(group: &Group, baselines_max: usize) -> Table {
    let baselines = group.baselines.iter().take(baselines_max);
    let mut heading = vec!["", "requests/s", "lowest–highest", "rounds"];
    heading.splice(3..3, baselines.copied());
    table(group, &heading, |row| {
        let mut cells = vec![
            name(row),
            requests(row),
            row.per_second
                .map_or(NOTHING.to_owned(), |spread| edges(row, spread)),
        ];
        cells.extend(row.ratios.iter().take(baselines_max).map(ratio));
        cells.push(match row.void.len() {
            0 => row.valid.to_string(),
            void => format!("{} + {void} void", row.valid),
        });
        cells
    })
}

/// The median of the responses a second, or why there is none.
pub fn requests(row: &Row) -> String {
    row.per_second
        .map_or_else(|| missing(row).to_owned(), |spread| count(spread.median))
}

/// What stands in the place of figures: whether there are none that count, or none yet, because the run
/// was stopped.
pub fn missing(row: &Row) -> &'static str {
    match row.void.is_empty() {
        true => NOTHING,
        false => "void",
    }
}

/// What a response costs: time for the visitor, processor time, memory and Redis commands.
pub fn cost(group: &Group) -> Table {
    let heading = [
        "",
        "p50 ms",
        "p90 ms",
        "p99 ms",
        "max ms",
        "server µs",
        "Redis µs",
        "load µs",
        "MiB",
        "commands",
    ];
    table(group, &heading, |row| {
        let latency = |value: Option<f64>| value.map_or(NOTHING.to_owned(), milliseconds);
        let percentiles = row.latency.map_or([None; 4], |latency| {
            [latency.p50, latency.p90, latency.p99, Some(latency.max)]
        });
        let cpu = row.cpu.map_or([None; 3], |cpu| {
            [cpu.server_us, cpu.redis_us, cpu.load_us].map(Some)
        });
        let mut cells = vec![name(row)];
        cells.extend(percentiles.map(latency));
        cells.extend(cpu.map(|value| value.map_or(NOTHING.to_owned(), short)));
        cells.push(row.memory_bytes.map_or(NOTHING.to_owned(), mebibytes));
        cells.push(row.redis_commands.map_or(NOTHING.to_owned(), short));
        cells
    })
}

/// What each contestant reached in two runs, and what to make of the difference.
pub fn agreement(agreement: &Agreement) -> Table {
    let heading = [
        "requests/s",
        "first",
        "second",
        "second ÷ first",
        "the difference is",
    ];
    let cells = |row: &agreement::Row| {
        let [first, second] = row.per_second.map(|spread| count(spread.median));
        let verdict = match row.verdict {
            Verdict::Noise => "within the noise",
            Verdict::Rounds => "within its own rounds",
            Verdict::Differs => "outside of both",
        };
        let ratio = short(row.ratio());
        vec![row.name.clone(), first, second, ratio, verdict.to_owned()]
    };
    Table {
        heading: heading.map(str::to_owned).to_vec(),
        rows: agreement.rows.iter().map(cells).collect(),
        is_void: agreement.rows.iter().map(|row| !row.agrees()).collect(),
    }
}

/// How far two runs can be trusted, in one sentence.
pub fn noise_of_both(agreement: &Agreement) -> String {
    let [first, second] = agreement.noise.map(percent);
    let differ = agreement.rows.iter().filter(|row| !row.agrees()).count();
    let verdict = match differ {
        0 => "The runs agree.".to_owned(),
        _ => format!("{differ} of {} do not agree.", agreement.rows.len()),
    };
    format!("{verdict} The noise was {first} in the first run, {second} in the second.")
}

/// What a group is, in one line.
pub fn title(group: &Group) -> String {
    match group.load {
        Load::Capacity => capacity_title(group.connections),
        Load::FixedRate(rate) => {
            format!(
                "Latency at a fixed {} requests/s on {}",
                count(rate),
                connections(group.connections)
            )
        }
    }
}

/// What a group of capacities is.
pub fn capacity_title(number: u32) -> String {
    format!("Capacity at {}", connections(number))
}

fn connections(number: u32) -> String {
    match number {
        1 => "1 connection".to_owned(),
        many => format!("{} connections", count(many.into())),
    }
}

/// Which engine made a table, and what kind of figure is in it.
pub fn engine(group: &Group) -> String {
    let kind = match group.load {
        Load::Capacity => {
            "closed loop: each connection asks again when it is answered, so the latency is closed-loop latency"
        }
        Load::FixedRate(_) => "open loop: latency counts from the moment a request was due",
    };
    format!("Engine: {}, {kind}.", group.engine)
}

/// How far the figures can be trusted, in one sentence.
pub fn noise(group: &Group) -> String {
    let Some((name, noise)) = &group.noise else {
        return "Noise: unknown, because no contestant has two series that count.".to_owned();
    };
    let noise = percent(*noise);
    match group.load {
        Load::Capacity => format!(
            "Noise: {name} against itself differed by up to {noise}. \"≈\" marks a ratio inside the noise, or whose rounds disagree."
        ),
        Load::FixedRate(_) => {
            format!("Noise: the p99 of {name} against itself differed by up to {noise}.")
        }
    }
}

/// Whose accept queue was too short for so many visitors at once. `None` when everybody's was long
/// enough, or nothing is known.
pub fn queue(group: &Group) -> Option<String> {
    let overflows = |row: &Row| {
        let times = row.queue_overflows.filter(|times| *times >= 1.0)?;
        Some(format!("{} ({})", row.name, count(times)))
    };
    let rows = group.rows.iter().filter(|row| !row.is_repetition);
    let full: Vec<String> = rows.filter_map(overflows).collect();
    (!full.is_empty()).then(|| {
        format!(
            "Accept queue full, times a round: {}. Whoever finds it full knocks again a second later.",
            full.join(", ")
        )
    })
}

/// A ratio as it stands in a table: `1.23 (1.20–1.27)`, or `≈ 1` inside the noise.
pub fn ratio(ratio: &Option<Ratio>) -> String {
    let Some(ratio) = ratio else {
        return NOTHING.to_owned();
    };
    if ratio.is_self {
        return "1".to_owned();
    }
    let Spread { median, min, max } = ratio.spread;
    let median = if ratio.is_noise {
        "≈ 1".to_owned()
    } else {
        small(median)
    };
    // One round has no edges.
    if min == max {
        return median;
    }
    format!("{median} ({}–{})", small(min), small(max))
}

/// A ratio below a tenth keeps two digits that mean something.
fn small(ratio: f64) -> String {
    if ratio < 0.0995 {
        format!("{ratio:.3}")
    } else {
        short(ratio)
    }
}

fn edges(row: &Row, spread: Spread) -> String {
    if row.valid < 2 {
        return NOTHING.to_owned();
    }
    format!("{}–{}", count(spread.min), count(spread.max))
}

fn name(row: &Row) -> String {
    row.name.clone()
}

fn table(group: &Group, heading: &[&str], cells: impl Fn(&Row) -> Vec<String>) -> Table {
    Table {
        heading: heading.iter().map(ToString::to_string).collect(),
        rows: group.rows.iter().map(cells).collect(),
        is_void: group.rows.iter().map(|row| !row.void.is_empty()).collect(),
    }
}
