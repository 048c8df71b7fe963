//! Tables that are made from others: of one step, and of the whole staircase.

use std::{fmt::Write, path::Path};

use anyhow::Result;
use bench::{
    cells::{self, figure, or_nothing},
    summary::Group,
    units,
};
use contract::{CAPABILITIES, Capability, Report, Verdict};
use experiments::false_alarms::FalseAlarms;
use output::Table;
use steps::{Language, Step};

use crate::value::{dependencies, lines_of_code};

/// What stands where there is nothing to say.
const NOTHING: &str = "–";

/// The capabilities in which a step differs from the one before.
pub fn news(reports: &[Report], step: &Step) -> String {
    let number = step.number;
    let before = number - 1;
    let mut rows = String::new();
    for Capability { id, statement, .. } in CAPABILITIES {
        let (old, new) = (has(reports, before, id), has(reports, number, id));
        if old != new {
            let _ = writeln!(rows, "| `{id}` | {statement} | {old} | {new} |");
        }
    }
    match rows.as_str() {
        "" => format!("The contract sees no difference between step {before} and step {number}."),
        rows => {
            format!("| capability | | step {before} | step {number} |\n|---|---|:-:|:-:|\n{rows}")
        }
    }
}

/// Whether the contract found that a step has a capability, as the tables say it.
fn has(reports: &[Report], step: u32, id: &str) -> &'static str {
    let start = format!("step-{step}-");
    let mut reports = reports.iter();
    let report = reports.find(|report| report.subject.starts_with(&start));
    let finding = report.and_then(|report| report.finding(id));
    match finding.map(|finding| finding.verdict) {
        Some(Verdict::Has | Verdict::HasBut) => "yes",
        Some(Verdict::Lacks) => NOTHING,
        Some(Verdict::LeftOut | Verdict::Broken) | None => "?",
    }
}

/// What each time-out of the nodes costs: nobody counts for a while after a death, and a master that was only
/// slow is replaced.
pub fn false_alarms(found: &FalseAlarms) -> String {
    let seconds = |milliseconds: u64| format!("{} s", milliseconds as f64 / 1000.0);
    let pauses = found
        .pauses_ms
        .iter()
        .map(|pause| format!("paused {}", seconds(*pause)));
    let first = ["`cluster-node-timeout`", "killed: replaced after"].map(str::to_owned);
    let mut table = Table::new(first.into_iter().chain(pauses).chain(["busy".to_owned()]));
    for row in &found.found {
        let killed = format!("{:.1} s", row.failover_median_ms() as f64 / 1000.0);
        let replaced = row.replaced.iter().map(usize::to_string);
        let busy = row.elections_when_busy.to_string();
        let first = [seconds(row.node_timeout_ms), killed];
        table.add(first.into_iter().chain(replaced).chain([busy]));
    }
    format!(
        "{}\n*Paused*: how many of {} pauses ended with another master. *Busy*: how many elections there were while {} \
         threads kept {} cores busy for {} s. {}.",
        table.markdown(),
        found.rounds,
        found.busy_threads,
        found.cores,
        found.busy_s,
        found.redis,
    )
}

/// The contestants that a reader of a step's chapter has met: the original, and the steps up to that one.
pub fn met<'a>(last: &Step, steps: &[&'a Step]) -> Vec<&'a str> {
    let steps = steps.iter().filter(|step| step.number <= last.number);
    let steps = steps.map(|step| step.name.as_str());
    ["flask-debug", "flask-gunicorn"]
        .into_iter()
        .chain(steps)
        .collect()
}

