//! `cargo xtask diff`: what changed from one step to another, and nothing else.

use std::{path::Path, process::ExitCode};

use anyhow::Result;
use clap::Parser;
use diff::{CONTEXT_LINES, Changed};
use output::terminal::{BOLD, DIM, GREEN, RED, RESET};
use similar::ChangeTag;
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
    command_line::main(|root, options: DiffOptions| run(root, &options))
}

/// Prints the difference between two steps.
fn run(root: &Path, options: &DiffOptions) -> Result<ExitCode> {
    let a = steps::one(root, Some(&options.a))?;
    let b = steps::one(root, Some(&options.b))?;
    let changed = diff::between(&a, &b)?;
    if changed.is_empty() {
        anstream::println!("{} and {} do not differ", a.name, b.name);
    } else if options.stat {
        print_stat(&changed);
    } else {
        for changed in &changed {
            print_hunks(&a, &b, changed);
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn print_hunks(a: &Step, b: &Step, changed: &Changed) {
    let (a, b, file) = (&a.name, &b.name, changed.file.display());
    anstream::println!("{BOLD}--- {a}/{file}{RESET}\n{BOLD}+++ {b}/{file}{RESET}");
    let lines = changed.lines();
    let mut diff = lines.unified_diff();
    for hunk in diff.context_radius(CONTEXT_LINES).iter_hunks() {
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

fn print_stat(changed: &[Changed]) {
    let stat = |changed: &Changed| (changed.file.display().to_string(), changed.counts());
    let stats: Vec<(String, (usize, usize))> = changed.iter().map(stat).collect();
    let width = stats.iter().map(|(file, _)| file.len()).max();
    let width = width.unwrap_or_default();
    let most = stats.iter().map(|(_, (added, removed))| added + removed);
    let most = most.max().unwrap_or_default().max(BAR_WIDTH_MAX);
    // A file with changes shows at least one sign of each kind that it has.
    let scale = |lines: usize| (lines * BAR_WIDTH_MAX).div_ceil(most);
    let (mut all_added, mut all_removed) = (0, 0);
    for (file, (added, removed)) in &stats {
        let (plus, minus) = ("+".repeat(scale(*added)), "-".repeat(scale(*removed)));
        let lines = added + removed;
        anstream::println!("{file:<width$} | {lines:>4} {GREEN}{plus}{RED}{minus}{RESET}");
        all_added += added;
        all_removed += removed;
    }
    let files = stats.len();
    anstream::println!("{files} files, {all_added} lines added, {all_removed} removed");
}
