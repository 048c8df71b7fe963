//! `cargo xtask doctor`: what is here, what is missing, and the one command that installs it.

use std::{path::Path, process::ExitCode};

use anyhow::Result;

use output::terminal::{DIM, GREEN, RESET, YELLOW};
use processes::programs::{Platform, Tool};

/// Prints one line a tool. Nothing that is missing keeps the others from being looked at.
pub fn run(_root: &Path) -> Result<ExitCode> {
    let platform = Platform::here();
    for tool in Tool::ALL {
        let (name, purpose) = (tool.name, tool.purpose);
        match tool.version() {
            Some(version) => anstream::println!("{GREEN}found{RESET}    {name:<15} {version}"),
            None => {
                let install = tool.install(platform);
                anstream::println!(
                    "{YELLOW}missing{RESET}  {name:<15} {install}  {DIM}# for {purpose}{RESET}"
                );
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}
