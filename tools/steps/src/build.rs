//! Builds the steps, and says what starts them.

use std::{
    env,
    ffi::{OsStr, OsString},
    io::BufReader,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result};
use serde_json::Value;

use output::terminal;
use processes::interrupt;

use crate::{
    Language, Step,
    flask::{Flask, FlaskServer},
};

/// How much the compiler optimises.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// Not at all: compiles fast.
    Debug,
    /// As `cargo build --release` does.
    Release,
    /// As the profile `dist` in the root `Cargo.toml` says: what is measured, and what the image holds.
    Dist,
}

/// What starts a step.
#[derive(Clone, Debug)]
pub struct Program {
    /// The file to run.
    pub path: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
}

/// Builds the steps and returns what starts them, in the same order.
///
/// cargo shows its own progress and its own errors. When it fails, all has been said: `None`.
///
/// # Errors
///
/// When cargo cannot be started, or step 0 cannot be prepared.
pub fn programs(root: &Path, steps: &[Step], profile: Profile) -> Result<Option<Vec<Program>>> {
    let crates: Vec<&Step> = steps
        .iter()
        .filter(|step| step.language == Language::Rust)
        .collect();
    let crates: Vec<(&str, &str)> = crates
        .iter()
        .map(|step| (step.name.as_str(), step.name.as_str()))
        .collect();
    let Some(mut built) = compile(root, &crates, profile)? else {
        return Ok(None);
    };
    let program = |step: &Step| match step.language {
        Language::Rust => Ok(Program {
            path: built.remove(0),
            arguments: Vec::new(),
        }),
        Language::Python => python_program(root, step),
    };
    steps.iter().map(program).collect::<Result<_>>().map(Some)
}

/// Step 0 needs no compiler, but packages: the first time, they are put into target/flask.
fn python_program(root: &Path, step: &Step) -> Result<Program> {
    let flask = Flask::prepare(
        &step.folder,
        &root.join("target"),
        terminal::progress,
        || false,
    )?;
    let command = flask.command(FlaskServer::Debug);
    // The command expects to be run in the step's folder. Others have their reasons to be elsewhere.
    let in_folder = |argument: &OsStr| match step.folder.join(argument) {
        file if file.is_file() => file.into_os_string(),
        _ => argument.to_owned(),
    };
    Ok(Program {
        path: command.get_program().into(),
        arguments: command.get_args().map(in_folder).collect(),
    })
}

/// Builds a program of the workspace that is no step.
///
/// # Errors
///
/// When it cannot be built.
pub fn program(root: &Path, package: &str, target: &str, profile: Profile) -> Result<PathBuf> {
    let built = compile(root, &[(package, target)], profile)?;
    let mut built = built.with_context(|| format!("{target} cannot be built; see above"))?;
    Ok(built.remove(0))
}

/// Builds targets, each of a package, and returns where their programs are, in the same order.
fn compile(
    root: &Path,
    targets: &[(&str, &str)],
    profile: Profile,
) -> Result<Option<Vec<PathBuf>>> {
    if targets.is_empty() {
        return Ok(Some(Vec::new()));
    }
    let mut command = cargo(root);
    command.args(["build", "--message-format=json-render-diagnostics"]);
    match profile {
        Profile::Debug => {}
        Profile::Release => _ = command.arg("--release"),
        Profile::Dist => _ = command.args(["--profile", "dist"]),
    }
    for (package, target) in targets {
        command.args(["--package", package, "--bin", target]);
    }
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot start cargo")?;
    let stdout = child
        .stdout
        .take()
        .context("cargo has no standard output")?;

    let mut programs = vec![None; targets.len()];
    for message in serde_json::Deserializer::from_reader(BufReader::new(stdout)).into_iter() {
        let message: Value = message.context("cannot read what cargo built")?;
        let Some(program) = message["executable"].as_str() else {
            continue;
        };
        let position = targets
            .iter()
            .position(|(_, target)| message["target"]["name"] == **target);
        if let Some(position) = position {
            programs[position] = Some(PathBuf::from(program));
        }
    }
    let ended = child.wait()?;
    interrupt::exit_if_interrupted(ended);
    if !ended.success() {
        return Ok(None);
    }
    let programs: Option<Vec<PathBuf>> = programs.into_iter().collect();
    programs
        .context("cargo built a program and did not say where it is")
        .map(Some)
}

/// cargo, the same one that runs us, in the workspace at `root`.
pub fn cargo(root: &Path) -> Command {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let mut command = Command::new(cargo);
    command.current_dir(root);
    // What cargo tells the program it runs is not meant for the cargo that this program runs.
    for (name, _) in env::vars_os() {
        if name.to_string_lossy().starts_with("CARGO_PKG_") || name == "CARGO_MANIFEST_DIR" {
            command.env_remove(name);
        }
    }
    command
}
