//! `cargo xtask build`: steps, optimised, or their images.

use std::{path::Path, process::ExitCode};

use anyhow::Result;
use processes::interrupt;
use steps::{Language, Profile, programs};

use crate::{arguments::BuildOptions, docker};

/// Builds the steps and prints where their programs are.
pub fn run(root: &Path, options: &BuildOptions) -> Result<ExitCode> {
    let mut steps = steps::several(root, &options.steps)?;
    if options.docker {
        // The image of step 0 is built in its own folder, as the Dockerfile says to whoever names it.
        steps.retain(|step| step.language == Language::Rust || !options.steps.is_empty());
        return docker::build(root, &steps);
    }
    interrupt::exit_on_interrupt()?;
    let Some(programs) = programs(root, &steps, Profile::Release)? else {
        return Ok(ExitCode::FAILURE);
    };
    for program in programs {
        anstream::println!("{}", program.path.display());
    }
    Ok(ExitCode::SUCCESS)
}
