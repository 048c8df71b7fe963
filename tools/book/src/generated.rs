//! What is written into `book/src/generated/` by `bless`, and compared by `test`.

use std::{collections::BTreeMap, fmt::Write, fs, path::Path};

use anyhow::{Context, Result};
use bench::{
    cells, circumstances, plot, published,
    results::{Load, Results},
    summary,
};
use steps::{Language, Step, files};

use crate::{
    pieces::pieces,
    source::{Book, GENERATED, Problem, read, relative},
    tables,
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
    let rust = steps.iter().filter(|step| step.language == Language::Rust);
    let rust: Vec<&Step> = rust.collect();
    for pair in rust.windows(2) {
        diffs(pair[0], pair[1], &mut all)?;
    }
    let findings = root.join(contract::results::FILE);
    let reports = findings
        .exists()
        .then(|| contract::results::read(&findings));
    let reports = reports.transpose()?;
    if let Some(reports) = &reports {
        insert(&mut all, "contract.md", &contract::markdown(reports));
        for step in rust.iter().filter(|step| step.number > 1) {
            let name = format!("{}/contract.md", step.name);
            insert(&mut all, &name, &tables::news(reports, step));
        }
    }
    if let Some(folder) = published::shown(root)? {
        let results = Results::read(&folder)?;
        let mut groups = summary::summarise(&results);
        groups.retain(|group| group.load == Load::Capacity);
        for group in &groups {
            let name = |suffix| format!("bench-{}{suffix}.md", group.connections);
            let throughput = cells::throughput(group, 2).markdown();
            let throughput = format!("{throughput}\n{}", cells::noise(group));
            insert(&mut all, &name(""), &throughput);
            insert(&mut all, &name("-cost"), &cells::cost(group).markdown());
        }
        if let Some(group) = groups.last() {
            for step in &rust {
                let name = format!("{}/bench.md", step.name);
                insert(&mut all, &name, &tables::up_to(group, step, &rust));
            }
        }
        insert(&mut all, "circumstances.md", &circumstances(&results));
        let plots = plot::draw(&results).into_iter();
        all.extend(plots.map(|plot| (plot.file, plot.svg)));
        if let Some(reports) = &reports {
            let staircase = tables::staircase(root, &steps, reports, groups.last())?;
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
    let folder = format!("diff-{}-{}", a.number, b.number);
    let mut list = format!(
        "From {} to {}. Include a piece with `{folder}/FILE.diff:PIECE`.\n",
        a.name, b.name
    );
    for changed in diff::between(a, b)? {
        let pieces = pieces(&changed);
        if pieces.is_empty() {
            continue;
        }
        let (mut text, name) = (String::new(), changed.file.display());
        let _ = write!(list, "\n`{name}.diff`\n\n");
        for piece in &pieces {
            let (name, lines) = (&piece.name, piece.lines.join("\n"));
            let _ = writeln!(text, "# ANCHOR: {name}\n{lines}\n# ANCHOR_END: {name}");
            let (added, removed) = piece.counts;
            let _ = writeln!(list, "- `{name}`: {added} added, {removed} removed");
        }
        all.insert(format!("{folder}/{name}.diff"), text);
    }
    insert(all, &format!("{folder}/README.md"), &list);
    Ok(())
}

/// What does not lie under `book/src/generated/` as it would be written now, and the reverse.
///
/// # Errors
///
/// When a folder cannot be read.
pub fn stale(book: &Book, all: &BTreeMap<String, String>) -> Result<Vec<Problem>> {
    let folder = book.root.join(GENERATED);
    let problem = |name: &str, line, what: &str| {
        let what = format!("{what}; accept with: cargo xtask book bless");
        Problem::new(format!("{GENERATED}/{name}"), line, what)
    };
    let mut problems = Vec::new();
    for (name, expected) in all {
        match read(&folder.join(name)) {
            Ok(found) if found == *expected => {}
            Ok(found) => {
                let lines = found.lines().zip(expected.lines());
                let same = lines.take_while(|(a, b)| a == b).count();
                problems.push(problem(name, same + 1, "is out of date"));
            }
            Err(_) => problems.push(problem(name, 1, "is missing")),
        }
    }
    for name in obsolete(&folder, all)? {
        problems.push(problem(&name, 1, "nothing generates this any more"));
    }
    Ok(problems)
}

/// The files in the folder of what is generated that nothing generates any more.
fn obsolete(folder: &Path, all: &BTreeMap<String, String>) -> Result<Vec<String>> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let names = files(folder)?.into_iter();
    let names = names.map(|file| relative(&file, folder));
    Ok(names.filter(|name| !all.contains_key(name)).collect())
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
    for name in obsolete(&folder, all)? {
        let file = folder.join(&name);
        fs::remove_file(&file).with_context(|| format!("cannot remove {}", file.display()))?;
        changed.push(format!("removed {GENERATED}/{name}"));
    }
    Ok(changed)
}
