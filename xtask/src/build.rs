//! `cargo xtask build`, and the tools that only their command compiles.

use std::{ffi::OsString, path::Path, process::ExitCode};

use anyhow::{Context, Result};
use processes::interrupt;
use steps::{Profile, cargo, programs};

use crate::cli::BuildOptions;

/// Builds the steps and prints where their programs are.
pub fn run(root: &Path, options: &BuildOptions) -> Result<ExitCode> {
    let steps = steps::several(root, &options.steps)?;
    interrupt::exit_on_interrupt()?;
    let Some(programs) = programs(root, &steps, Profile::Release)? else {
        return Ok(ExitCode::FAILURE);
    };
    for program in programs {
        anstream::println!("{}", program.path.display());
    }
    Ok(ExitCode::SUCCESS)
}

/// Builds a tool of the workspace that only its command needs, and runs it to its end.
pub fn run_tool(
    root: &Path,
    package: &str,
    profile: Profile,
    arguments: &[OsString],
) -> Result<ExitCode> {
    let mut command = cargo(root);
    command.args(["run", "--quiet"]);
    if profile == Profile::Release {
        command.arg("--release");
    }
    command.args(["--package", package, "--"]).args(arguments);
    // Ctrl-C reaches the tool itself, which knows what to do with it. We only wait for it.
    let _interrupted = interrupt::catch()?;
    let status = command.status().context("cannot start cargo")?;
    interrupt::exit_if_interrupted(status);
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}
