//! `cargo xtask build`, and how every other command gets a step's program.

use std::{
    env,
    ffi::{OsStr, OsString},
    io::BufReader,
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
};

use anyhow::{Context, Result};
use serde_json::Value;
use steps::flask::{Flask, FlaskServer};

use crate::{
    cli::BuildOptions,
    interrupt,
    step::{self, Language, Step},
    terminal,
};

/// How much the compiler optimises.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// Not at all: compiles fast.
    Debug,
    /// As `cargo build --release` does.
    Release,
}

/// What starts a step.
#[derive(Clone, Debug)]
pub struct Program {
    /// The file to run.
    pub path: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
}

/// Builds the steps and prints where their programs are.
pub fn run(root: &Path, options: &BuildOptions) -> Result<ExitCode> {
    let steps = step::several(root, &options.steps)?;
    interrupt::exit_on_interrupt()?;
    let Some(programs) = programs(root, &steps, Profile::Release)? else {
        return Ok(ExitCode::FAILURE);
    };
    for program in programs {
        anstream::println!("{}", program.path.display());
    }
    Ok(ExitCode::SUCCESS)
}

/// Builds the steps and returns what starts them, in the same order.
///
/// cargo shows its own progress and its own errors. When it fails, all has been said: `None`.
pub fn programs(root: &Path, steps: &[Step], profile: Profile) -> Result<Option<Vec<Program>>> {
    let crates: Vec<&Step> = steps
        .iter()
        .filter(|step| step.language == Language::Rust)
        .collect();
    let Some(mut built) = crate_programs(root, &crates, profile)? else {
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

fn crate_programs(root: &Path, steps: &[&Step], profile: Profile) -> Result<Option<Vec<PathBuf>>> {
    if steps.is_empty() {
        return Ok(Some(Vec::new()));
    }
    let mut command = cargo(root);
    command.args(["build", "--message-format=json-render-diagnostics"]);
    if profile == Profile::Release {
        command.arg("--release");
    }
    command.args(steps.iter().flat_map(|step| ["--package", &step.name]));
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot start cargo")?;
    let stdout = child
        .stdout
        .take()
        .context("cargo has no standard output")?;

    let mut programs = vec![None; steps.len()];
    for message in serde_json::Deserializer::from_reader(BufReader::new(stdout)).into_iter() {
        let message: Value = message.context("cannot read what cargo built")?;
        let Some(program) = message["executable"].as_str() else {
            continue;
        };
        let position = steps
            .iter()
            .position(|step| message["target"]["name"] == *step.name);
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
        .context("cargo built a step and did not say where its program is")
        .map(Some)
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

/// cargo, the same one that runs us, in the workspace.
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
