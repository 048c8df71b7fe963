//! `cargo xtask break`: breaks steps while visitors come.

use std::process::ExitCode;

use experiments::command_line::{self, BreakOptions};

fn main() -> ExitCode {
    ::command_line::main(|root, options: BreakOptions| command_line::run(root, &options))
}
