//! `cargo xtask book`: renders the book, and proves that it says what is so.
//!
//! Exit status: 0 all is well, 1 something in the book is wrong, 2 wrong use or something could not start.

mod cli;

use std::{path::Path, process::ExitCode};

use anyhow::{Context, Result};
use book::Report;
use clap::Parser;
use cli::{Cli, Command, Transcripts};
use mdbook_core::utils::fs;
use output::terminal;
use processes::interrupt;

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            terminal::error(&terminal::one_line(&error));
            ExitCode::from(2)
        }
    }
}

/// Returns whether all is well.
fn run(command: Command) -> Result<bool> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2);
    let root = root.context("the tool lies in the workspace")?;
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
            let mut reports = Vec::new();
            let Transcripts {
                pages,
                no_transcripts,
            } = transcripts;
            book::test(root, &pages, !no_transcripts, |report| {
                reports.push(printed(report))
            })?;
            if let Some(json) = json {
                fs::write(json, serde_json::to_string_pretty(&reports)?)?;
            }
            Ok(is_good(&reports, strict))
        }
        Command::Bless(Transcripts {
            pages,
            no_transcripts,
        }) => {
            let mut reports = Vec::new();
            book::bless(root, &pages, !no_transcripts, |report| {
                reports.push(printed(report))
            })?;
            Ok(is_good(&reports, false))
        }
    }
}

/// Prints one line of a page.
fn printed(report: Report) -> Report {
    let (verdict, what) = match &report.result {
        Ok(what) => ("ok", what),
        Err(what) => ("FAILED", what),
    };
    anstream::println!("{verdict:<7} {:<18} {what}", report.name);
    report
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
