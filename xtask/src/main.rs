//! `cargo xtask`: one tool that builds, runs, checks, compares and diagnoses the steps.
//!
//! A newcomer waits for this crate before the first page appears, so it depends on little. What
//! needs more (the benchmark, the book) is a crate of its own that only its command compiles.
//!
//! Exit status: 0 all is well, 1 a check or a run failed, 2 wrong use or something could not start.

mod build;
mod cli;
mod docker;
mod doctor;
mod run;

use std::{path::Path, process::ExitCode};

use clap::Parser;

use cli::{Cli, Command};
use output::terminal;
use steps::Profile;

fn main() -> ExitCode {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("xtask lies in the workspace");
    let result = match Cli::parse().command {
        Command::Run(options) => run::run(root, &options),
        Command::Build(options) => build::run(root, &options),
        Command::Check(options) => {
            build::run_tool(root, "contract", Profile::Debug, &options.arguments)
        }
        Command::Test(options) => {
            build::run_tool(root, "suite", Profile::Debug, &options.arguments)
        }
        Command::Diff(options) => build::run_tool(root, "diff", Profile::Debug, &options.arguments),
        Command::Bench(options) => {
            build::run_tool(root, "bench", Profile::Release, &options.arguments)
        }
        // mdBook takes longer to compile with optimisation than a book takes to render without.
        Command::Book(options) => build::run_tool(root, "book", Profile::Debug, &options.arguments),
        Command::Doctor => doctor::run(root),
    };
    result.unwrap_or_else(|error| {
        terminal::error(&terminal::one_line(&error));
        ExitCode::from(2)
    })
}
