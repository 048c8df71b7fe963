//! What is written into `book/src/generated/` by `bless`, and compared by `test`.

use std::{collections::BTreeMap, fmt::Write, fs::remove_file, path::Path};

use anyhow::{Context, Result};
use bench::{
    cells, circumstances, plot,
    profile::{self, Profile},
    published,
    results::{Load, Results},
};
use diff::pieces;
use experiments::false_alarms::FalseAlarms;
use mdbook_core::utils::fs;
use steps::{Language, Step};

use crate::{
    render::FLAMES,
    source::{Book, GENERATED, Problem, named_files},
    tables,
    value::Values,
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
        insert(&mut all, "contract.md", &tables::capabilities(reports));
        for step in rust.iter().filter(|step| step.number > 1) {
            let name = format!("{}/contract.md", step.name);
            insert(&mut all, &name, &tables::news(reports, step));
        }
    }
    processor_time(root, &mut all)?;
    if let Some(found) = FalseAlarms::read(root)? {
        insert(&mut all, "false-alarms.md", &tables::false_alarms(&found));
    }
    let Some((results, mut groups)) = Values::new(root)?.run else {
        return Ok(all);
    };
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
    let pages = Book::read(root)?.pages;
    for step in &rust {
        // In a chapter nobody meets what comes later.
        let met = tables::met(step, &rust);
        for group in &groups {
            let plots = plot::of(&group.only(&met)).into_iter();
            let plots = plots.map(|plot| (format!("{}/{}", step.name, plot.file), plot.svg));
            let is_shown = |name: &str| {
                let path = format!("generated/{name}");
                pages.iter().any(|page| page.text.contains(&path))
            };
            all.extend(plots.filter(|(name, _)| is_shown(name)));
        }
        if let Some(group) = groups.last() {
            let table = tables::measured(&group.only(&met), &cells::trust(group));
            insert(&mut all, &format!("{}/bench.md", step.name), &table);
        }
    }
    insert(&mut all, "circumstances.md", &circumstances(&results));
    insert(&mut all, "compare.md", &comparison(root, &results)?);
    let sweep = published::sweep(root)?;
    let sweep = sweep.map(|folder| Results::read(&folder)).transpose()?;
    let plots = [&results].into_iter().chain(&sweep).flat_map(plot::draw);
    all.extend(plots.map(|plot| (plot.file, plot.svg)));
    // It belongs to the table of capabilities: both are there, or none.
    if reports.is_some() {
        let staircase = tables::staircase(root, &steps, groups.last())?;
        insert(&mut all, "staircase.md", &staircase);
    }
    Ok(all)
}

/// Where the processor time of a response goes, from the newest profile, if there is any.
fn processor_time(root: &Path, all: &mut BTreeMap<String, String>) -> Result<()> {
    let Some(folder) = published::profile(root)? else {
        return Ok(());
    };
    let profile = Profile::read(&folder)?;
    let table = profile::table(&profile).markdown();
    let flames = profile::flames(&profile, &format!("{FLAMES}/"));
    let summary = profile::summary(&profile);
    let page = folder.strip_prefix(root)?.join(profile::PAGE);
    let page = page.display();
    let text = format!("{table}\n{summary}\nHow to read it: `{page}`.\n\nFlame graphs: {flames}.");
    insert(all, "profile.md", &text);
    let plot = plot::split(&profile);
    all.extend(plot.map(|plot| (plot.file, plot.svg)));
    Ok(())
}

/// What the newest run and its repetition agree on.
fn comparison(root: &Path, results: &Results) -> Result<String> {
    let folder = published::shown(root)?;
    let Some(again) = folder.as_deref().and_then(published::repetition) else {
        return Ok("This run was not made twice.".to_owned());
    };
    let agreements = bench::compare(results, &Results::read(&again)?);
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
            let (name, (added, removed)) = (&piece.name, piece.counts);
            let _ = writeln!(text, "# ANCHOR: {name}\n{}# ANCHOR_END: {name}", piece.text);
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

/// Writes what differs, and removes what nothing generates any more. Returns what was done.
///
/// # Errors
///
/// When a file cannot be written.
pub fn write(root: &Path, all: &BTreeMap<String, String>) -> Result<String> {
    let changes = changes(root, all)?;
    let mut done = format!("{} changes", changes.len());
    for name in changes.into_keys() {
        let file = root.join(GENERATED).join(&name);
        let verb = match all.get(&name) {
            Some(content) => fs::write(&file, content).map(|()| "wrote"),
            None => remove_file(&file).map(|()| "removed").map_err(Into::into),
        };
        let verb = verb.with_context(|| format!("cannot change {GENERATED}/{name}"))?;
        done += &format!("\n{verb} {GENERATED}/{name}");
    }
    Ok(done)
}

/// The files that are not as they would be written now, each with what is in it, if it is there.
fn changes(
    root: &Path,
    all: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, Option<String>>> {
    let mut changes: BTreeMap<_, _> = all.keys().map(|name| (name.clone(), None)).collect();
    for (name, file) in named_files(&root.join(GENERATED))? {
        changes.insert(name, Some(fs::read_to_string(&file)?));
    }
    changes.retain(|name, old| old.as_ref() != all.get(name));
    Ok(changes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_belongs_to_a_chapter_ends_with_its_step() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2);
        let root = root.unwrap();
        let (all, steps) = (all(root).unwrap(), steps::all(root).unwrap());
        let rust = steps.iter().filter(|step| step.language == Language::Rust);
        for step in rust {
            let folder = format!("{}/", step.name);
            let figures = all.iter().filter(|(name, _)| {
                name.starts_with(&folder) && (name.ends_with(".svg") || name.ends_with("bench.md"))
            });
            assert!(figures.clone().count() >= 2, "{folder}");
            for (name, text) in figures {
                for other in steps.iter().filter(|other| other.number > 0) {
                    let is_met = other.number <= step.number;
                    assert_eq!(
                        text.contains(&other.name),
                        is_met,
                        "{} in {name}",
                        other.name
                    );
                }
            }
        }
    }
}
