//! What is written into `book/src/generated/` by `bless`, and compared by `test`.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use bench::{
    cells, circumstances, plot, published,
    results::{Load, Results},
    summary,
};

use crate::{
    diff,
    source::{GENERATED, files, read},
    steps::{self, Step},
    tables::{self, Contract},
};

/// The first line of everything that is generated and can have a comment.
const NOTE: &str = "Written by cargo xtask book bless; do not edit.";

/// All generated files: content by name.
///
/// # Errors
///
/// When what they are made from cannot be read.
pub fn all(root: &Path) -> Result<BTreeMap<String, String>> {
    let steps = steps::all(root)?;
    let mut all = BTreeMap::new();
    let rust: Vec<&Step> = steps.iter().filter(|step| step.is_rust).collect();
    for pair in rust.windows(2) {
        diffs(pair[0], pair[1], &mut all)?;
    }
    let contract = Contract::read(root)?;
    if let Some(contract) = &contract {
        insert(&mut all, "contract.md", &contract.markdown());
        for step in rust.iter().filter(|step| step.number > 1) {
            insert(
                &mut all,
                &format!("{}/contract.md", step.name),
                &contract.news(step),
            );
        }
    }
    if let Some(folder) = published::shown(root)? {
        let results = Results::read(&folder)?;
        measurements(&results, &rust, &mut all);
        if let Some(contract) = &contract {
            let staircase = tables::staircase(root, &steps, contract, &results)?;
            insert(&mut all, "staircase.md", &staircase);
        }
    }
    Ok(all)
}

fn insert(all: &mut BTreeMap<String, String>, name: &str, content: &str) {
    all.insert(
        name.to_owned(),
        format!("<!-- {NOTE} -->\n\n{}\n", content.trim()),
    );
}

/// One file for every file that changed, with a part for every item that did.
fn diffs(a: &Step, b: &Step, all: &mut BTreeMap<String, String>) -> Result<()> {
    let files: BTreeSet<PathBuf> = a.files()?.into_iter().chain(b.files()?).collect();
    let folder = format!("diff-{}-{}", a.number, b.number);
    let mut list = format!(
        "From {} to {}. Include a piece with `{folder}/FILE.diff:PIECE`.\n",
        a.name, b.name
    );
    for file in files {
        let name = file.to_string_lossy().into_owned();
        let pieces = diff::pieces(&name, &a.neutral(&file)?, &b.neutral(&file)?);
        if pieces.is_empty() {
            continue;
        }
        let mut text = String::new();
        let _ = write!(list, "\n`{name}.diff`\n\n");
        for piece in &pieces {
            let _ = writeln!(text, "# ANCHOR: {}", piece.name);
            for line in &piece.lines {
                let _ = writeln!(text, "{line}");
            }
            let _ = writeln!(text, "# ANCHOR_END: {}", piece.name);
            let (added, removed) = piece.counts;
            let _ = writeln!(list, "- `{}`: {added} added, {removed} removed", piece.name);
        }
        all.insert(format!("{folder}/{name}.diff"), text);
    }
    insert(all, &format!("{folder}/README.md"), &list);
    Ok(())
}

fn measurements(results: &Results, rust: &[&Step], all: &mut BTreeMap<String, String>) {
    let groups = summary::summarise(results);
    let capacities: Vec<_> = groups
        .iter()
        .filter(|group| group.load == Load::Capacity)
        .collect();
    for group in &capacities {
        let name = |suffix| format!("bench-{}{suffix}.md", group.connections);
        let noise = cells::noise(group);
        let throughput = cells::throughput(group, 2).markdown();
        insert(all, &name(""), &format!("{throughput}\n{noise}"));
        insert(all, &name("-cost"), &cells::cost(group).markdown());
    }
    if let Some(group) = capacities.last() {
        for step in rust {
            insert(
                all,
                &format!("{}/bench.md", step.name),
                &tables::up_to(group, step, rust),
            );
        }
    }
    insert(all, "circumstances.md", &circumstances(results));
    for plot in plot::draw(results) {
        all.insert(plot.file, plot.svg);
    }
}

/// Writes what differs, and removes what nothing generates any more. Returns the names of both.
///
/// # Errors
///
/// When a file cannot be written.
pub fn write(root: &Path, all: &BTreeMap<String, String>) -> Result<Vec<String>> {
    let folder = root.join(GENERATED);
    let mut changed = Vec::new();
    for (name, content) in all {
        let file = folder.join(name);
        if fs::read_to_string(&file).is_ok_and(|old| old == *content) {
            continue;
        }
        let parent = file.parent().unwrap_or(&folder);
        fs::create_dir_all(parent).with_context(|| format!("cannot make {}", parent.display()))?;
        fs::write(&file, content).with_context(|| format!("cannot write {}", file.display()))?;
        changed.push(format!("wrote {GENERATED}/{name}"));
    }
    for file in if folder.is_dir() {
        files(&folder)?
    } else {
        Vec::new()
    } {
        let name = file.strip_prefix(&folder)?.to_string_lossy().into_owned();
        if !all.contains_key(&name) {
            fs::remove_file(&file).with_context(|| format!("cannot remove {}", file.display()))?;
            changed.push(format!("removed {GENERATED}/{name}"));
        }
    }
    Ok(changed)
}

/// The part of the README between two marks.
///
/// # Errors
///
/// When the README cannot be read.
pub fn readme_part(root: &Path, name: &str) -> Result<Option<String>> {
    let file = root.join("README.md");
    if !file.exists() {
        return Ok(None);
    }
    let text = read(&file)?;
    let part = text.split_once(&format!("<!-- generated: {name} -->"));
    let part = part.and_then(|(_, rest)| rest.split_once(&format!("<!-- end: {name} -->")));
    Ok(part.map(|(part, _)| part.trim().to_owned()))
}
