//! `cargo xtask hint`: help in small pieces, made from the contract, the book and our own steps.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Result, bail};
use clap::Args;
use diff::{Piece, pieces, print_line};
use output::terminal::{BOLD, DIM, GREEN, RED, RESET};

use crate::{Goal, OwnStep, Row, files::text, folder::Standing};

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
    let goal = own.goal(root)?;
    own.say_if_older(root, &goal)?;
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
    let sources = own.sources()?;
    let is_open = |row: &&Row| own.standing(row, &sources) != Standing::Met;
    let Some(Row { id, statement, .. }) = goal.rows().find(is_open) else {
        anstream::println!("Every row is met. Yours beside ours: cargo xtask progress --diff");
        return Ok(());
    };
    anstream::println!("The row to turn next is {BOLD}{id}{RESET}. It means: {statement}.");
    let seen = own.seen().into_iter().find(|cell| cell.id == *id);
    match seen.map(|cell| cell.finding.evidence) {
        Some(seen) if !seen.is_empty() => {
            anstream::println!("What the last check saw of yours:");
            for line in seen.lines() {
                anstream::println!("  {RED}|{RESET} {line}");
            }
        }
        _ => anstream::println!("What is seen of yours: cargo xtask check --only {id}"),
    }
    if goal.exercise.is_none() {
        let lack = goal.lack()?;
        anstream::println!("Of the code that you began with, we say:\n  {lack}");
    }
    Ok(())
}

/// Where the book speaks of it, and the question that it asks first.
fn book(root: &Path, goal: &Goal) -> Result<()> {
    let file = root.join(format!("book/src/{}.md", goal.step.name));
    let text = text(&file)?;
    let section = |name: &str| {
        let heading = format!("## {name}");
        let lines = text.lines().skip_while(move |line| line.trim() != heading);
        lines.skip(1).take_while(|line| !line.starts_with("## "))
    };
    anstream::println!("{} has these sections on it:", file.display());
    for name in ["What is still wrong", "Predict first", "The change"] {
        anstream::println!("  {name}");
        for part in section(name).filter_map(|line| line.strip_prefix("### ")) {
            anstream::println!("    {part}");
        }
    }
    if goal.exercise.is_none() {
        anstream::println!("It asks you first:");
        let question = section("Predict first").take_while(|line| !line.starts_with("<details>"));
        for line in question.filter(|line| !line.is_empty()) {
            anstream::println!("  {line}");
        }
    }
    let root = root.display();
    anstream::println!("To read it in a browser, in {root}: cargo xtask book serve");
    Ok(())
}

/// The names of what our step changes, file by file.
fn names(goal: &Goal, pieces: &[(PathBuf, Piece)]) {
    let (start, step) = (&goal.start.name, &goal.step.name);
    match &goal.exercise {
        Some(exercise) => anstream::println!("Our solution of {} changes this:", exercise.name),
        None => anstream::println!("From {start} to {step}, this changes:"),
    }
    let mut last = None;
    for (file, piece) in pieces {
        if last.replace(file) != Some(file) {
            anstream::println!("  {}", file.display());
        }
        let (name, (added, removed)) = (&piece.name, piece.counts);
        anstream::println!("    {name:<32} {GREEN}+{added}{RESET} {RED}-{removed}{RESET}");
    }
}

/// One piece of the difference.
fn show((file, piece): &(PathBuf, Piece)) {
    anstream::println!("{}: {BOLD}{}{RESET}", file.display(), piece.name);
    piece.text.lines().for_each(print_line);
}

/// What our step changes, piece by piece. The manifest is the reader's already.
fn changed_pieces(goal: &Goal) -> Result<Vec<(PathBuf, Piece)>> {
    if let Some(exercise) = &goal.exercise {
        return Ok(exercise.pieces());
    }
    let mut all = Vec::new();
    for changed in diff::between(&goal.start, &goal.step)? {
        if changed.file.starts_with("src") {
            let pieces = pieces(&changed).into_iter();
            all.extend(pieces.map(|piece| (changed.file.clone(), piece)));
        }
    }
    Ok(all)
}