/// What was measured of all contestants of a group that a chapter may show. `trust` is what to say of them.
pub fn measured(group: &Group, trust: &str) -> String {
    let metrics = [
        ("p50 ms", "p50"),
        ("p99 ms", "p99"),
        ("server µs", "server-us"),
        ("MiB", "memory"),
        ("visits/command", "visits-per-command"),
    ];
    let baseline = cells::by_reference(group);
    let heading = ["", "requests/s", &baseline].into_iter();
    let mut table = Table::new(heading.chain(metrics.map(|(name, _)| name)));
    for row in &group.rows {
        let figure = |metric| or_nothing(figure(row, metric));
        let ratio = or_nothing(cells::ratio_of(group, row, "requests"));
        let cells = [format!("`{}`", row.name), figure("requests"), ratio];
        let others = metrics.map(|(_, name)| figure(name));
        table.add(cells.into_iter().chain(others));
    }
    let connections = units::count(group.connections.into());
    let table = table.markdown();
    format!("{table}\nAt {connections} connections, with 95 % intervals. {trust}")
}

/// What each step can do. What a step can do and the one before cannot is bold, and the reverse italic.
pub fn capabilities(reports: &[Report]) -> String {
    contract::markdown_with(reports, |sign, before| {
        let is_news = before.is_some_and(|before| before != sign);
        match (sign, is_news) {
            ("yes", true) => "**✓**".to_owned(),
            ("yes", false) => "✓".to_owned(),
            (_, true) => format!("*{sign}*"),
            (_, false) => sign.to_owned(),
        }
    })
}

/// Speed and size of all steps: one column a step.
///
/// # Errors
///
/// When a step cannot be read or cargo does not know it.
pub fn staircase(root: &Path, steps: &[Step], group: Option<&Group>) -> Result<String> {
    let numbers = steps.iter().map(|step| format!("step {}", step.number));
    let mut table = Table::new([String::new()].into_iter().chain(numbers));
    let mut row = |name: &str, cells: Vec<String>| {
        table.add([name.to_owned()].into_iter().chain(cells));
    };
    for (name, metric) in [
        ("requests/s", "requests"),
        ("p99 ms", "p99"),
        ("server µs a response", "server-us"),
        ("memory MiB", "memory"),
        ("visits a Redis command", "visits-per-command"),
    ] {
        let figures = steps.iter().map(|step| {
            // Step 0 takes part twice. gunicorn is what one would really run it with.
            let name = match step.language {
                Language::Rust => step.name.as_str(),
                Language::Python => "flask-gunicorn",
            };
            let row = group.and_then(|group| group.rows.iter().find(|row| row.name == name));
            or_nothing(row.and_then(|row| figure(row, metric)))
        });
        row(name, figures.collect());
    }
    let (mut lines, mut crates) = (Vec::new(), Vec::new());
    for step in steps {
        lines.push(units::count(lines_of_code(step)? as f64));
        crates.push(match step.language {
            Language::Rust => dependencies(root, step)?.to_string(),
            Language::Python => NOTHING.to_owned(),
        });
    }
    row("lines of code", lines);
    row("crates compiled", crates);
    let connections = units::count(group.map_or(0, |group| group.connections).into());
    Ok(format!(
        "{}\nFigures at {connections} connections; step 0 with gunicorn. Lines without comments. Crates with the step itself.",
        table.markdown()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use experiments::false_alarms::Found;

    #[test]
    fn a_row_for_each_time_out_says_what_a_death_and_a_pause_cost() {
        let found = FalseAlarms {
            date: String::new(),
            cores: 2,
            redis: "redis-server 7".to_owned(),
            rounds: 10,
            pauses_ms: vec![500, 2000],
            busy_threads: 16,
            busy_s: 60,
            found: vec![Found {
                node_timeout_ms: 1000,
                failover_ms: vec![2600, 2000, 2400],
                replaced: vec![0, 9],
                elections_when_busy: 1,
            }],
        };
        let expected = "\
| `cluster-node-timeout` | killed: replaced after | paused 0.5 s | paused 2 s | busy |
| --- | ---: | ---: | ---: | ---: |
| 1 s | 2.4 s | 0 | 9 | 1 |

*Paused*: how many of 10 pauses ended with another master. *Busy*: how many elections there were while 16 threads \
kept 2 cores busy for 60 s. redis-server 7.";
        assert_eq!(false_alarms(&found), expected);
    }
}
