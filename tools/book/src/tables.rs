//! Tables that are made from others: of one step, and of the whole staircase.

use std::{fmt::Write, path::Path};

use anyhow::Result;
use bench::{cells, summary::Group, units};
use contract::{CAPABILITIES, Capability, Finding, Report};
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
    match report.and_then(|report| report.finding(id)) {
        Some(Finding::Has { .. } | Finding::HasBut { .. }) => "yes",
        Some(Finding::Lacks { .. }) => NOTHING,
        Some(Finding::LeftOut { .. } | Finding::Broken { .. }) | None => "?",
    }
}

/// The steps up to one, in the circumstances of a group.
pub fn up_to(group: &Group, last: &Step, steps: &[&Step]) -> String {
    let metrics = [
        ("p50 ms", "p50"),
        ("p99 ms", "p99"),
        ("server µs", "server-us"),
        ("MiB", "memory"),
        ("Redis commands", "commands"),
    ];
    let steps = steps.iter().filter(|step| step.number <= last.number);
    let steps = steps.map(|step| step.name.as_str());
    let names = ["flask-debug", "flask-gunicorn"].into_iter().chain(steps);
    let rows = names.filter_map(|name| group.rows.iter().find(|row| row.name == name));
    let rows = rows.map(|row| {
        let figure = |metric| or_nothing(cells::figure(row, metric));
        let ratio = row.ratios.first();
        let mut cells = vec![format!("`{}`", row.name), figure("requests")];
        cells.push(ratio.map_or(NOTHING.to_owned(), cells::ratio));
        cells.extend(metrics.map(|(_, metric)| figure(metric)));
        cells
    });
    let baseline = group.baselines.first().copied().unwrap_or(NOTHING);
    let mut heading = vec!["", "requests/s", baseline];
    heading.extend(metrics.map(|(name, _)| name));
    let table = table(heading, rows.collect());
    let connections = units::count(group.connections.into());
    format!(
        "{table}\nAt {connections} connections. {}",
        cells::noise(group)
    )
}

/// Capabilities, speed and size of all steps: one column a step.
///
/// # Errors
///
/// When a step cannot be read or cargo does not know it.
pub fn staircase(
    root: &Path,
    steps: &[Step],
    reports: &[Report],
    group: Option<&Group>,
) -> Result<String> {
    let mut rows: Vec<Vec<String>> = Vec::new();
    for Capability { id, .. } in CAPABILITIES {
        let has = steps.iter().map(|step| has(reports, step.number, id));
        let has = has.map(str::to_owned);
        rows.push([format!("`{id}`")].into_iter().chain(has).collect());
    }
    for (name, metric) in [
        ("requests/s", "requests"),
        ("p99 ms", "p99"),
        ("server µs a response", "server-us"),
        ("memory MiB", "memory"),
        ("Redis commands a visit", "commands"),
    ] {
        let figures = steps.iter().map(|step| {
            // Step 0 takes part twice. gunicorn is what one would really run it with.
            let name = match step.language {
                Language::Rust => step.name.as_str(),
                Language::Python => "flask-gunicorn",
            };
            let row = group.and_then(|group| group.rows.iter().find(|row| row.name == name));
            or_nothing(row.and_then(|row| cells::figure(row, metric)))
        });
        rows.push([name.to_owned()].into_iter().chain(figures).collect());
    }
    let mut lines = vec!["lines of code".to_owned()];
    let mut crates = vec!["crates compiled".to_owned()];
    for step in steps {
        lines.push(units::count(lines_of_code(step)? as f64));
        crates.push(match step.language {
            Language::Rust => dependencies(root, step)?.to_string(),
            Language::Python => NOTHING.to_owned(),
        });
    }
    rows.extend([lines, crates]);

    let numbers: Vec<String> = steps.iter().map(|s| format!("step {}", s.number)).collect();
    let heading = [""].into_iter().chain(numbers.iter().map(String::as_str));
    let table = table(heading.collect(), rows);
    let connections = group.map_or(0, |group| group.connections);
    Ok(format!(
        "{table}\nFigures at {} connections; step 0 with gunicorn. Lines without comments. Crates with the step itself.",
        units::count(connections.into())
    ))
}

fn table(heading: Vec<&str>, rows: Vec<Vec<String>>) -> String {
    let mut table = Table::new(heading);
    for row in rows {
        table.add(row);
    }
    table.markdown()
}

fn or_nothing(text: Option<String>) -> String {
    text.unwrap_or_else(|| NOTHING.to_owned())
}
