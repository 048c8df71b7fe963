//! `cargo xtask check`: the contract, run against steps or against any server.

use std::{path::Path, process::ExitCode};

use clap::Parser;
use contract::check::{self, CheckOptions};
use output::terminal;

fn main() -> ExitCode {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .expect("the tool lies in the workspace");
    check::run(root, &CheckOptions::parse()).unwrap_or_else(|error| {
        terminal::error(&terminal::one_line(&error));
        ExitCode::from(2)
    })
}
