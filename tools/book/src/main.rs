//! `cargo xtask book`: renders the book, and proves that it says what is so.
//!
//! Exit status: 0 all is well, 1 something in the book is wrong, 2 wrong use or something could not start.

mod cli;

use std::{fs, path::Path, process::ExitCode};

use anyhow::{Context, Result};
use cli::{Cli, Command};
use output::terminal;
use processes::interrupt;

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
            pages,
            strict,
            json,
            no_transcripts,
        } => test(root, &pages, strict, json.as_deref(), !no_transcripts),
        Command::Bless {
            pages,
            no_transcripts,
        } => book::bless(root, &pages, !no_transcripts, |line| {
            anstream::println!("{line}");
        }),
    }
}

/// Prints one line a page, and at the end what was skipped and why.
fn test(
    root: &Path,
    pages: &[String],
    strict: bool,
    json: Option<&Path>,
    with_transcripts: bool,
) -> Result<bool> {
    let (mut is_good, mut reports) = (true, Vec::new());
    book::test(root, pages, with_transcripts, |report| {
        let (verdict, what) = match &report.result {
            Ok(what) => ("ok", what),
            Err(what) => ("FAILED", what),
        };
        anstream::println!("{verdict:<7} {:<18} {what}", report.name);
        is_good &= report.result.is_ok();
        reports.push(report);
    })?;
    if let Some(json) = json {
        let text = serde_json::to_string_pretty(&reports)?;
        fs::write(json, text).with_context(|| format!("cannot write {}", json.display()))?;
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
