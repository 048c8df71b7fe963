//! Tables that are made from others: of one step, and of the whole staircase.

use std::{env, ffi::OsString, fmt::Write, path::Path, process::Command};

use anyhow::{Context, Result, ensure};
use bench::{
    results::{Load, Results},
    summary::{self, Group, Row},
    units,
};
use output::Table;

use crate::{generated::readme_part, steps::Step};

/// What stands where there is nothing to say.
const NOTHING: &str = "–";

/// What gets a figure out of a row, as text.
type Get = fn(&Row) -> Option<String>;

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
        let Some(text) = readme_part(root, "contract")? else {
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
    let names = ["flask-debug", "flask-gunicorn"].into_iter();
    let names = names.chain(
        steps
            .iter()
            .filter(|step| step.number <= last.number)
            .map(|step| step.name.as_str()),
    );
    let rows = names
        .filter_map(|name| group.rows.iter().find(|row| row.name == name))
        .map(|row| {
            let ratio = row
                .ratios
                .first()
                .map_or(NOTHING.to_owned(), bench::cells::ratio);
            vec![
                format!("`{}`", row.name),
                or_nothing(row.per_second.map(|spread| units::count(spread.median))),
                ratio,
                or_nothing(
                    row.latency
                        .and_then(|latency| latency.p50)
                        .map(units::milliseconds),
                ),
                or_nothing(
                    row.latency
                        .and_then(|latency| latency.p99)
                        .map(units::milliseconds),
                ),
                or_nothing(row.cpu.as_ref().map(|cpu| units::short(cpu.server_us))),
                or_nothing(row.memory_bytes.map(units::mebibytes)),
                or_nothing(row.redis_commands.map(units::short)),
            ]
        });
    let first = group.baselines.first().copied().unwrap_or(NOTHING);
    let heading = [
        "",
        "requests/s",
        first,
        "p50 ms",
        "p99 ms",
        "server µs",
        "MiB",
        "Redis commands",
    ];
    let mut table = Table::new(heading);
    rows.for_each(|row| _ = table.add(row));
    let connections = units::count(group.connections.into());
    format!(
        "{}\nAt {connections} connections. {}",
        table.markdown(),
        bench::cells::noise(group)
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
    results: &Results,
) -> Result<String> {
    let groups = summary::summarise(results);
    let group = groups.iter().rfind(|group| group.load == Load::Capacity);
    // Step 0 takes part twice. gunicorn is what one would really run it with.
    let row = |step: &Step| {
        let name = if step.is_rust {
            step.name.as_str()
        } else {
            "flask-gunicorn"
        };
        group.and_then(|group| group.rows.iter().find(|row| row.name == name))
    };
    let figure = |step: &Step, get: Get| or_nothing(row(step).and_then(get));

    let mut rows: Vec<Vec<String>> = Vec::new();
    for (name, _, cells) in &contract.rows {
        let mut line = vec![name.clone()];
        line.extend(steps.iter().map(|step| contract.has(cells, step.number)));
        rows.push(line);
    }
    let figures: [(&str, Get); 5] = [
        ("requests/s", |row| {
            Some(units::count(row.per_second?.median))
        }),
        ("p99 ms", |row| Some(units::milliseconds(row.latency?.p99?))),
        ("server µs a response", |row| {
            Some(units::short(row.cpu.as_ref()?.server_us))
        }),
        ("memory MiB", |row| {
            Some(units::mebibytes(row.memory_bytes?))
        }),
        ("Redis commands a visit", |row| {
            Some(units::short(row.redis_commands?))
        }),
    ];
    for (name, get) in figures {
        let mut line = vec![name.to_owned()];
        line.extend(steps.iter().map(|step| figure(step, get)));
        rows.push(line);
    }
    let mut lines = vec!["lines of code".to_owned()];
    let mut crates = vec!["crates compiled".to_owned()];
    for step in steps {
        lines.push(units::count(step.lines_of_code()? as f64));
        crates.push(if step.is_rust {
            dependencies(root, step)?.to_string()
        } else {
            NOTHING.to_owned()
        });
    }
    rows.extend([lines, crates]);
    rows.extend(image_sizes(root, steps)?);

    let heading = steps.iter().map(|step| format!("step {}", step.number));
    let mut text = format!(
        "| | {} |\n|---|{}\n",
        heading.collect::<Vec<_>>().join(" | "),
        "---:|".repeat(steps.len())
    );
    for row in rows {
        let _ = writeln!(text, "| {} |", row.join(" | "));
    }
    let connections = group.map_or(0, |group| group.connections);
    let _ = write!(
        text,
        "\nFigures at {} connections; step 0 with gunicorn. Lines without comments. Crates with the step itself.",
        units::count(connections.into())
    );
    Ok(text)
}

/// The sizes of the images, where somebody recorded them: `tools/docker/image-sizes.txt`, a step and its bytes a line.
fn image_sizes(root: &Path, steps: &[Step]) -> Result<Option<Vec<String>>> {
    let file = root.join("tools/docker/image-sizes.txt");
    if !file.exists() {
        return Ok(None);
    }
    let text = crate::source::read(&file)?;
    let size = |step: &Step| {
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix(&step.name))?;
        let bytes: f64 = line.trim().parse().ok()?;
        Some(units::short(bytes / 1e6))
    };
    let mut row = vec!["image MB".to_owned()];
    row.extend(steps.iter().map(|step| or_nothing(size(step))));
    Ok(Some(row))
}

/// How many crates a step is compiled from, itself included.
///
/// # Errors
///
/// When cargo cannot tell.
pub fn dependencies(root: &Path, step: &Step) -> Result<usize> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let mut command = Command::new(cargo);
    // The target is named, or the number would depend on the machine.
    let arguments = [
        "tree",
        "--locked",
        "--edges",
        "normal",
        "--prefix",
        "none",
        "--target",
        "x86_64-unknown-linux-gnu",
    ];
    command
        .args(arguments)
        .args(["--package", &step.name])
        .current_dir(root);
    let output = command.output().context("cannot start cargo")?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "cargo tree does not know {}: {}",
        step.name,
        errors.trim()
    );
    let text = String::from_utf8_lossy(&output.stdout);
    let crates: std::collections::BTreeSet<&str> = text
        .lines()
        .map(|line| line.trim_end_matches(" (*)").trim())
        .filter(|line| !line.is_empty())
        .collect();
    Ok(crates.len())
}

fn or_nothing(text: Option<String>) -> String {
    text.unwrap_or_else(|| NOTHING.to_owned())
}
