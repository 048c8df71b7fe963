//! `cargo xtask diff`: what changed from one step to another, and nothing else.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, Result};
use clap::Parser;
use similar::{ChangeTag, TextDiff};

use output::terminal::{self, BOLD, DIM, GREEN, RED, RESET};
use steps::Step;

/// Unchanged lines shown around each change.
const CONTEXT_LINES: usize = 3;

/// The widest bar that `--stat` draws, in characters.
const BAR_WIDTH_MAX: usize = 50;

/// Shows what changed from one step to another
#[derive(Parser)]
#[command(
    name = "cargo xtask diff",
    bin_name = "cargo xtask diff",
    max_term_width = 100
)]
struct DiffOptions {
    /// The earlier step, such as 2
    a: String,
    /// The later step, such as 3
    b: String,
    /// Only count the lines
    #[arg(long)]
    stat: bool,
}

fn main() -> ExitCode {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .expect("the tool lies in the workspace");
    run(root, &DiffOptions::parse()).unwrap_or_else(|error| {
        terminal::error(&terminal::one_line(&error));
        ExitCode::from(2)
    })
}

/// Prints the difference between two steps.
fn run(root: &Path, options: &DiffOptions) -> Result<ExitCode> {
    let a = steps::one(root, Some(&options.a))?;
    let b = steps::one(root, Some(&options.b))?;
    let files: BTreeSet<PathBuf> = files(&a)?.into_iter().chain(files(&b)?).collect();
    let mut stats = Vec::new();
    for file in files {
        let (old, new) = (read(&a, &file)?, read(&b, &file)?);
        let diff = TextDiff::from_lines(&old, &new);
        let count = |tag| {
            diff.iter_all_changes()
                .filter(|change| change.tag() == tag)
                .count()
        };
        let (added, removed) = (count(ChangeTag::Insert), count(ChangeTag::Delete));
        if added + removed == 0 {
            continue;
        }
        if !options.stat {
            print_hunks(&a, &b, &file, &diff);
        }
        stats.push((file, added, removed));
    }
    if options.stat {
        print_stat(&stats);
    }
    if stats.is_empty() {
        anstream::println!("{} and {} do not differ", a.name, b.name);
    }
    Ok(ExitCode::SUCCESS)
}

/// What makes a step: its manifest and its sources, relative to its folder.
fn files(step: &Step) -> Result<Vec<PathBuf>> {
    let mut files = vec![PathBuf::from("Cargo.toml")];
    let mut folders = vec![PathBuf::from("src")];
    while let Some(folder) = folders.pop() {
        let path = step.folder.join(&folder);
        for entry in
            fs::read_dir(&path).with_context(|| format!("cannot read {}", path.display()))?
        {
            let entry = entry?;
            let file = folder.join(entry.file_name());
            if entry.file_type()?.is_dir() {
                folders.push(file);
            } else {
                files.push(file);
            }
        }
    }
    Ok(files)
}

/// The text of a file, with the step's own name made neutral: it differs everywhere and says nothing.
/// The lines that mark a part for the book say nothing either. A file that the step does not have is
/// empty.
fn read(step: &Step, file: &Path) -> Result<String> {
    let path = step.folder.join(file);
    if !path.exists() {
        return Ok(String::new());
    }
    let text =
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let is_mark = |line: &&str| line.contains("ANCHOR: ") || line.contains("ANCHOR_END: ");
    let text: String = text
        .split_inclusive('\n')
        .filter(|line| !is_mark(line))
        .collect();
    Ok(text
        .replace(&step.name, "step-N")
        .replace(&step.crate_name(), "step_N"))
}

fn print_hunks(a: &Step, b: &Step, file: &Path, diff: &TextDiff<'_, '_, str>) {
    let file = file.display();
    anstream::println!(
        "{BOLD}--- {}/{file}{RESET}\n{BOLD}+++ {}/{file}{RESET}",
        a.name,
        b.name
    );
    for hunk in diff
        .unified_diff()
        .context_radius(CONTEXT_LINES)
        .iter_hunks()
    {
        anstream::println!("{DIM}{}{RESET}", hunk.header());
        for change in hunk.iter_changes() {
            let line = change.value().trim_end_matches('\n');
            match change.tag() {
                ChangeTag::Delete => anstream::println!("{RED}-{line}{RESET}"),
                ChangeTag::Insert => anstream::println!("{GREEN}+{line}{RESET}"),
                ChangeTag::Equal => anstream::println!(" {line}"),
            }
        }
    }
    anstream::println!();
}

fn print_stat(stats: &[(PathBuf, usize, usize)]) {
    let width = stats
        .iter()
        .map(|(file, ..)| file.display().to_string().len())
        .max()
        .unwrap_or(0);
    let most = stats
        .iter()
        .map(|(_, added, removed)| added + removed)
        .max()
        .unwrap_or(1);
    // A file with changes shows at least one sign of each kind that it has.
    let scale = |lines: usize| (lines * BAR_WIDTH_MAX).div_ceil(most.max(BAR_WIDTH_MAX));
    for (file, added, removed) in stats {
        let (plus, minus) = ("+".repeat(scale(*added)), "-".repeat(scale(*removed)));
        let lines = added + removed;
        let file = file.display().to_string();
        anstream::println!("{file:<width$} | {lines:>4} {GREEN}{plus}{RED}{minus}{RESET}");
    }
    let (added, removed) = stats
        .iter()
        .fold((0, 0), |sum, stat| (sum.0 + stat.1, sum.1 + stat.2));
    anstream::println!(
        "{} files, {added} lines added, {removed} removed",
        stats.len()
    );
}
