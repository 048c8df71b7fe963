//! Tables that are made from others: of one step, and of the whole staircase.

use std::{fmt::Write, path::Path};

use anyhow::Result;
use bench::{
    cells::{self, Table},
    markdown,
    summary::Group,
    units,
};
use steps::{Language, Step};

use crate::{
    source::read,
    value::{self, dependencies, lines_of_code},
};

/// What stands where there is nothing to say.
const NOTHING: &str = "–";

/// The contract, as the README has it. A run of the contract writes that.
#[derive(Debug)]
pub struct Contract {
    /// The numbers of the steps, one a column.
    steps: Vec<String>,
    /// The capability, what it means, and what each step has.
    rows: Vec<(String, String, Vec<String>)>,
    /// The whole part.
    text: String,
}

impl Contract {
    /// Reads the README's table, if it has one.
    ///
    /// # Errors
    ///
    /// When the README cannot be read.
    pub fn read(root: &Path) -> Result<Option<Self>> {
        if !root.join("README.md").exists() {
            return Ok(None);
        }
        let text = read(&root.join("README.md"))?;
        let part = text.split_once("<!-- generated: contract -->");
        let part = part.and_then(|(_, rest)| rest.split_once("<!-- end: contract -->"));
        let Some(text) = part.map(|(part, _)| part.trim().to_owned()) else {
            return Ok(None);
        };
        let mut table = text
            .lines()
            .filter(|line| line.starts_with('|'))
            .map(|line| {
                let cells = line.trim().trim_matches('|').split('|');
                cells.map(|cell| cell.trim().to_owned()).collect::<Vec<_>>()
            });
        let heading = table.next().unwrap_or_default();
        let rows = table.skip(1).filter(|cells| cells.len() > 2);
        let rows = rows
            .map(|cells| (cells[0].clone(), cells[1].clone(), cells[2..].to_vec()))
            .collect();
        Ok(Some(Self {
            steps: heading.iter().skip(2).cloned().collect(),
            rows,
            text,
        }))
    }

    /// The table as the README has it.
    pub fn markdown(&self) -> String {
        self.text.clone()
    }

    /// What a step has, without the footnotes of the README.
    fn has(&self, cells: &[String], number: u32) -> String {
        let position = self
            .steps
            .iter()
            .position(|step| *step == number.to_string());
        let cell = position.and_then(|position| cells.get(position));
        let cell = cell.map_or("?", |cell| cell.split("<sup>").next().unwrap_or(cell));
        cell.to_owned()
    }

    /// The capabilities in which a step differs from the one before.
    pub fn news(&self, step: &Step) -> String {
        let before = step.number - 1;
        let mut text = format!(
            "| capability | | step {before} | step {} |\n|---|---|:-:|:-:|\n",
            step.number
        );
        let mut is_same = true;
        for (name, statement, cells) in &self.rows {
            let (old, new) = (self.has(cells, before), self.has(cells, step.number));
            if old != new {
                is_same = false;
                let _ = writeln!(text, "| {name} | {statement} | {old} | {new} |");
            }
        }
        if is_same {
            text = format!(
                "The contract sees no difference between step {before} and step {}.",
                step.number
            );
        }
        text
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
        let figure = |metric| or_nothing(value::figure(row, metric));
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
    contract: &Contract,
    group: Option<&Group>,
) -> Result<String> {
    let mut rows: Vec<Vec<String>> = Vec::new();
    for (name, _, cells) in &contract.rows {
        let has = steps.iter().map(|step| contract.has(cells, step.number));
        rows.push([name.clone()].into_iter().chain(has).collect());
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
            or_nothing(row.and_then(|row| value::figure(row, metric)))
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
    markdown::set(&Table {
        heading: heading.into_iter().map(str::to_owned).collect(),
        is_void: vec![false; rows.len()],
        rows,
    })
}

fn or_nothing(text: Option<String>) -> String {
    text.unwrap_or_else(|| NOTHING.to_owned())
}
