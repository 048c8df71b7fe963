//! `cargo xtask build`: steps, optimised.

use std::{path::Path, process::ExitCode};

use anyhow::Result;
use processes::interrupt;
use steps::{Profile, programs};

/// Builds the steps and prints where their programs are.
pub fn run(root: &Path, wanted: &[String]) -> Result<ExitCode> {
    let steps = steps::several(root, wanted)?;
    interrupt::exit_on_interrupt()?;
    let Some(programs) = programs(root, &steps, Profile::Release)? else {
        return Ok(ExitCode::FAILURE);
    };
    for program in programs {
        anstream::println!("{}", program.path.display());
    }
    Ok(ExitCode::SUCCESS)
}
