//! `cargo xtask break`: breaks steps while visitors come.

use std::{path::Path, process::ExitCode};

use clap::Parser;
use experiments::command_line::{self, BreakOptions};
use output::terminal;

fn main() -> ExitCode {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .expect("the tool lies in the workspace");
    command_line::run(root, &BreakOptions::parse()).unwrap_or_else(|error| {
        terminal::error(&terminal::one_line(&error));
        ExitCode::from(2)
    })
}
