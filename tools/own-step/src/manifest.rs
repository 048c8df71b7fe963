//! The manifests of a step of one's own. Ours say `workspace = true`; theirs stand alone.

use std::{collections::BTreeMap, path::Path};

use anyhow::{Context, Result};
use toml::{Table, Value};

use crate::{Goal, files::text};

/// What the start is built from, and what our step is built from, too, so that the versions of both are known
/// from the beginning. `section` is that of the manifest.
pub fn dependencies(root: &Path, goal: &Goal, section: &str) -> Result<String> {
    let workspace = read(root)?;
    let (start, step) = (read(&goal.start.folder)?, read(&goal.step.folder)?);
    let mut all: BTreeMap<String, Value> = BTreeMap::new();
    for (name, wanted) in entries(&start, section).chain(entries(&step, section)) {
        let wanted = resolved(&workspace, name, wanted, "support/")?;
        match all.get_mut(name) {
            Some(known) => add_features(known, &wanted),
            None => drop(all.insert(name.clone(), wanted)),
        }
    }
    Ok(lines(&all))
}

/// The manifest of one of our tools that the tests of the steps use, without its own tests.
pub fn tool(root: &Path, name: &str) -> Result<String> {
    let workspace = read(root)?;
    let tool = read(&root.join("tools").join(name))?;
    let mut all = BTreeMap::new();
    for (name, wanted) in entries(&tool, "dependencies") {
        all.insert(name.clone(), resolved(&workspace, name, wanted, "../")?);
    }
    let (common, dependencies) = (common(root)?, lines(&all));
    Ok(format!(
        "[package]\nname = \"{name}\"\nversion = \"0.1.0\"\n{common}\npublish = false\n\n[dependencies]\n{dependencies}\n"
    ))
}

/// The names of our own crates that the tests of these steps use.
pub fn tools_of(root: &Path, goal: &Goal) -> Result<Vec<String>> {
    let mut wanted: Vec<String> = Vec::new();
    for step in [&goal.start, &goal.step] {
        let manifest = read(&step.folder)?;
        let names = entries(&manifest, "dev-dependencies").map(|(name, _)| name.clone());
        wanted.extend(names);
    }
    let mut tools: Vec<String> = Vec::new();
    while let Some(name) = wanted.pop() {
        let folder = root.join("tools").join(&name);
        if folder.is_dir() && !tools.contains(&name) {
            let manifest = read(&folder)?;
            let names = entries(&manifest, "dependencies").map(|(name, _)| name.clone());
            wanted.extend(names);
            tools.push(name);
        }
    }
    Ok(tools)
}

/// Every package that a lock file names.
pub fn packages(lock: &str) -> impl Iterator<Item = &str> {
    let names = lock
        .lines()
        .filter_map(|line| line.strip_prefix("name = \""));
    names.map(|name| name.trim_end_matches('"'))
}

fn read(folder: &Path) -> Result<Table> {
    let file = folder.join("Cargo.toml");
    let table = text(&file)?.parse();
    table.with_context(|| format!("{} is no manifest", file.display()))
}

/// What all packages have alike.
pub fn common(root: &Path) -> Result<String> {
    let package = &read(root)?["workspace"]["package"];
    let line = |key: &str| format!("{key} = {}", package[key]);
    Ok([line("edition"), line("rust-version")].join("\n"))
}

fn entries<'a>(
    manifest: &'a Table,
    section: &str,
) -> impl Iterator<Item = (&'a String, &'a Value)> {
    let section = manifest.get(section).and_then(Value::as_table);
    section.into_iter().flatten()
}

/// What a dependency is, where it says that the workspace knows. Ours lie in `support`.
fn resolved(workspace: &Table, name: &str, wanted: &Value, support: &str) -> Result<Value> {
    if wanted.get("workspace").is_none() {
        return Ok(wanted.clone());
    }
    let known = workspace["workspace"]["dependencies"].get(name);
    let known = known.with_context(|| format!("the workspace has no dependency {name}"))?;
    let mut known = known.clone();
    if let Some(path) = known.get_mut("path") {
        *path = format!("{support}{name}").into();
    }
    add_features(&mut known, wanted);
    Ok(known)
}

/// Adds the features that `more` asks for to those of a dependency.
fn add_features(dependency: &mut Value, more: &Value) {
    let more = more.get("features").and_then(Value::as_array);
    let Some(more) = more.filter(|more| !more.is_empty()) else {
        return;
    };
    if dependency.is_str() {
        let version = ("version".to_owned(), dependency.clone());
        *dependency = Table::from_iter([version]).into();
    }
    let Some(table) = dependency.as_table_mut() else {
        return;
    };
    let features = table.entry("features").or_insert(Value::Array(Vec::new()));
    if let Some(features) = features.as_array_mut() {
        for feature in more {
            if !features.contains(feature) {
                features.push(feature.clone());
            }
        }
    }
}

/// One line a dependency.
fn lines(dependencies: &BTreeMap<String, Value>) -> String {
    let line = |(name, what): (&String, &Value)| format!("{name} = {what}");
    let lines: Vec<String> = dependencies.iter().map(line).collect();
    lines.join("\n")
}
