//! What must be so in every page, as it was written. `book/AUTHORING.md` has the rules.

mod figures;
mod outline;
pub mod rendered;

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, bail, ensure};
use mdbook_core::utils::fs;
use steps::{Language, Step, files};

use crate::{
    exercise, expand, experiment, include,
    markdown::{self, Content, Fence},
    source::{Book, Page, Problem, relative},
    transcript::{self, Part, lacks_sample},
    value::Values,
};

/// Kinds of blocks that show a part of a file.
const LISTINGS: &str = "rust toml python dockerfile yaml sh text";

/// Expands all pages and checks each. Returns them by their names, ready for mdBook, and all that is wrong.
///
/// # Errors
///
/// When a file that is not a page's fault cannot be read.
pub fn check(book: &Book) -> Result<(BTreeMap<String, String>, Vec<Problem>)> {
    let steps = steps::all(&book.root)?;
    let values = Values::new(&book.root)?;
    let (mut problems, mut pages) = (book.problems.clone(), BTreeMap::new());
    let mut used = BTreeSet::new();
    for page in &book.pages {
        let content = markdown::content(&page.text);
        let expanded = expand::expand(book, &values, page, &content);
        problems.extend(expanded.problems);
        problems.extend(of_page(page, &content, &steps));
        pages.insert(page.name.clone(), expanded.text);
        used.extend(expanded.anchors);
    }
    problems.extend(missing_chapters(book, &steps));
    problems.extend(unused_anchors(book, &used)?);
    problems.extend(unshown_solutions(book)?);
    problems.extend(experiment::unshown(&book.root, &book.pages)?);
    Ok((pages, problems))
}

fn of_page(page: &Page, content: &Content, steps: &[Step]) -> Vec<Problem> {
    let mut problems = Vec::new();
    for fence in &content.fences {
        let wrong = ensure_kind(fence).err();
        problems.extend(wrong.map(|what| page.problem(fence.line, what.to_string())));
        if fence.is_transcript() {
            let wrong = transcript::parse(fence).err();
            problems.extend(wrong.map(|(line, what)| page.problem(line, what)));
        }
    }
    problems.extend(without_sample(page, content));
    problems.extend(figures::typed(page, content));
    problems.extend(unproved_solutions(page, content));
    let mut steps = steps.iter().filter(|step| step.number > 0);
    if let Some(step) = steps.find(|step| page.name == format!("{}.md", step.name)) {
        problems.extend(outline::lacking(page, content, step.number));
    }
    problems
}

/// Outputs with a `[..]` that shows nothing of a run.
fn without_sample(page: &Page, content: &Content) -> Vec<Problem> {
    let transcripts = content.fences.iter().filter(|fence| fence.is_transcript());
    let blocks = transcripts.filter_map(|fence| transcript::parse(fence).ok());
    let parts = blocks.flat_map(|block| block.parts);
    let lacks_one = |part: &Part| part.expected.iter().any(|line| lacks_sample(line));
    let what = format!(
        "below, [..] shows nothing of a run; record it with: cargo xtask book bless {}",
        page.name
    );
    let lacking = parts.filter(lacks_one);
    lacking
        .map(|part| page.problem(part.line, what.as_str()))
        .collect()
}

/// That a block has a kind, and holds what that promises.
fn ensure_kind(fence: &Fence) -> Result<()> {
    let kind = fence.kind();
    ensure!(
        fence.info.is_some(),
        "code by indentation has no kind; put it between ``` and name its kind"
    );
    ensure!(
        !kind.is_empty(),
        "the block has no kind; write ```console, ```rust, ```diff, … behind it"
    );
    if fence.is_sketch() || kind == "console" {
        return Ok(());
    }
    ensure!(
        kind == "diff" || LISTINGS.split(' ').any(|known| known == kind),
        "{kind:?} is no kind of block; there are: console diff {LISTINGS}"
    );
    let Some(path) = fence.sole_include() else {
        bail!(
            "code is not typed; let the block hold one {{{{#include …}}}} and nothing else, or call it {kind},sketch"
        );
    };
    match path.contains("generated/diff-") || path.ends_with(".patch") {
        is_diff if is_diff == (kind == "diff") => Ok(()),
        true => bail!("this is a diff; call the block ```diff"),
        false => bail!(
            "a diff is generated, or a solution; include generated/diff-A-B/… or ../exercises/….patch"
        ),
    }
}

fn missing_chapters(book: &Book, steps: &[Step]) -> Vec<Problem> {
    let rust = steps.iter().filter(|step| step.language == Language::Rust);
    let has_chapter = |step: &&Step| {
        let chapter = format!("{}.md", step.name);
        book.pages.iter().any(|page| page.name == chapter)
    };
    let problem = |Step { name, .. }: &Step| {
        let what = format!("{name} has no chapter; write {name}.md, and name it here");
        Problem::new("book/src/SUMMARY.md", 1, what)
    };
    rust.filter(|step| !has_chapter(step))
        .map(problem)
        .collect()
}

/// What is wrong with how the solutions are written, and which of them no page shows.
fn unshown_solutions(book: &Book) -> Result<Vec<Problem>> {
    let (exercises, mut problems) = exercise::all(&book.root)?;
    for exercise in exercises {
        let name = format!("exercises/{}.patch", exercise.name);
        let include = format!("{{{{#include ../{name}}}}}");
        if !book.pages.iter().any(|page| page.text.contains(&include)) {
            let what =
                format!("no page shows it; write {include} in a ```diff block, or remove it");
            problems.push(Problem::new(format!("book/{name}"), 1, what));
        }
    }
    Ok(problems)
}

/// Solutions that nothing proves: sketches below `## Exercises`.
fn unproved_solutions(page: &Page, content: &Content) -> Vec<Problem> {
    let is_exercise = |fence: &&Fence| {
        let mut above = content.headings.iter().rev();
        let section = above.find(|heading| heading.level <= 2 && heading.line < fence.line);
        section.is_some_and(|section| section.text == "Exercises")
    };
    let sketches = content.fences.iter().filter(|fence| fence.is_sketch());
    let what =
        "nothing proves this solution; make it a patch in book/exercises, or say it in words";
    let unproved = sketches.filter(is_exercise);
    unproved
        .map(|fence| page.problem(fence.line, what))
        .collect()
}

/// A mark that no page uses is a comment that means nothing.
fn unused_anchors(book: &Book, used: &BTreeSet<(String, String)>) -> Result<Vec<Problem>> {
    let mut problems = Vec::new();
    let single = ["Dockerfile", "docker-compose.yml"].map(|name| book.root.join(name));
    for file in files(&book.root.join("steps"))?.into_iter().chain(single) {
        let name = relative(&file, &book.root);
        // What is no text has no marks.
        let text = fs::read_to_string(&file).unwrap_or_default();
        let mut seen = BTreeSet::new();
        for (line, anchor) in include::anchors(&text) {
            let what = if !seen.insert(anchor) {
                format!("there are two parts called {anchor:?}; rename one")
            } else if !used.contains(&(name.clone(), anchor.to_owned())) {
                format!("no page shows the part {anchor:?}; remove its two marks, or include it")
            } else {
                continue;
            };
            problems.push(Problem::new(&name, line, what));
        }
    }
    Ok(problems)
}
