//! `cargo xtask start`, `check`, `hint` and `progress`: the contract, for our steps and for yours.

use std::{path::Path, process::ExitCode};

use clap::Parser;
use output::terminal;
use own_step::{
    CheckArguments, HintOptions, ProgressOptions, StartOptions, check, hint, progress, start,
};

/// A step of your own
#[derive(Parser)]
#[command(
    name = "cargo xtask",
    bin_name = "cargo xtask",
    max_term_width = 100,
    disable_help_subcommand = true
)]
enum Command {
    Start(StartOptions),
    Check(CheckArguments),
    Hint(HintOptions),
    Progress(ProgressOptions),
}

fn main() -> ExitCode {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .expect("the tool lies in the workspace");
    let end = match Command::parse() {
        Command::Start(options) => start(root, &options),
        Command::Check(options) => check(root, &options),
        Command::Hint(options) => hint(root, &options),
        Command::Progress(options) => progress(root, &options),
    };
    end.unwrap_or_else(|error| {
        terminal::error(&terminal::one_line(&error));
        ExitCode::from(2)
    })
}
