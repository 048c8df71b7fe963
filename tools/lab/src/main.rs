//! `cargo xtask lab`: the live page.

use std::process::ExitCode;

fn main() -> ExitCode {
    command_line::main(|root, options: lab::LabOptions| lab::run(root, &options))
}
