//! `cargo xtask bench`: measures every step under load, side by side.

use std::process::ExitCode;

fn main() -> ExitCode {
    bench::main()
}
