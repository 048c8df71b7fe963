//! `cargo xtask start`: a folder for a step of one's own.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, BufRead, IsTerminal, Write},
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use output::terminal::{self, BOLD, DIM, RESET};
use processes::{
    interrupt,
    programs::{first_line, on_path},
};
use steps::cargo;

use crate::{
    Goal, OwnStep, exercise,
    files::{self, GOAL, LOCK},
    manifest,
};

/// What is typed before the name of an exercise.
const EXERCISE: &str = "exercise";

/// Make a folder for a step of your own, with the code of the step before, or for an exercise
#[derive(Args)]
pub struct StartOptions {
    /// The step to write: 1, step-1 or step-1-memory; or the word exercise and the name of one
    #[arg(
        required_unless_present = "again",
        conflicts_with = "again",
        num_args = 1..=2,
        value_names = ["STEP"]
    )]
    what: Vec<String>,
    /// The folder, outside this checkout; without it my-step-N or my-EXERCISE, beside the checkout
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// The name of the package; without it the folder's name
    #[arg(long, conflicts_with = "again")]
    name: Option<String>,
    /// Put FILE back to how the step begins in this checkout, or all files, after asking
    #[arg(long, value_name = "FILE", num_args = 0..=1)]
    again: Option<Option<PathBuf>>,
    /// Do not ask
    #[arg(long, requires = "again")]
    yes: bool,
}

/// Makes the folder, or puts files back.
///
/// # Errors
///
/// For wrong use, or when the folder cannot be made.
pub fn start(root: &Path, options: &StartOptions) -> Result<ExitCode> {
    interrupt::exit_on_interrupt()?;
    if let Some(file) = &options.again {
        let own = OwnStep::require(options.dir.as_deref())?;
        let file = file.as_deref();
        let file = file.map(|file| file.strip_prefix(".").unwrap_or(file));
        return again(root, own, file, options.yes);
    }
    let goal = goal(root, &options.what)?;
    let folder = match (&options.dir, &goal.exercise) {
        (Some(dir), _) => std::path::absolute(dir)?,
        (None, Some(exercise)) => root.with_file_name(format!("my-{}", exercise.name)),
        (None, None) => root.with_file_name(format!("my-step-{}", goal.step.number)),
    };
    ensure_free(root, &folder)?;
    let name = name(root, &folder, options.name.as_deref())?;

    let files = files::all(root, &goal, &name)?;
    write(&folder, &files)?;
    let own = OwnStep::new(&folder, &goal, &name, files::start_hash(&files));
    own.save()?;
    own.remember(root)?;
    let is_complete = resolve(&folder)?;
    let (title, code) = (goal.title(), &goal.start.name);
    let message = format!("Start of {title}, with the code of {code}");
    if let Some(note) = first_commit(&folder, &message) {
        terminal::progress(&note);
    }
    said(&goal, &own);
    Ok(ExitCode::from(u8::from(!is_complete)))
}

/// What was asked for: a step, or an exercise.
fn goal(root: &Path, what: &[String]) -> Result<Goal> {
    match what.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [EXERCISE, name] => Goal::of_exercise(root, name),
        [EXERCISE] => {
            let names = exercise::names(root)?.join(", ");
            bail!("which exercise? cargo xtask start exercise NAME, where NAME is one of: {names}")
        }
        [step] => Goal::of(root, step),
        _ => bail!("start takes one step, or the word {EXERCISE} and the name of one"),
    }
}

fn said(goal: &Goal, own: &OwnStep) {
    let goals = goal.turns.iter().map(|row| own.name_of(row));
    let mut goals: Vec<&str> = goals.collect();
    goals.dedup();
    let (folder, name) = (own.folder.display(), &own.progress.name);
    let (title, code) = (goal.title(), &goal.start.name);
    anstream::println!("\n  {BOLD}{name}{RESET}  your {title}, with the code of {code}");
    anstream::println!("  {DIM}goal{RESET}   {}", goals.join(", "));
    anstream::println!("  {DIM}read{RESET}   {folder}/GOAL.md");
    anstream::println!("  {DIM}check{RESET}  cd {folder} && cargo xtask check");
}

/// The folder must be a new or an empty one, and none of this checkout.
fn ensure_free(root: &Path, folder: &Path) -> Result<()> {
    let mut parents = folder.ancestors();
    let there = parents.find_map(|folder| fs::canonicalize(folder).ok());
    let root = fs::canonicalize(root)?;
    let is_inside = there.is_some_and(|folder| folder.starts_with(&root));
    ensure!(
        !is_inside,
        "{} is in this checkout; name a folder outside it with --dir",
        folder.display()
    );
    let is_empty = match fs::read_dir(folder) {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    };
    ensure!(
        is_empty,
        "{} is not an empty folder; name another with --dir, or put the files of a step of yours back with --again",
        folder.display()
    );
    Ok(())
}

