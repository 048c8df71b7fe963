//! `cargo xtask progress`: the staircase, and what of it is yours.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Result;
use clap::Args;
use diff::{print_beside, print_line};
use output::terminal::{BOLD, DIM, GREEN, RED, RESET, YELLOW};
use steps::{Language, Step};

use crate::{Goal, OwnStep, Row, exercise, folder::Standing};

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
    let goal = own.goal(root)?;
    own.say_if_older(root, &goal)?;
    if let Some(exercise) = &goal.exercise {
        let (name, step) = (&exercise.name, &exercise.step);
        anstream::println!("{BOLD}{name}{RESET}  an exercise of {step}  (yours)");
        rows(&own, &goal, &sources);
        return Ok(ExitCode::SUCCESS);
    }
    for step in steps::all(root)? {
        if step.language != Language::Rust {
            continue;
        }
        let goal = Goal::of(root, &step.name)?;
        let is_yours = step.name == own.progress.step;
        let whose = if is_yours { "  (yours)" } else { "" };
        let (name, description) = (&step.name, step.description()?);
        anstream::println!("{BOLD}{name}{RESET}  {description}{whose}");
        if is_yours {
            rows(&own, &goal, &sources);
        } else {
            let turns: Vec<&str> = goal.turns.iter().map(|row| row.id).collect();
            anstream::println!("  {DIM}{}{RESET}", turns.join(", "));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// All rows of the goal, and of the others those that are not met.
fn rows(own: &OwnStep, goal: &Goal, sources: &str) {
    goal.turns.iter().for_each(|row| print(own, row, sources));
    let is_bad = |row: &&Row| own.standing(row, sources) != Standing::Met;
    let bad: Vec<&Row> = goal.keeps.iter().filter(is_bad).collect();
    let (good, all) = (goal.keeps.len() - bad.len(), goal.keeps.len());
    anstream::println!("  {DIM}and {good} of {all} rows that may not get worse{RESET}");
    bad.into_iter().for_each(|row| print(own, row, sources));
}

fn print(own: &OwnStep, row: &Row, sources: &str) {
    let entry = own.progress.rows.get(row.id);
    let (result, date) = entry.map_or(("", ""), |entry| (&entry.result, &entry.date));
    let wanted = row.wanted.to_string();
    let (colour, result, more) = match own.standing(row, sources) {
        Standing::Met => (GREEN, &*wanted, ""),
        Standing::NotMet => (RED, result, ""),
        Standing::Stale => (
            YELLOW,
            "stale",
            "; the sources have changed since: cargo xtask check",
        ),
        Standing::NeverChecked => (DIM, "open", ""),
    };
    let name = own.name_of(row);
    anstream::println!("  {colour}{result:<9}{RESET} {name:<22} {date}{more}");
}

/// Yours on the left, ours on the right, and what only ours has. An exercise has the step that it changes on
/// the right, and our solution below.
fn beside(root: &Path, own: &OwnStep) -> Result<ExitCode> {
    let goal = own.goal(root)?;
    let right = if goal.exercise.is_some() {
        "the start"
    } else {
        "ours"
    };
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
        let file = changed.file.display();
        if changed.old.is_empty() {
            only_ours.push(file.to_string());
            continue;
        }
        anstream::println!("\n{BOLD}{file}{RESET}: yours | {right}");
        print_beside(&changed.lines());
        let pieces = diff::pieces(&changed).into_iter();
        let added = pieces.filter(|piece| piece.counts.1 == 0);
        only_ours.extend(added.map(|piece| format!("{file}: {}", piece.name)));
    }
    if let Some(exercise) = &goal.exercise {
        anstream::println!("\n{BOLD}Our solution:{RESET}");
        exercise::shown(&exercise.patch)
            .lines()
            .for_each(print_line);
    } else if !only_ours.is_empty() {
        anstream::println!("\n{BOLD}What ours has and yours may do without:{RESET}");
        for what in only_ours {
            anstream::println!("  {what}");
        }
    }
    Ok(ExitCode::SUCCESS)
}
