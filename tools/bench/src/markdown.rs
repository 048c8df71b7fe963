//! The report for a page: `report.md` in the folder of a run, and the part of the README about a run.

use std::fmt::Write;
use std::path::Path;

use crate::cells::{self, Table};
use crate::plot::Plot;
use crate::results::{Load, Rate, Results};
use crate::summary::{Group, Row, summarise, warnings};
use crate::units::{count, mebibytes, milliseconds};

/// The whole report. It refers to the plots by their file names, in the same folder.
pub fn report(results: &Results, plots: &[Plot]) -> String {
    let mut text = String::from("<!-- Written by cargo xtask bench; do not edit. -->\n\n");
    text += "# Benchmark report\n\n";
    text += &circumstances(results);
    for group in summarise(results) {
        text += &section(&group, plots);
    }
    text += READING;
    text
}

/// What a reader must know to read the figures.
const READING: &str = "\
## How to read this

- Requests/s is the median of the rounds that count, with the lowest and the highest of them.
- A ratio is taken round by round, between contestants that ran in the same round; the table has its
  median, and its lowest and highest value in parentheses.
- The noise is the largest difference, in any round, between one contestant and the same one again. It
  is that of this run: `cargo xtask bench compare` says whether another run agrees.
- A round counts when every response had status 200, no connection was lost, and the counter on the
  page moved by the number of responses and at most one more for each connection. Any other round is
  void.
- Closed-loop latency hides stalls: while a server stands still nobody asks. wrk corrects for that in
  part. For latency, use a run at a fixed rate.
- A visitor who finds the accept queue full knocks again after a second. wrk counts latency from the
  request on, so that this second is in no percentile.
- A percentile needs ten responses beyond it in every round, or it is left out.
- Server, Redis and load µs are processor time for each response, all processes and threads together.
- MiB is the peak memory of the server's processes, added up. Commands are Redis commands for each
  visit.
";

/// The part of the README that shows a run: a table with one row for each contestant, the capacity at
/// every number of connections, and the rest at the last of them; and a plot of these. `folder` is where
/// the run lies, as seen from the README.
pub fn readme_part(results: &Results, plots: &[Plot], folder: &Path) -> String {
    let groups: Vec<Group> = summarise(results)
        .into_iter()
        .filter(|group| group.load == Load::Capacity)
        .collect();
    let Some(last) = groups.last() else {
        return "No contestant has a capacity in this run.\n".to_owned();
    };
    let mut heading = vec![String::new()];
    heading.extend(groups.iter().map(|group| {
        format!(
            "requests/s, {} connections",
            count(group.connections.into())
        )
    }));
    heading.extend(last.baselines.iter().take(2).map(ToString::to_string));
    heading.extend(["p99 ms", "MiB", "Redis commands"].map(str::to_owned));
    let rows = last.rows.iter().enumerate();
    let rows = rows.filter(|(_, row)| !row.is_repetition).map(|(at, row)| {
        let mut cells = vec![code(&row.name)];
        cells.extend(groups.iter().map(|group| cells::requests(&group.rows[at])));
        cells.extend(row.ratios.iter().take(2).map(cells::ratio));
        cells.extend(rest(row));
        cells
    });
    let table = Table {
        heading,
        rows: rows.collect(),
        is_void: Vec::new(),
    };
    let Results { machine, date, .. } = results;
    let folder = folder.display();
    let mut text = format!(
        "{}\n{} rounds of {} s with {} on {} cores, {}; the rest of the columns at {} connections. {} [All figures]({folder}/report.md).\n",
        set(&table),
        results.plan.rounds,
        results.plan.duration_s,
        last.engine,
        machine.cores,
        date.split('T').next().unwrap_or(date),
        count(last.connections.into()),
        cells::noise(last)
    );
    if let Some(plot) = plots.iter().find(|plot| plot.is_of(last)) {
        let _ = writeln!(text, "\n![{}]({folder}/{})", plot.description, plot.file);
    }
    text
}

fn rest(row: &Row) -> [String; 3] {
    let nothing = || "–".to_owned();
    let p99 = row.latency.and_then(|latency| latency.p99);
    [
        p99.map_or_else(nothing, milliseconds),
        row.memory_bytes.map_or_else(nothing, mebibytes),
        row.redis_commands.map_or_else(nothing, crate::units::short),
    ]
}

/// When, where and how a run was made, and what to know before believing it.
pub fn circumstances(results: &Results) -> String {
    let Results { machine, plan, .. } = results;
    let memory = machine
        .memory_bytes
        .map_or(String::new(), |bytes| format!(", {} MiB", mebibytes(bytes)));
    let versions: Vec<String> = results
        .versions
        .iter()
        .map(|(name, version)| format!("{name} {version}"))
        .collect();
    let rate = match plan.rate {
        None => String::new(),
        Some(Rate::PerSecond(rate)) => format!(", at {} requests/s", count(rate)),
        Some(Rate::PercentOfSlowest(percent)) => {
            format!(", then at {percent} % of the slowest contestant's capacity")
        }
    };
    let lines = [
        ("Date", results.date.clone()),
        ("Command", code(&results.command)),
        (
            "Commit",
            results.commit.clone().unwrap_or("unknown".to_owned()),
        ),
        (
            "Machine",
            format!("{}, {} cores{memory}", machine.processor, machine.cores),
        ),
        ("System", format!("{}, {}", machine.system, machine.kernel)),
        ("Versions", versions.join(", ")),
        ("Build", plan.profile.clone()),
        (
            "Plan",
            format!(
                "{} rounds, interleaved; each {} s after {} s of warm-up; {} threads{rate}",
                plan.rounds, plan.duration_s, plan.warm_up_s, plan.threads
            ),
        ),
    ];
    let mut text = String::new();
    for (name, value) in lines {
        let _ = writeln!(text, "- {name}: {value}");
    }
    for warning in warnings(results) {
        let _ = writeln!(text, "- **Warning:** {warning}");
    }
    text.push('\n');
    text
}

fn section(group: &Group, plots: &[Plot]) -> String {
    let mut text = format!("## {}\n\n{}\n\n", cells::title(group), cells::engine(group));
    text += &set(&cells::throughput(group, usize::MAX));
    text.push('\n');
    text += &set(&cells::cost(group));
    let _ = writeln!(text, "\n{}\n", cells::noise(group));
    if let Some(queue) = cells::queue(group) {
        let _ = writeln!(text, "{queue}\n");
    }
    for row in &group.rows {
        for reason in &row.void {
            let reason = reason.replace('\n', " ");
            let _ = writeln!(text, "- **Void:** {}: {reason}", code(&row.name));
        }
    }
    if group.rows.iter().any(|row| !row.void.is_empty()) {
        text.push('\n');
    }
    for plot in plots.iter().filter(|plot| plot.is_of(group)) {
        let _ = writeln!(text, "![{}]({})\n", plot.description, plot.file);
    }
    text
}

/// Sets a table in Markdown: names to the left, everything else to the right.
pub fn set(table: &Table) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let rules: Vec<String> = (0..table.heading.len())
        .map(|column| if column == 0 { "---" } else { "---:" }.to_owned())
        .collect();
    let mut text = line(&table.heading) + &line(&rules);
    for row in &table.rows {
        text += &line(row);
    }
    text
}

fn code(text: &str) -> String {
    format!("`{text}`")
}
