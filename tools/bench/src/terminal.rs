//! The report for the terminal: at most 100 columns, what is void in red.

use crate::agreement::Agreement;
use crate::cells::{self, Table};
use crate::results::Results;
use crate::summary::{Group, summarise, warnings};

/// How wide the tables may be.
pub const COLUMNS_MAX: usize = 100;

/// How many ratios fit beside each other.
const BASELINES_MAX: usize = 2;

const RED: &str = "\x1b[31m";
const YELLOW: &str = "\x1b[33m";
const BOLD: &str = "\x1b[1m";
const RESET: &str = "\x1b[0m";

/// The whole report, with colours. Print it through `anstream`, which removes them where they do
/// not belong.
pub fn render(results: &Results) -> String {
    let mut text = String::new();
    for group in summarise(results) {
        text += &render_group(&group);
    }
    for warning in warnings(results) {
        text += &wrap("Warning: ", &warning, YELLOW);
    }
    text
}

/// How far two runs agree, with what differs in red.
pub fn agreements(agreements: &[Agreement]) -> String {
    let mut text = String::new();
    for agreement in agreements {
        text += &format!(
            "{BOLD}{}{RESET}\n\n",
            cells::capacity_title(agreement.connections)
        );
        text += &set(&cells::agreement(agreement));
        text.push('\n');
        text += &wrap("", &cells::noise_of_both(agreement), "");
        text.push('\n');
    }
    text
}

fn render_group(group: &Group) -> String {
    let mut text = format!("{BOLD}{}{RESET}\n", cells::title(group));
    text += &wrap("", &cells::engine(group), "");
    text.push('\n');
    text += &set(&cells::throughput(group, BASELINES_MAX));
    text.push('\n');
    text += &set(&cells::cost(group));
    text.push('\n');
    text += &wrap("", &cells::noise(group), "");
    if let Some(queue) = cells::queue(group) {
        text += &wrap("", &queue, "");
    }
    for row in &group.rows {
        for reason in &row.void {
            text += &wrap("VOID ", &format!("{}: {reason}", row.name), RED);
        }
    }
    text.push('\n');
    text
}

/// Sets a table: names to the left, everything else to the right.
fn set(table: &Table) -> String {
    let width = |text: &str| text.chars().count();
    let widths: Vec<usize> = (0..table.heading.len())
        .map(|column| {
            table
                .rows
                .iter()
                .chain([&table.heading])
                .map(|row| width(&row[column]))
                .max()
                .unwrap_or(0)
        })
        .collect();
    let line = |cells: &[String]| {
        let mut line = format!("{:<1$}", cells[0], widths[0]);
        for (cell, width) in cells.iter().zip(&widths).skip(1) {
            line += &format!("  {cell:>width$}");
        }
        line
    };
    let mut text = format!("{BOLD}{}{RESET}\n", line(&table.heading));
    for (row, is_void) in table.rows.iter().zip(&table.is_void) {
        text += &match is_void {
            true => format!("{RED}{}{RESET}\n", line(row)),
            false => line(row) + "\n",
        };
    }
    text
}

/// Breaks a sentence into lines that fit, in one colour.
fn wrap(label: &str, sentence: &str, colour: &str) -> String {
    let mut text = String::new();
    let mut line = label.to_owned();
    let finish = |line: &str| match colour {
        "" => format!("{}\n", line.trim_end()),
        _ => format!("{colour}{}{RESET}\n", line.trim_end()),
    };
    for word in sentence.split_whitespace() {
        if line.chars().count() + word.chars().count() > COLUMNS_MAX {
            text += &finish(&line);
            line = "  ".to_owned();
        }
        line += word;
        line.push(' ');
    }
    text + &finish(&line)
}
