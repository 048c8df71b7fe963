//! The files of a folder for a step of one's own, as they are at the start.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};
use steps::{files, without_marks};

use crate::{Goal, Row, folder::TO_GUESS, manifest};

/// Where the folder says which checkout it asks. That is so on one machine only, and not committed.
pub const CHECKOUT: &str = ".checkout";

/// What is asked for, in words.
pub const GOAL: &str = "GOAL.md";

/// At first ours: cargo takes out of it what the package does not need.
pub const LOCK: &str = "Cargo.lock";

/// All files, by name.
///
/// # Errors
///
/// When what they are made from cannot be read.
pub fn all(root: &Path, goal: &Goal, name: &str) -> Result<BTreeMap<PathBuf, String>> {
    let mut all = BTreeMap::new();
    for folder in ["src", "tests"] {
        for (file, text) in texts(&goal.start.folder.join(folder), &goal.start.folder)? {
            all.insert(file, renamed(&text, goal, name));
        }
    }
    for tool in manifest::tools_of(root, goal)? {
        let folder = root.join("tools").join(&tool);
        let support = Path::new("support").join(&tool);
        for (file, text) in texts(&folder.join("src"), &folder)? {
            all.insert(support.join(file), text);
        }
        all.insert(support.join("Cargo.toml"), manifest::tool(root, &tool)?);
    }
    let (tool, values) = (root.join("tools/own-step"), values(root, goal, name)?);
    let fill = |text: String| {
        let values = values.iter();
        values.fold(text, |text, (key, value)| {
            text.replace(&format!("{{{key}}}"), value)
        })
    };
    let template = tool.join("template");
    for (file, text) in texts(&template, &template)? {
        all.insert(file, fill(text));
    }
    if goal.exercise.is_some() {
        all.insert(GOAL.into(), fill(text(&tool.join("exercise.md"))?));
    }
    for file in [LOCK, "rust-toolchain.toml"] {
        all.insert(file.into(), text(&root.join(file))?);
    }
    Ok(all)
}

/// A hash of what one begins with: the task, the manifest and the sources. After a change of them, another one.
pub fn start_hash(files: &BTreeMap<PathBuf, String>) -> String {
    let is_of_start = |file: &Path| {
        file.starts_with("src")
            || [GOAL, "Cargo.toml"]
                .iter()
                .any(|name| file == Path::new(name))
    };
    let files = files.iter().filter(|(file, _)| is_of_start(file));
    hash(files.map(|(file, text)| (file.as_path(), text.as_str())))
}

/// A short hash of files and their names.
pub fn hash<'a>(files: impl IntoIterator<Item = (&'a Path, &'a str)>) -> String {
    let mut hash = Sha256::new();
    for (file, text) in files {
        hash.update(format!("{}\0{}\0", file.display(), text.len()));
        hash.update(text);
    }
    let hash = hash.finalize();
    let digits = hash.iter().take(6).map(|byte| format!("{byte:02x}"));
    digits.collect()
}

/// What stands in braces in the files of the template.
fn values(root: &Path, goal: &Goal, name: &str) -> Result<Vec<(&'static str, String)>> {
    let dependencies = |section| manifest::dependencies(root, goal, section);
    let first = goal.turns.first().map_or("", |row| row.id);
    let task = goal.exercise.as_ref().map(|exercise| exercise.task(root));
    let speed = match goal.is_about_speed() {
        true => format!(
            "\nThis step is about speed. Once all rows are met, a check measures yours beside `{}`; `--speed` does only that.\n",
            goal.start.name
        ),
        false => String::new(),
    };
    let keeps = match (goal.keeps.is_empty(), &goal.exercise) {
        (false, _) => table(&goal.keeps),
        (true, None) => "Nothing yet: this is the first one.".to_owned(),
        (true, Some(_)) => "Nothing.".to_owned(),
    };
    Ok(vec![
        ("speed", speed),
        ("name", name.to_owned()),
        ("task", task.transpose()?.unwrap_or_default()),
        ("command", goal.command()),
        ("number", goal.step.number.to_string()),
        ("step", goal.step.name.clone()),
        ("start", goal.start.name.clone()),
        ("description", goal.step.description()?),
        ("lack", goal.lack()?),
        ("first", first.to_owned()),
        ("turns", table(&goal.turns)),
        ("guess", guess(&goal.turns)),
        ("keeps", keeps),
        ("common", manifest::common(root)?),
        ("dependencies", dependencies("dependencies")?),
        ("dev-dependencies", dependencies("dev-dependencies")?),
    ])
}

fn table(rows: &[Row]) -> String {
    let line = |row: &Row| {
        if row.is_to_guess {
            return format!("\n| {TO_GUESS} | it is met now, and then no more |");
        }
        let questions = row.questions.iter();
        let questions: String = questions.map(|asked| format!("<br>`{asked}`")).collect();
        format!("\n| `{}` | {}{questions} |", row.id, row.statement)
    };
    let lines: String = rows.iter().map(line).collect();
    format!("| row | what it means |\n|---|---|{lines}")
}

/// Where rows are to be guessed, room for the guess.
fn guess(rows: &[Row]) -> String {
    if !rows.iter().any(|row| row.is_to_guess) {
        return String::new();
    }
    "\nWrite your guess down before you check, and why:\n\n> …\n".to_owned()
}

/// The text of a step under the name of one's own.
fn renamed(text: &str, goal: &Goal, name: &str) -> String {
    let start = &goal.start;
    let run = format!("cargo xtask run step-{}", start.number);
    let text = without_marks(text).replace(&run, "cargo run");
    let text = text.replace(&start.name, name);
    text.replace(&start.name.replace('-', "_"), &name.replace('-', "_"))
}

/// The files in a folder, by their names as they are seen from another one.
fn texts(folder: &Path, base: &Path) -> Result<Vec<(PathBuf, String)>> {
    let pair = |file: PathBuf| Ok((file.strip_prefix(base)?.to_owned(), text(&file)?));
    files(folder)?.into_iter().map(pair).collect()
}

/// Writes a file, and makes the folder that it is in.
pub fn write(file: &Path, text: &str) -> Result<()> {
    fs::create_dir_all(file.parent().unwrap_or(file))
        .and_then(|()| fs::write(file, text))
        .with_context(|| format!("cannot write {}", file.display()))
}

/// The text of a file.
pub fn text(file: &Path) -> Result<String> {
    fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))
}
