//! Makes contestants ready to be started: builds what must be built.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use processes::{Output, Process};
use steps::{Flask, FlaskServer};

use crate::contestant::{Contestant, Source};
use crate::interrupt;
use crate::page::Page;

/// The cargo profile that contestants are built with; the root `Cargo.toml` defines it.
pub const PROFILE: &str = "dist";

/// What the profile means, for the report.
pub const PROFILE_TEXT: &str = "release, lto = \"fat\", codegen-units = 1, stripped";

/// How often a build is asked whether it has ended.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// How a contestant is started.
#[derive(Clone, Debug)]
pub enum Start {
    /// Run a program.
    Program(PathBuf),
    /// Run step 0.
    Flask(Flask, FlaskServer),
    /// It runs already.
    Running(Page),
}

/// Makes every contestant ready, and tells `progress` what takes long. For one that cannot be made
/// ready, the result says why; the others are not held up by it.
///
/// # Errors
///
/// When cargo cannot say where it builds, or somebody asked to stop.
pub fn prepare(
    root: &Path,
    contestants: &[Contestant],
    mut progress: impl FnMut(&str),
) -> Result<HashMap<String, Result<Start>>> {
    let target = target_folder(root)?;
    let mut ready = HashMap::new();
    for contestant in contestants {
        let start = match &contestant.source {
            Source::Package(package) => {
                progress(&format!("building {package}"));
                build(root, package)
                    .map(|()| Start::Program(target.join(PROFILE).join(program_name(package))))
            }
            Source::Flask(server) => {
                let step = root.join("steps/step-0-flask");
                Flask::prepare(&step, &target, &mut progress, interrupt::requested)
                    .map(|flask| Start::Flask(flask, *server))
                    .map_err(Into::into)
            }
            Source::Running(page) => Ok(Start::Running(page.clone())),
        };
        ensure!(
            !interrupt::requested(),
            "stopped before anything was measured"
        );
        ready.insert(contestant.name.clone(), start);
    }
    Ok(ready)
}

/// Builds one package. What cargo has to say goes to our own standard error.
fn build(root: &Path, package: &str) -> Result<()> {
    let mut command = cargo(root);
    command.args([
        "build",
        "--quiet",
        "--profile",
        PROFILE,
        "--package",
        package,
    ]);
    let mut build = Process::spawn("cargo build", command, Output::Inherit)?;
    loop {
        match build.wait_timeout(POLL_INTERVAL)? {
            Some(status) if status.success() => return Ok(()),
            Some(status) => bail!(
                "{package} cannot be built ({status}); see why with: cargo build --profile {PROFILE} --package {package}"
            ),
            // The build is killed when it is dropped.
            None => ensure!(!interrupt::requested(), "stopped"),
        }
    }
}

/// Where cargo builds: `target/`, or wherever the user's settings put it.
fn target_folder(root: &Path) -> Result<PathBuf> {
    let output = cargo(root)
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .output()
        .context("cannot run cargo")?;
    ensure!(
        output.status.success(),
        "cargo metadata failed: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    let folder = metadata["target_directory"]
        .as_str()
        .context("cargo metadata names no target folder")?;
    Ok(folder.into())
}

fn program_name(package: &str) -> String {
    format!("{package}{}", std::env::consts::EXE_SUFFIX)
}

/// The cargo that runs us, so that the versions are the same.
fn cargo(root: &Path) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()));
    command.current_dir(root);
    command
}
