//! `cargo xtask drill`: does things to the scale profile while visitors come.

use std::process::ExitCode;

use drills::command_line::{self, DrillOptions};

fn main() -> ExitCode {
    ::command_line::main(|root, options: DrillOptions| command_line::run(root, &options))
}