/// A name for the package that cargo takes and no dependency has.
fn name(root: &Path, folder: &Path, wanted: Option<&str>) -> Result<String> {
    let folder = folder.file_name().unwrap_or_default().to_string_lossy();
    let name = wanted.map_or_else(|| folder.to_lowercase(), str::to_owned);
    let fits = |sign: char| matches!(sign, 'a'..='z' | '0'..='9' | '-' | '_');
    let is_name =
        name.starts_with(|first: char| first.is_ascii_lowercase()) && name.chars().all(fits);
    ensure!(
        is_name,
        "{name:?} is no name for a package; choose one of small letters, digits and - with --name"
    );
    let lock = files::text(&root.join(LOCK))?;
    let reserved = ["std", "core", "alloc", "test", "self", "crate", "super"];
    let mut taken = manifest::packages(&lock).chain(reserved);
    ensure!(
        !taken.any(|known| known.replace('_', "-") == name.replace('_', "-")),
        "the name {name} is taken by another package; choose another with --name"
    );
    Ok(name)
}

fn write(folder: &Path, files: &BTreeMap<PathBuf, String>) -> Result<()> {
    let mut files = files.iter();
    files.try_for_each(|(file, text)| files::write(&folder.join(file), text))
}

/// Has cargo take out of Cargo.lock what the package does not need, and download the rest. From then on
/// everything works offline. When cargo fails, it has said why: `false`.
fn resolve(folder: &Path) -> Result<bool> {
    let host = first_line("rustc", &["--print", "host-tuple"]);
    let host = host.context("rustc does not say which machine this is; does it start?")?;
    let mut fetch = cargo(folder);
    fetch.args(["fetch", "--target", &host]);
    terminal::progress("cargo fetch: the packages that your step needs");
    let status = fetch.status().context("cannot start cargo")?;
    interrupt::exit_if_interrupted(status);
    if !status.success() {
        terminal::error(&format!(
            "not all packages are there; once the registry can be reached, in {}: cargo fetch",
            folder.display()
        ));
    }
    Ok(status.success())
}

/// Makes a git repository with a first commit, where there is git and the folder is in none yet. Returns
/// what is left to do.
fn first_commit(folder: &Path, message: &str) -> Option<String> {
    let program = on_path("git")?;
    let git = |arguments: &[&str]| {
        let mut git = Command::new(&program);
        git.args(arguments).current_dir(folder);
        git.stdout(Stdio::null()).stderr(Stdio::null());
        git.status().is_ok_and(|status| status.success())
    };
    if git(&["rev-parse", "--is-inside-work-tree"]) {
        return None;
    }
    let is_done =
        git(&["init"]) && git(&["add", "--all"]) && git(&["commit", "--message", message]);
    (!is_done).then(|| {
        "git made no first commit (it may not know your name): commit it yourself".to_owned()
    })
}

/// Puts files back that are no longer as the step begins in this checkout. That is not how it began where
/// the checkout is another one now; git knows that, and we do not.
fn again(root: &Path, mut own: OwnStep, file: Option<&Path>, is_sure: bool) -> Result<ExitCode> {
    let goal = own.goal(root)?;
    let mut files = files::all(root, &goal, &own.progress.name)?;
    let (start, lock) = (files::start_hash(&files), files[Path::new(LOCK)].clone());
    // cargo keeps Cargo.lock, and ours is not what it was.
    let is_wanted = |known: &Path| file.map_or(known != Path::new(LOCK), |file| known == file);
    files.retain(|known, _| is_wanted(known));
    if let (true, Some(file)) = (files.is_empty(), file) {
        let (file, folder) = (file.display(), own.folder.display());
        let title = goal.title();
        bail!("{title} begins without {file}; name a file as it is seen from {folder}");
    }
    let now = |file: &Path| fs::read_to_string(own.folder.join(file)).unwrap_or_default();
    files.retain(|file, text| now(file) != *text);
    let title = goal.title();
    if own.is_older(&start) {
        terminal::progress(&format!(
            "{title} has changed since this folder was made: this is how it begins now; how it began, git knows if you committed it"
        ));
    }
    if file.is_none_or(|file| file == Path::new(GOAL)) {
        // Whoever has the task of now need not be told any more that it is another one.
        own.begin_with(start);
    }
    if files.is_empty() {
        own.save()?;
        anstream::println!("nothing to put back: all is as {title} begins in this checkout");
        return Ok(ExitCode::SUCCESS);
    }
    let folder = own.folder.display();
    anstream::println!("As {title} begins in this checkout, in {folder}:");
    for file in files.keys() {
        anstream::println!("  {}", file.display());
    }
    if !is_sure && !agreed()? {
        anstream::println!("nothing was changed");
        return Ok(ExitCode::FAILURE);
    }
    // Who gets our manifest gets the versions that belong to it.
    if files.contains_key(Path::new("Cargo.toml")) {
        files.insert(LOCK.into(), lock);
    }
    write(&own.folder, &files)?;
    own.save()?;
    Ok(ExitCode::from(u8::from(!resolve(&own.folder)?)))
}

/// Asks whether what is there may be lost.
fn agreed() -> Result<bool> {
    ensure!(
        io::stdin().is_terminal(),
        "nobody can be asked here whether what is in these files may be lost; if so, add --yes"
    );
    anstream::print!("What is in them now is lost, unless git has it. Put them back? [y/N] ");
    io::stdout().flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    Ok(answer.trim().eq_ignore_ascii_case("y"))
}
