//! The files of a folder for a step of one's own, as they are at the start.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use steps::{files, without_marks};

use crate::{Goal, goal_page, manifest};

/// Where the folder says which checkout it asks. That is so on one machine only, and not committed.
pub const CHECKOUT: &str = ".checkout";

/// What cargo does not know before it has resolved anew: it takes out what the package does not need.
pub const LOCK: &str = "Cargo.lock";

const IGNORED: &str = "/target/\n/.checkout\n*.snap.new\n.pending-snap\n";

const CARGO_CONFIG: &str = "# `cargo xtask check`, `hint` and `progress`: see support/xtask.\n\
    [alias]\nxtask = \"run --quiet --package xtask --\"\n";

/// All files, by name.
///
/// # Errors
///
/// When what they are made from cannot be read.
pub fn all(root: &Path, goal: &Goal, name: &str) -> Result<BTreeMap<PathBuf, String>> {
    let mut all = BTreeMap::new();
    for folder in ["src", "tests"] {
        let folder = goal.start.folder.join(folder);
        for (file, text) in texts(&folder, &goal.start.folder)? {
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
    let rust = "rust-toolchain.toml";
    for (file, text) in [
        ("Cargo.toml", manifest::package(root, goal, name)?),
        (LOCK, text(&root.join(LOCK))?),
        (rust, text(&root.join(rust))?),
        (".gitignore", IGNORED.to_owned()),
        (".cargo/config.toml", CARGO_CONFIG.to_owned()),
        ("support/xtask/Cargo.toml", manifest::xtask(root)?),
        (
            "support/xtask/src/main.rs",
            include_str!("../ask.rs").to_owned(),
        ),
        ("GOAL.md", goal_page::text(goal, name)?),
    ] {
        all.insert(file.into(), text);
    }
    Ok(all)
}

/// The text of a step under the name of one's own.
fn renamed(text: &str, goal: &Goal, name: &str) -> String {
    let start = &goal.start;
    without_marks(text)
        .replace(
            &format!("cargo xtask run step-{}", start.number),
            "cargo run",
        )
        .replace(&start.name, name)
        .replace(&start.crate_name(), &name.replace('-', "_"))
}

/// The files in a folder, relative to another one.
fn texts(folder: &Path, base: &Path) -> Result<Vec<(PathBuf, String)>> {
    let files = files(folder)?.into_iter();
    let pair = |file: PathBuf| Ok((file.strip_prefix(base)?.to_owned(), text(&file)?));
    files.map(pair).collect()
}

fn text(file: &Path) -> Result<String> {
    fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))
}
