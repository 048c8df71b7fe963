//! What tables and sentences say: the same on a page and on the terminal.

use output::Table;

use crate::agreement::{Agreement, Verdict};
use crate::results::Load;
use crate::statistics::Spread;
use crate::summary::{Group, Ratio, Row};
use crate::units::{count, mebibytes, milliseconds, percent, short};

/// What stands where there is nothing to say.
const NOTHING: &str = "–";

/// What a response costs: the heading of each column, and the name of the [`figure`] in it.
const COSTS: [(&str, &str); 9] = [
    ("p50 ms", "p50"),
    ("p90 ms", "p90"),
    ("p99 ms", "p99"),
    ("max ms", "max"),
    ("server µs", "server-us"),
    ("Redis µs", "redis-us"),
    ("load µs", "load-us"),
    ("MiB", "memory"),
    ("commands", "commands"),
];

/// A figure of a contestant, as it stands in the tables. `None` where it was not measured, or there is
/// no figure of that name.
pub fn figure(row: &Row, name: &str) -> Option<String> {
    let (latency, cpu) = (row.latency, row.cpu);
    Some(match name {
        "requests" => count(row.per_second?.median),
        "p50" => milliseconds(latency?.p50?),
        "p90" => milliseconds(latency?.p90?),
        "p99" => milliseconds(latency?.p99?),
        "max" => milliseconds(latency?.max),
        "server-us" => short(cpu?.server_us),
        "redis-us" => short(cpu?.redis_us),
        "load-us" => short(cpu?.load_us),
        "memory" => mebibytes(row.memory_bytes?),
        "commands" => short(row.redis_commands?),
        "queue-overflows" => count(row.queue_overflows?),
        _ => return None,
    })
}

fn or_nothing(cell: Option<String>) -> String {
    cell.unwrap_or_else(|| NOTHING.to_owned())
}

/// Throughput, and how it compares with the first `baselines_max` baselines.
pub fn throughput(group: &Group, baselines_max: usize) -> Table {
    let baselines = group.baselines.iter().take(baselines_max).copied();
    let heading = ["requests/s", "lowest–highest"].into_iter();
    table(group, heading.chain(baselines).chain(["rounds"]), |row| {
        let edges = row.per_second.filter(|_| row.valid > 1);
        let edges = edges.map(|edges| format!("{}–{}", count(edges.min), count(edges.max)));
        let ratios = row.ratios.iter().take(baselines_max).map(ratio);
        let rounds = match row.discarded.len() {
            0 => row.valid.to_string(),
            discarded => format!("{} of {}", row.valid, row.valid + discarded),
        };
        let cells = [requests(row), or_nothing(edges)].into_iter();
        cells.chain(ratios).chain([rounds]).collect()
    })
}

/// What a response costs: time for the client, processor time, memory and Redis commands.
pub fn cost(group: &Group) -> Table {
    table(group, COSTS.map(|(heading, _)| heading), |row| {
        COSTS
            .map(|(_, name)| or_nothing(figure(row, name)))
            .to_vec()
    })
}

/// A row for each contestant, wrong where a round is discarded: its name, and these cells.
fn table<'a>(
    group: &Group,
    heading: impl IntoIterator<Item = &'a str>,
    cells: impl Fn(&Row) -> Vec<String>,
) -> Table {
    let mut table = Table::new([""].into_iter().chain(heading));
    for row in &group.rows {
        let cells = [row.name.clone()].into_iter().chain(cells(row));
        table.add(cells).is_wrong = !row.discarded.is_empty();
    }
    table
}

/// The median of the responses a second, or why there is none.
pub(crate) fn requests(row: &Row) -> String {
    figure(row, "requests").unwrap_or_else(|| missing(row).to_owned())
}

/// What stands in the place of figures: whether there are none that count, or none yet, because the run
/// was stopped.
pub(crate) fn missing(row: &Row) -> &'static str {
    match row.discarded.is_empty() {
        true => NOTHING,
        false => "discarded",
    }
}

/// One row for each contestant: the capacity at every number of connections, and the rest at the last of
/// them. `None` when no contestant has a capacity.
pub(crate) fn overview(capacities: &[Group]) -> Option<Table> {
    let last = capacities.last()?;
    let requests_at = |group: &Group| {
        let connections = count(group.connections.into());
        format!("requests/s, {connections} connections")
    };
    let mut heading = vec![String::new()];
    heading.extend(capacities.iter().map(requests_at));
    heading.extend(last.baselines.iter().take(2).map(ToString::to_string));
    heading.extend(["p99 ms", "MiB", "Redis commands"].map(str::to_owned));
    let mut table = Table::new(heading);
    for (place, row) in last.rows.iter().enumerate() {
        if row.is_repetition {
            continue;
        }
        let mut cells = vec![format!("`{}`", row.name)];
        cells.extend(capacities.iter().map(|group| requests(&group.rows[place])));
        cells.extend(row.ratios.iter().take(2).map(ratio));
        cells.extend(["p99", "memory", "commands"].map(|name| or_nothing(figure(row, name))));
        table.add(cells);
    }
    Some(table)
}

/// What each contestant reached in two runs, and what to make of the difference.
pub(crate) fn agreement(agreement: &Agreement) -> Table {
    let mut table = Table::new([
        "requests/s",
        "first",
        "second",
        "second ÷ first",
        "the difference is",
    ]);
    for row in &agreement.rows {
        let [first, second] = row.per_second.map(|spread| count(spread.median));
        let verdict = match row.verdict {
            Verdict::Noise => "within the noise",
            Verdict::Rounds => "within its own rounds",
            Verdict::Differs => "outside of both",
        };
        let cells = [&row.name, &first, &second, &short(row.ratio()), verdict];
        table.add(cells).is_wrong = !row.agrees();
    }
    table
}

/// How far two runs can be trusted, in one sentence.
pub(crate) fn noise_of_both(agreement: &Agreement) -> String {
    let [first, second] = agreement.noise.map(percent);
    let differ = agreement.rows.iter().filter(|row| !row.agrees()).count();
    let verdict = match differ {
        0 => "The runs agree.".to_owned(),
        _ => format!("{differ} of {} do not agree.", agreement.rows.len()),
    };
    format!("{verdict} The noise was {first} in the first run, {second} in the second.")
}

/// What a group is, in one line.
pub(crate) fn title(group: &Group) -> String {
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
pub(crate) fn capacity_title(number: u32) -> String {
    format!("Capacity at {}", connections(number))
}

fn connections(number: u32) -> String {
    match number {
        1 => "1 connection".to_owned(),
        many => format!("{} connections", count(many.into())),
    }
}

/// Which engine made a table, and what kind of figure is in it.
pub(crate) fn engine(group: &Group) -> String {
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

/// Which contestants' accept queues were too short for so many connections at once. `None` when all were
/// long enough, or nothing is known.
pub(crate) fn queue(group: &Group) -> Option<String> {
    let overflows = |row: &Row| {
        let times = row.queue_overflows.filter(|times| *times >= 1.0)?;
        Some(format!("{} ({})", row.name, count(times)))
    };
    let full: Vec<String> = group.contestants().filter_map(overflows).collect();
    (!full.is_empty()).then(|| {
        format!(
            "Accept queue full, times a round: {}. A client that finds it full tries to connect again a second later.",
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
    let median = match ratio.is_noise {
        true => "≈ 1".to_owned(),
        false => small(median),
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
