//! `cargo xtask`: one tool that builds, runs, checks, measures and compares the steps.
//!
//! A newcomer waits for this crate before the first page appears, so it depends on little. What
//! needs more (the benchmark, the book) is a crate of its own that only its command compiles.
//!
//! Exit status: 0 all is well, 1 a check or a run failed, 2 wrong use or something could not start.

mod arguments;
mod block;
mod build;
mod docker;
mod doctor;
mod run;
mod tool;

use std::{path::Path, process::ExitCode};

use anyhow::Result;
use arguments::Command;
use output::terminal;

fn main() -> ExitCode {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("xtask lies in the workspace");
    terminal::end(dispatch(root))
}

fn dispatch(root: &Path) -> Result<ExitCode> {
    match arguments::parse(lexopt::Parser::from_env())? {
        Command::Run(options) => run::run(root, &options),
        Command::Build(options) => build::run(root, &options),
        Command::Doctor => Ok(doctor::run()),
        Command::Tool(tool, arguments) => tool::run(root, tool, &arguments),
        Command::Help(text) => {
            anstream::print!("{text}");
            Ok(ExitCode::SUCCESS)
        }
        Command::Nothing => {
            anstream::eprint!("{}", arguments::HELP);
            Ok(ExitCode::from(terminal::COULD_NOT_START))
        }
    }
}
