//! `cargo xtask hint`: help in small pieces, made from the contract, the book and our own steps.

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, Result, bail};
use clap::Args;
use diff::{Piece, pieces};
use output::terminal::{BOLD, DIM, GREEN, RED, RESET};

use crate::{Goal, OwnStep};

/// Help with a step of your own: one hint, and the next time the next one
#[derive(Args)]
pub struct HintOptions {
    /// The number of a hint, to see it again
    number: Option<usize>,
    /// The folder of your step, if you are not in it
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

impl HintOptions {
    /// The next hint for the step in this folder.
    pub fn next(folder: &Path) -> Self {
        Self {
            number: None,
            dir: Some(folder.to_owned()),
        }
    }
}

/// Hints that there are before the pieces of the difference come, one by one.
const BEFORE_PIECES: usize = 3;

/// Prints a hint.
///
/// # Errors
///
/// When there is no such hint, or what it is made from cannot be read.
pub fn hint(root: &Path, options: &HintOptions) -> Result<ExitCode> {
    let mut own = OwnStep::require(options.dir.as_deref())?;
    own.remember(root)?;
    let goal = Goal::of(root, &own.progress.step)?;
    let pieces = changed_pieces(&goal)?;
    let all = BEFORE_PIECES + pieces.len();
    let number = options.number.unwrap_or((own.progress.hints + 1).min(all));
    if !(1..=all).contains(&number) {
        bail!("there is no hint {number}; there are 1 to {all}");
    }
    anstream::println!("\n{BOLD}Hint {number} of {all}{RESET}");
    match number {
        1 => evidence(&own, &goal)?,
        2 => book(root, &goal)?,
        3 => names(&goal, &pieces),
        _ => show(&pieces[number - BEFORE_PIECES - 1]),
    }
    if number < all {
        anstream::println!("\n{DIM}{}{RESET}", next(number));
    }
    own.progress.hints = own.progress.hints.max(number);
    own.save()?;
    Ok(ExitCode::SUCCESS)
}

/// What the hint after this one gives away.
fn next(number: usize) -> &'static str {
    match number {
        1 => "The next one: where the book speaks of it.",
        2 => "The next one: the names of what our step changes.",
        3 => "The next ones: what our step changes, piece by piece.",
        _ => "The next one: the next piece.",
    }
}

/// The first row that is not met: what it means, and what was seen of it.
fn evidence(own: &OwnStep, goal: &Goal) -> Result<()> {
    let seen = own.seen();
    let finding = |id: &str| seen.iter().find(|cell| cell.id == id);
    let is_met = |id: &str| {
        own.progress
            .rows
            .get(id)
            .is_some_and(|entry| entry.is_met())
    };
    let Some(row) = goal.rows().find(|row| !is_met(row.id)) else {
        anstream::println!(
            "Every row was met when it was checked last. Yours beside ours: cargo xtask progress --diff"
        );
        return Ok(());
    };
    anstream::println!(
        "The row to turn next is {BOLD}{}{RESET}. It means: {}.",
        row.id,
        row.statement
    );
    match finding(row.id).map(|cell| cell.finding.evidence()) {
        Some(seen) if !seen.is_empty() => {
            anstream::println!("What the last check saw of yours:");
            seen.lines()
                .for_each(|line| anstream::println!("  {RED}|{RESET} {line}"));
        }
        _ => anstream::println!(
            "What is seen of yours, the check says: cargo xtask check --only {}",
            row.id
        ),
    }
    anstream::println!(
        "Of the code that you began with, we say:\n  {}",
        goal.lack()?
    );
    Ok(())
}

/// Where the book speaks of it, and the question that it asks first.
fn book(root: &Path, goal: &Goal) -> Result<()> {
    let page = format!("{}.md", goal.step.name);
    let file = root.join("book/src").join(&page);
    let text = fs::read_to_string(&file);
    let text = text.with_context(|| format!("cannot read {}", file.display()))?;
    anstream::println!("{} has these sections on it:", file.display());
    let section = |name: &str| {
        let lines = text
            .lines()
            .skip_while(|line| line.trim() != format!("## {name}"));
        let lines: Vec<&str> = lines
            .skip(1)
            .take_while(|line| !line.starts_with("## "))
            .collect();
        lines
    };
    for name in ["What is still wrong", "Predict first", "The change"] {
        anstream::println!("  {name}");
        let parts = section(name)
            .into_iter()
            .filter_map(|line| line.strip_prefix("### "));
        parts.for_each(|part| anstream::println!("    {part}"));
    }
    let question = section("Predict first").into_iter();
    let question = question.take_while(|line| !line.starts_with("<details>"));
    let question: Vec<&str> = question.filter(|line| !line.is_empty()).collect();
    anstream::println!("It asks you first:\n  {}", question.join("\n  "));
    anstream::println!(
        "To read it in a browser, in {}: cargo xtask book serve",
        root.display()
    );
    Ok(())
}

/// The names of what our step changes, file by file.
fn names(goal: &Goal, pieces: &[(PathBuf, Piece)]) {
    anstream::println!(
        "From {} to {}, this changes:",
        goal.start.name,
        goal.step.name
    );
    let mut last = None;
    for (file, piece) in pieces {
        if last.replace(file) != Some(file) {
            anstream::println!("  {}", file.display());
        }
        let (added, removed) = piece.counts;
        anstream::println!(
            "    {:<32} {GREEN}+{added}{RESET} {RED}-{removed}{RESET}",
            piece.name
        );
    }
}

/// One piece of the difference.
fn show((file, piece): &(PathBuf, Piece)) {
    anstream::println!("{}: {BOLD}{}{RESET}", file.display(), piece.name);
    for line in &piece.lines {
        let colour = match line.as_bytes().first() {
            Some(b'+') => GREEN,
            Some(b'-') => RED,
            _ => DIM,
        };
        anstream::println!("{colour}{line}{RESET}");
    }
}

/// What our step changes, piece by piece. The manifest is the reader's already.
fn changed_pieces(goal: &Goal) -> Result<Vec<(PathBuf, Piece)>> {
    let changed = diff::between(&goal.start, &goal.step)?;
    let sources = changed
        .iter()
        .filter(|changed| changed.file.starts_with("src"));
    let pieces = sources.flat_map(|changed| {
        pieces(changed)
            .into_iter()
            .map(|piece| (changed.file.clone(), piece))
    });
    Ok(pieces.collect())
}
