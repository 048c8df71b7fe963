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
    source::{GENERATED, Problem, read, relative},
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
            let throughput = cells::throughput(group).markdown();
            let sentences = [cells::trust(group), cells::precision(group, &results.plan)];
            let throughput = format!("{throughput}\n{}", sentences.join(" "));
            insert(&mut all, &name(""), &throughput);
            let (latency, cost) = (cells::latency(group), cells::cost(group));
            let cost = format!("{}\n{}", latency.markdown(), cost.markdown());
            insert(&mut all, &name("-cost"), &cost);
        }
        if let Some(group) = groups.last() {
            for step in &rust {
                let name = format!("{}/bench.md", step.name);
                insert(&mut all, &name, &tables::up_to(group, step, &rust));
            }
        }
        insert(&mut all, "circumstances.md", &circumstances(&results));
        insert(&mut all, "compare.md", &comparison(&folder, &results)?);
        let plots = plot::draw(&results).into_iter();
        all.extend(plots.map(|plot| (plot.file, plot.svg)));
        if let Some(folder) = published::sweep(root)? {
            let plots = plot::draw(&Results::read(&folder)?).into_iter();
            all.extend(plots.map(|plot| (plot.file, plot.svg)));
        }
        if let Some(reports) = &reports {
            let staircase = tables::staircase(root, &steps, reports, groups.last())?;
            insert(&mut all, "staircase.md", &staircase);
        }
    }
    Ok(all)
}

/// What the run in a folder and its repetition agree on.
fn comparison(folder: &Path, results: &Results) -> Result<String> {
    let name = folder.to_string_lossy();
    let again = name.strip_suffix("-run-1");
    let again = again.map(|name| format!("{name}{}", published::REPETITION));
    let Some(again) = again.filter(|again| Path::new(again).exists()) else {
        return Ok("This run was not made twice.".to_owned());
    };
    let agreements = bench::compare(results, &Results::read(Path::new(&again))?);
    let tables = agreements.iter().map(|agreement| {
        let (table, verdict) = (cells::agreement(agreement), cells::verdict(agreement));
        let title = cells::title(&agreement.group);
        format!("{title}:\n\n{}\n{verdict}\n\n", table.markdown())
    });
    Ok(tables.collect())
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
pub fn stale(root: &Path, all: &BTreeMap<String, String>) -> Result<Vec<Problem>> {
    let problem = |(name, old): (String, Option<String>)| {
        let (line, what) = match (old, all.get(&name)) {
            (Some(old), Some(new)) => {
                let lines = old.lines().zip(new.lines());
                let same = lines.take_while(|(old, new)| old == new).count();
                (same + 1, "is out of date")
            }
            (None, _) => (1, "is missing"),
            (Some(_), None) => (1, "nothing generates this any more"),
        };
        let what = format!("{what}; accept with: cargo xtask book bless");
        Problem::new(format!("{GENERATED}/{name}"), line, what)
    };
    Ok(changes(root, all)?.into_iter().map(problem).collect())
}

/// Writes what differs, and removes what nothing generates any more. Returns the names of both.
///
/// # Errors
///
/// When a file cannot be written.
pub fn write(root: &Path, all: &BTreeMap<String, String>) -> Result<Vec<String>> {
    let mut changed = Vec::new();
    for (name, _) in changes(root, all)? {
        let file = root.join(GENERATED).join(&name);
        let context = || format!("cannot change {}", file.display());
        if let Some(content) = all.get(&name) {
            let folder = file.parent().unwrap_or(root);
            fs::create_dir_all(folder).with_context(context)?;
            fs::write(&file, content).with_context(context)?;
            changed.push(format!("wrote {GENERATED}/{name}"));
        } else {
            fs::remove_file(&file).with_context(context)?;
            changed.push(format!("removed {GENERATED}/{name}"));
        }
    }
    Ok(changed)
}

/// The files that are not as they would be written now, each with what is in it, if it is there.
fn changes(
    root: &Path,
    all: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, Option<String>>> {
    let folder = root.join(GENERATED);
    let mut changes: BTreeMap<_, _> = all.keys().map(|name| (name.clone(), None)).collect();
    let found = match folder.is_dir() {
        true => files(&folder)?,
        false => Vec::new(),
    };
    for file in found {
        changes.insert(relative(&file, &folder), Some(read(&file)?));
    }
    changes.retain(|name, old| old.as_ref() != all.get(name));
    Ok(changes)
}
