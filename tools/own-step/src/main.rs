//! `cargo xtask start`, `check`, `hint` and `progress`: the contract, for our steps and for yours.

use std::process::ExitCode;

use clap::Parser;
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
    command_line::main(|root, command: Command| match command {
        Command::Start(options) => start(root, &options),
        Command::Check(options) => check(root, &options),
        Command::Hint(options) => hint(root, &options),
        Command::Progress(options) => progress(root, &options),
    })
}
