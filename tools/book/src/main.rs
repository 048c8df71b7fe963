//! `cargo xtask book`: renders the book, and proves that it says what is so.
//!
//! Exit status: 0 all is well, 1 something in the book is wrong, 2 wrong use or something could not start.

use std::{path::Path, process::ExitCode};

use anyhow::{Context, Result};
use book::{
    cli::{Cli, Command},
    commands, serve,
};
use clap::Parser;

/// The exit status of a program that Ctrl-C ended: 128 and the number of SIGINT.
const INTERRUPTED: i32 = 130;

fn main() -> ExitCode {
    run(Cli::parse().command).unwrap_or_else(|error| {
        anstream::eprintln!("\x1b[31m\x1b[1merror:\x1b[0m {error:#}");
        ExitCode::from(2)
    })
}

fn run(command: Command) -> Result<ExitCode> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = root
        .ancestors()
        .nth(2)
        .context("the tool lies in the workspace")?;
    // Whatever was started is on the janitor's list and ends with us.
    ctrlc::set_handler(|| std::process::exit(INTERRUPTED)).context("cannot catch Ctrl-C")?;
    match command {
        Command::Build { out } => commands::build(root, &out),
        Command::Serve { port } => serve::run(root, port),
        Command::Test {
            pages,
            strict,
            no_transcripts,
        } => commands::test(root, &pages, strict, !no_transcripts),
        Command::Bless {
            pages,
            no_transcripts,
        } => commands::bless(root, &pages, !no_transcripts),
    }
}
