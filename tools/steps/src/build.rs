//! Builds the steps, and says what starts them.

use std::{
    env,
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};

use processes::interrupt;

use crate::{
    Language, Step,
    flask::{Flask, FlaskServer},
};

/// How much the compiler optimises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// Not at all: compiles fast.
    Debug,
    /// The same, by somebody who has compiled the whole workspace and put its programs into [`compiled`].
    Compiled,
    /// The same, along with the whole workspace and its tests: for somebody who needs all of them next.
    Whole,
    /// As `cargo build --release` does.
    Release,
    /// The whole program at once: what is measured, and what goes into the image.
    Dist,
    /// The same with what tells where an instruction comes from, and who has called it.
    Profiling,
    /// As small as it gets: what a reader's browser loads.
    Small,
}

impl Profile {
    /// cargo's name for it.
    fn name(self) -> &'static str {
        match self {
            Self::Debug | Self::Compiled | Self::Whole => "dev",
            Self::Release => "release",
            Self::Dist => "dist",
            Self::Profiling => "profiling",
            Self::Small => "small",
        }
    }
}

/// The folder of the profile `dev`, the one that has another name than its profile.
const DEBUG: &str = "debug";

/// Who sets this for a program that it starts has put the debug programs of the workspace that this names into
/// [`compiled`]: see [`is_compiled`].
pub const COMPILED: &str = "SEEN_COMPILED";

/// Who sets this for a program that it starts has built these debug programs along with it, by
/// [`tool_and_steps`]: their names, with spaces between them.
pub const ALONG: &str = "SEEN_BUILT_ALONG";

/// Where the programs are of a workspace that was compiled as a whole. Whatever cargo is asked for later, they
/// stay: for another choice of packages it compiles the same programs anew, because each wants other features of
/// what it is built from.
///
/// # Errors
///
/// When this program is not where cargo puts programs.
pub fn compiled() -> Result<PathBuf> {
    Ok(profile_folders()?.join("compiled"))
}

/// Whether all programs of this workspace are in [`compiled`] already, says [`COMPILED`]. There they serve in place
/// of optimised ones, too: who has set it wants to know what programs do, and not how fast.
pub fn is_compiled(root: &Path) -> bool {
    env::var_os(COMPILED).is_some_and(|workspace| workspace == root.as_os_str())
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
    let crates = steps.iter().filter(|step| step.language == Language::Rust);
    let crates = crates.map(|step| (step.name.as_str(), step.name.as_str()));
    let Some(mut built) = compile(root, &crates.collect::<Vec<_>>(), profile)? else {
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
    let flask = Flask::prepare(&step.folder, &root.join("target"), || false)?;
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

/// Builds a program of the workspace that is no step. When cargo fails, it has said why: `None`.
///
/// # Errors
///
/// When cargo cannot be started.
pub fn tool(root: &Path, package: &str, target: &str, profile: Profile) -> Result<Option<PathBuf>> {
    let built = compile(root, &[(package, target)], profile)?;
    Ok(built.map(|mut programs| programs.remove(0)))
}

/// Builds a program of the workspace that will run these steps, and the steps along with it: cargo compiles what
/// both are built from once, and two things at a time to the end. Returns the program and what is to be in
/// [`ALONG`]. When cargo fails, it has said why: `None`.
///
/// # Errors
///
/// When cargo cannot be started.
pub fn tool_and_steps(
    root: &Path,
    package: &str,
    steps: &[Step],
    profile: Profile,
) -> Result<Option<(PathBuf, String)>> {
    let rust = steps.iter().filter(|step| step.language == Language::Rust);
    let names: Vec<&str> = rust.map(|step| step.name.as_str()).collect();
    let all = [&[package], names.as_slice()].concat();
    let targets: Vec<_> = all.iter().map(|name| (*name, *name)).collect();
    let built = compile(root, &targets, profile)?;
    Ok(built.map(|mut programs| (programs.remove(0), names.join(" "))))
}

/// Builds a library of the workspace for browsers, and returns the file. When cargo fails, it has said why:
/// `None`.
///
/// # Errors
///
/// When cargo cannot be started.
pub fn web_assembly(root: &Path, package: &str) -> Result<Option<PathBuf>> {
    let (profile, target) = (Profile::Small.name(), "wasm32-unknown-unknown");
    let mut command = cargo(root);
    command.args(["build", "--lib", "--package", package]);
    command.args(["--profile", profile, "--target", target]);
    let status = command.status().context("cannot start cargo")?;
    interrupt::exit_if_interrupted(status);
    let folder = profile_folders()?.join(target).join(profile);
    Ok(status
        .success()
        .then(|| folder.join(format!("{package}.wasm"))))
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
    let is_there = match profile {
        Profile::Compiled => true,
        Profile::Debug | Profile::Whole | Profile::Release | Profile::Dist => is_compiled(root),
        Profile::Profiling | Profile::Small => false,
    };
    if is_there {
        return in_folder(targets, &compiled()?).map(Some);
    }
    let along = env::var(ALONG).unwrap_or_default();
    let is_along = |(_, target): &(&str, &str)| along.split(' ').any(|name| name == *target);
    if profile == Profile::Debug && targets.iter().all(is_along) {
        return in_folder(targets, &profile_folders()?.join(DEBUG)).map(Some);
    }
    let mut command = cargo(root);
    command.args(["build", "--profile", profile.name()]);
    if profile == Profile::Whole {
        command.args(["--workspace", "--bins", "--tests"]);
    } else {
        for (package, target) in targets {
            command.args(["--package", package, "--bin", target]);
        }
    }
    if profile == Profile::Profiling {
        // No profile of cargo can say so.
        command.env("RUSTFLAGS", "-C force-frame-pointers=yes");
    }
    let status = command.status().context("cannot start cargo")?;
    interrupt::exit_if_interrupted(status);
    if !status.success() {
        return Ok(None);
    }
    let folder = match profile.name() {
        "dev" => DEBUG,
        name => name,
    };
    in_folder(targets, &profile_folders()?.join(folder)).map(Some)
}

/// The programs of these targets, which cargo has put into this folder.
fn in_folder(targets: &[(&str, &str)], folder: &Path) -> Result<Vec<PathBuf>> {
    let program = |(_, target): &(&str, &str)| {
        let program = folder.join(target);
        ensure!(
            program.is_file(),
            "cargo has built {target}, but not as {}; if CARGO_TARGET_DIR is a relative path, make it absolute",
            program.display()
        );
        Ok(program)
    };
    targets.iter().map(program).collect()
}

/// The folder in which cargo has one folder a profile. Ours is one of them, and holds this very program.
/// cargo would say as JSON where each program is; to read that, a newcomer would wait for a parser.
fn profile_folders() -> Result<PathBuf> {
    let program = env::current_exe().context("cannot find out where this program is")?;
    let is_test = |folder: &&Path| folder.ends_with("deps");
    let folder = program.ancestors().skip(1).find(|folder| !is_test(folder));
    let folders = folder.and_then(Path::parent);
    Ok(folders
        .context("this program is in no folder of cargo's")?
        .to_owned())
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
