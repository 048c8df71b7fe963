//! `cargo xtask diff`: what changed from one step to another, and nothing else.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Result;
use clap::Parser;
use diff::{CONTEXT_LINES, print_line};
use similar::TextDiff;

use output::terminal::{self, BOLD, DIM, GREEN, RED, RESET};
use steps::Step;

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
    let changed = diff::between(&a, &b)?;
    let mut stats = Vec::new();
    for changed in &changed {
        if !options.stat {
            print_hunks(&a, &b, &changed.file, &changed.lines());
        }
        let (added, removed) = changed.counts();
        stats.push((changed.file.clone(), added, removed));
    }
    if options.stat {
        print_stat(&stats);
    }
    if stats.is_empty() {
        anstream::println!("{} and {} do not differ", a.name, b.name);
    }
    Ok(ExitCode::SUCCESS)
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
            print_line(&format!("{}{line}", change.tag()));
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
