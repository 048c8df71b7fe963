//! `cargo xtask book`: renders the book, and proves that it says what is so.
//!
//! Exit status: 0 all is well, 1 something in the book is wrong, 2 wrong use or something could not start.

mod cli;

use std::{path::Path, process::ExitCode};

use anyhow::{Context, Result};
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
        } => test(root, &transcripts, strict, json.as_deref()),
        Command::Bless(Transcripts {
            pages,
            no_transcripts,
        }) => book::bless(root, &pages, !no_transcripts, |line| {
            anstream::println!("{line}");
        }),
    }
}

/// Prints one line a page, and at the end what was skipped and why.
fn test(root: &Path, transcripts: &Transcripts, strict: bool, json: Option<&Path>) -> Result<bool> {
    let Transcripts {
        pages,
        no_transcripts,
    } = transcripts;
    let (mut is_good, mut reports) = (true, Vec::new());
    book::test(root, pages, !no_transcripts, |report| {
        let (verdict, what) = match &report.result {
            Ok(what) => ("ok", what),
            Err(what) => ("FAILED", what),
        };
        anstream::println!("{verdict:<7} {:<18} {what}", report.name);
        is_good &= report.result.is_ok();
        reports.push(report);
    })?;
    if let Some(json) = json {
        fs::write(json, serde_json::to_string_pretty(&reports)?)?;
    }
    let skipped: Vec<&String> = reports.iter().flat_map(|report| &report.skipped).collect();
    for skip in &skipped {
        anstream::println!("skipped: {skip}");
    }
    if strict && !skipped.is_empty() {
        terminal::error("--strict allows nothing to be skipped");
        is_good = false;
    }
    Ok(is_good)
}
