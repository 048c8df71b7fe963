//! `cargo xtask book`: renders the book, and proves that it says what is so.
//!
//! Exit status: 0 all is well, 1 something in the book is wrong, 2 wrong use or something could not start.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Result;
use book::{Mode, Report};
use clap::{Args, Parser, Subcommand};
use mdbook_core::utils::fs;
use output::terminal;
use processes::interrupt;

/// Renders the book, and proves that it says what is so.
#[derive(Debug, Parser)]
#[command(
    name = "book",
    bin_name = "cargo xtask book",
    disable_help_subcommand = true,
    max_term_width = 100
)]
struct Cli {
    /// What to do.
    #[command(subcommand)]
    command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
enum Command {
    /// Render the book
    Build {
        /// The folder to render into; what it held of an earlier book is removed
        #[arg(long, value_name = "DIR", default_value = "book/book")]
        out: PathBuf,
    },
    /// Render the book, serve it on this machine, and reload the page when a file changes
    Serve {
        /// The port; 0 takes any free one
        #[arg(long, default_value_t = 3000)]
        port: u16,
    },
    /// Prove that the book says what is so
    Test {
        #[command(flatten)]
        transcripts: Transcripts,
        /// Fail where something had to be left out, because a tool is missing
        #[arg(long)]
        strict: bool,
        /// Write what was found to this file, too
        #[arg(long, value_name = "FILE")]
        json: Option<PathBuf>,
    },
    /// Accept what is so now: write what is generated, what the commands print, and what experiments come to
    Bless {
        #[command(flatten)]
        transcripts: Transcripts,
        /// Record all samples of the pages and all their experiments anew, also those that still hold
        #[arg(long)]
        anew: bool,
    },
}

/// Whose commands and experiments to run.
#[derive(Args, Debug)]
struct Transcripts {
    /// Pages such as step-2-redis.md whose commands and experiments to run; all of them if you name none
    pages: Vec<String>,
    /// Run no commands and no experiments
    #[arg(long)]
    no_transcripts: bool,
}

fn main() -> ExitCode {
    command_line::main(|root, cli: Cli| {
        Ok(match run(root, cli.command)? {
            true => ExitCode::SUCCESS,
            false => ExitCode::FAILURE,
        })
    })
}

/// Returns whether all is well.
fn run(root: &Path, command: Command) -> Result<bool> {
    interrupt::exit_on_interrupt()?;
    match command {
        Command::Build { out } => {
            let out = root.join(out);
            let problems = book::render_checked(root, &out)?;
            for problem in &problems {
                anstream::println!("{problem}");
            }
            anstream::println!("{}", out.join("index.html").display());
            Ok(problems.is_empty())
        }
        Command::Serve { port } => book::serve(root, port).map(|()| true),
        Command::Test {
            transcripts,
            strict,
            json,
        } => {
            let mode = if strict { Mode::Strict } else { Mode::Test };
            let reports = prove(root, &transcripts, mode)?;
            if let Some(json) = json {
                fs::write(json, serde_json::to_string_pretty(&reports)?)?;
            }
            Ok(is_good(&reports, strict))
        }
        Command::Bless { transcripts, anew } => {
            let mode = if anew { Mode::Record } else { Mode::Bless };
            let reports = prove(root, &transcripts, mode)?;
            Ok(is_good(&reports, false))
        }
    }
}

/// Prints one line a page and one an experiment.
fn prove(root: &Path, transcripts: &Transcripts, mode: Mode) -> Result<Vec<Report>> {
    let pages = (!transcripts.no_transcripts).then_some(transcripts.pages.as_slice());
    let mut reports = Vec::new();
    book::prove(root, pages, mode, |report| {
        let (verdict, what) = match &report.result {
            Ok(what) => ("ok", what),
            Err(what) => ("FAILED", what),
        };
        anstream::println!("{verdict:<7} {:<18} {what}", report.name);
        reports.push(report);
    })?;
    Ok(reports)
}

/// Prints what was skipped and why. Returns whether all is well.
fn is_good(reports: &[Report], strict: bool) -> bool {
    let skipped: Vec<&String> = reports.iter().flat_map(|report| &report.skipped).collect();
    for skip in &skipped {
        anstream::println!("skipped: {skip}");
    }
    let is_too_little = strict && !skipped.is_empty();
    if is_too_little {
        terminal::error("--strict allows nothing to be skipped");
    }
    !is_too_little && reports.iter().all(|report| report.result.is_ok())
}
