//! `cargo xtask check`: the contract, run against steps or against any server.

use std::process::ExitCode;

use contract::check::{self, CheckOptions};

fn main() -> ExitCode {
    command_line::main(|root, options: CheckOptions| check::run(root, &options))
}
