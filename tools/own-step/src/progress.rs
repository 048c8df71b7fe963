//! `cargo xtask progress`: the staircase, and what of it is yours.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Result;
use clap::Args;
use output::terminal::{BOLD, DIM, GREEN, RED, RESET, YELLOW};
use similar::{ChangeTag, TextDiff};
use steps::{Language, Step};

use crate::{Goal, OwnStep, Row};

/// Show the staircase, and what of it is yours
#[derive(Args)]
pub struct ProgressOptions {
    /// The folder of your step, if you are not in it
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Show your sources beside ours
    #[arg(long)]
    diff: bool,
}

/// The width of one side, in characters.
const SIDE_WIDTH: usize = 76;

/// Prints the progress.
///
/// # Errors
///
/// When it cannot be read.
pub fn progress(root: &Path, options: &ProgressOptions) -> Result<ExitCode> {
    let own = OwnStep::require(options.dir.as_deref())?;
    own.remember(root)?;
    if options.diff {
        return beside(root, &own);
    }
    let sources = own.sources()?;
    for step in steps::all(root)? {
        if step.language != Language::Rust {
            continue;
        }
        let goal = Goal::of(root, &step.name)?;
        let is_yours = step.name == own.progress.step;
        let whose = if is_yours {
            format!("  {BOLD}yours{RESET}")
        } else {
            String::new()
        };
        anstream::println!("{BOLD}{}{RESET}  {}{whose}", step.name, step.description()?);
        if is_yours {
            goal.turns.iter().for_each(|row| print(&own, row, &sources));
            let is_bad = |row: &&Row| state(&own, row, &sources) != State::Met;
            let bad: Vec<&Row> = goal.keeps.iter().filter(is_bad).collect();
            let good = goal.keeps.len() - bad.len();
            anstream::println!(
                "  {DIM}and {good} of {} rows that may not get worse{RESET}",
                goal.keeps.len()
            );
            bad.into_iter().for_each(|row| print(&own, row, &sources));
        } else {
            let turns: Vec<&str> = goal.turns.iter().map(|row| row.id).collect();
            anstream::println!("  {DIM}{}{RESET}", turns.join(", "));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// How a row stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Met,
    NotMet,
    /// The sources have changed since.
    Stale,
    NeverChecked,
}

fn state(own: &OwnStep, row: &Row, sources: &str) -> State {
    match own.progress.rows.get(row.id) {
        None => State::NeverChecked,
        Some(entry) if entry.sources != sources => State::Stale,
        Some(entry) if entry.is_met() => State::Met,
        Some(_) => State::NotMet,
    }
}

fn print(own: &OwnStep, row: &Row, sources: &str) {
    let id = row.id;
    let entry = own.progress.rows.get(id);
    let (result, date) = entry.map_or(("", ""), |entry| (&entry.result, &entry.date));
    match state(own, row, sources) {
        State::Met => anstream::println!("  {GREEN}{result:<9}{RESET} {id:<22} {date}"),
        State::NotMet => anstream::println!("  {RED}{result:<9}{RESET} {id:<22} {date}"),
        State::Stale => anstream::println!(
            "  {YELLOW}stale{RESET}     {id:<22} {result} on {date}; the sources have changed since: cargo xtask check"
        ),
        State::NeverChecked => anstream::println!("  {DIM}{:<9} {id}{RESET}", "open"),
    }
}

/// Yours on the left, ours on the right, and what only ours has.
fn beside(root: &Path, own: &OwnStep) -> Result<ExitCode> {
    let goal = Goal::of(root, &own.progress.step)?;
    let yours = Step {
        name: own.progress.name.clone(),
        number: goal.step.number,
        folder: own.folder.clone(),
        language: Language::Rust,
    };
    let mut only_ours = Vec::new();
    for changed in diff::between(&yours, &goal.step)? {
        if !changed.file.starts_with("src") {
            continue;
        }
        if changed.old.is_empty() {
            only_ours.push(changed.file.display().to_string());
            continue;
        }
        anstream::println!("\n{BOLD}{}{RESET}: yours | ours", changed.file.display());
        two_columns(&changed.lines());
        let names = diff::pieces(&changed)
            .into_iter()
            .filter(|piece| piece.counts.1 == 0);
        only_ours.extend(names.map(|piece| format!("{}: {}", changed.file.display(), piece.name)));
    }
    let only_ours: BTreeSet<String> = only_ours.into_iter().collect();
    if !only_ours.is_empty() {
        anstream::println!("\n{BOLD}What ours has and yours may do without:{RESET}");
        only_ours
            .iter()
            .for_each(|what| anstream::println!("  {what}"));
    }
    Ok(ExitCode::SUCCESS)
}

/// Lines that were removed on the left, beside those that took their place on the right.
fn two_columns(diff: &TextDiff<'_, '_, str>) {
    for group in diff.grouped_ops(2) {
        anstream::println!("{DIM}{}{RESET}", "-".repeat(2 * SIDE_WIDTH + 3));
        for op in group {
            let side = |tag: ChangeTag| -> Vec<String> {
                let changes = diff.iter_changes(&op);
                let changes = changes.filter(|change| change.tag() == tag);
                changes.map(|change| cut(change.value())).collect()
            };
            let same = side(ChangeTag::Equal);
            same.iter()
                .for_each(|line| anstream::println!("{line:<SIDE_WIDTH$} | {line}"));
            let (left, right) = (side(ChangeTag::Delete), side(ChangeTag::Insert));
            for index in 0..left.len().max(right.len()) {
                let line = |side: &[String]| side.get(index).cloned().unwrap_or_default();
                let (left, right) = (line(&left), line(&right));
                anstream::println!("{RED}{left:<SIDE_WIDTH$}{RESET} | {GREEN}{right}{RESET}");
            }
        }
    }
}

/// A line that fits on one side.
fn cut(line: &str) -> String {
    line.trim_end().chars().take(SIDE_WIDTH).collect()
}
