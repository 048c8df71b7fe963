//! How fast a step of one's own is, beside the step that it began with. `bench` measures it: both are up at once,
//! and the ratio is that of rounds in which they were loaded moments apart.

use std::{path::Path, process::Command};

use anyhow::{Context, Result, ensure};
use output::terminal::{self, BOLD, RESET};
use processes::interrupt;
use steps::Profile;

use crate::{Goal, OwnStep, check::build};

/// A first look, in half a minute: enough rounds for an interval, on a machine that does other things, too.
const PLAN: [&str; 10] = [
    "--connections",
    "64",
    "--rounds",
    "8",
    "--duration",
    "1s",
    "--warm-up",
    "1s",
    "--other-cpu",
    "25%",
];

/// What the profile `dist` of the steps is, for a manifest that has no such profile.
const OPTIMISED: [(&str, &str); 3] = [
    ("CARGO_PROFILE_RELEASE_LTO", "fat"),
    ("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "1"),
    ("CARGO_PROFILE_RELEASE_STRIP", "true"),
];

/// Builds both as they are measured, and prints the table. `false` when one does not compile, or the figures
/// cannot be trusted: all has been said then.
///
/// # Errors
///
/// When the goal is not speed, or `bench` cannot be started.
pub fn measure(root: &Path, own: &OwnStep, goal: &Goal) -> Result<bool> {
    ensure!(
        goal.is_about_speed(),
        "{} is not about speed, so there is nothing to measure; leave out --speed",
        goal.title()
    );
    let start = &goal.start.name;
    terminal::progress(&format!(
        "how fast it is beside {start}; the first time both are compiled with all optimisation, which takes minutes"
    ));
    let release = build(&own.folder, |cargo| {
        cargo.arg("--release").envs(OPTIMISED);
    })?;
    let bench = steps::tool(root, "bench", "bench", Profile::Release)?;
    let (Some((name, program)), Some(bench)) = (release, bench) else {
        return Ok(false);
    };
    anstream::println!("\n{BOLD}{name}{RESET}: how fast it is beside {start}");
    let mut command = Command::new(bench);
    command.arg(start).args(PLAN).arg("--program");
    command.arg(format!("{name}={}", program.display()));
    command.arg("--out").arg(own.folder.join("target/speed"));
    let status = command.status().context("cannot start bench")?;
    interrupt::exit_if_interrupted(status);
    Ok(status.success())
}
