//! What must be so in every page, as it was written. `book/AUTHORING.md` has the rules.

mod bones;
mod figures;

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;

use crate::{
    exercise,
    expand::{self, Expanded, sole_include},
    include,
    markdown::{self, Content, Fence},
    problem::Problem,
    source::{Book, GENERATED, Page, files, read},
    steps::{self, Step},
    transcript,
    value::Values,
};

/// Kinds of blocks that show a part of a file.
const LISTINGS: [&str; 9] = [
    "rust",
    "toml",
    "python",
    "dockerfile",
    "yaml",
    "lua",
    "json",
    "sh",
    "text",
];

/// The pages, ready for mdBook, and what is wrong with them.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Markdown by the name of the page.
    pub pages: BTreeMap<String, String>,
    /// All that is wrong, in the order of the pages.
    pub problems: Vec<Problem>,
}

/// Expands all pages and looks at each.
///
/// # Errors
///
/// When a file that is not a page's fault cannot be read.
pub fn look(book: &Book) -> Result<Outcome> {
    let steps = steps::all(&book.root)?;
    let values = Values::new(&book.root)?;
    let mut outcome = Outcome {
        problems: book.problems.clone(),
        ..Outcome::default()
    };
    let mut used = BTreeSet::new();
    for page in &book.pages {
        let content = markdown::content(&page.text);
        let Expanded {
            text,
            problems,
            anchors,
        } = expand::expand(book, &steps, &values, page, &content);
        outcome.problems.extend(problems);
        outcome.problems.extend(of_page(page, &content, &steps));
        outcome.pages.insert(page.name.clone(), text);
        used.extend(anchors);
    }
    outcome.problems.extend(missing_chapters(book, &steps));
    outcome.problems.extend(unused_anchors(book, &used)?);
    outcome.problems.extend(exercise::look(book)?);
    Ok(outcome)
}

fn of_page(page: &Page, content: &Content, steps: &[Step]) -> Vec<Problem> {
    let mut problems = Vec::new();
    for fence in &content.fences {
        if let Some(what) = wrong_kind(fence) {
            problems.push(page.problem(fence.line, what));
        }
        if fence.kind() == "console" && !fence.is_sketch() {
            problems.extend(
                transcript::parse(fence)
                    .err()
                    .map(|(line, what)| page.problem(line, what)),
            );
        }
    }
    for (line, alternative) in &content.images {
        if alternative.trim().is_empty() {
            problems.push(page.problem(
                *line,
                "the image says nothing to who cannot see it; write ![what it shows](…)",
            ));
        }
    }
    for (line, target) in &content.links {
        if target.starts_with("http:") || target.starts_with("//") {
            problems.push(page.problem(
                *line,
                format!("{target}: links to other hosts begin with https://"),
            ));
        }
    }
    problems.extend(figures::typed(page, content));
    problems.extend(exercise::sketches(page, content));
    let step = steps
        .iter()
        .find(|step| step.number > 0 && page.name == format!("{}.md", step.name));
    if let Some(step) = step {
        problems.extend(bones::lacking(page, content, step));
    }
    problems
}

fn wrong_kind(fence: &Fence) -> Option<String> {
    if fence.info.is_none() {
        return Some(
            "code by indentation has no kind; put it between ``` and name its kind".to_owned(),
        );
    }
    let kind = fence.kind();
    if kind.is_empty() {
        return Some(
            "the block has no kind; write ```console, ```rust, ```diff, … behind it".to_owned(),
        );
    }
    if fence.is_sketch() || kind == "console" {
        return None;
    }
    let Some(argument) = sole_include(&fence.body) else {
        return Some(if LISTINGS.contains(&kind) || kind == "diff" {
            format!(
                "code is not typed; let the block hold one {{{{#include …}}}} and nothing else, or call it {kind},sketch"
            )
        } else {
            unknown_kind(kind)
        });
    };
    let is_diff = argument.contains("generated/diff-") || argument.ends_with(".patch");
    match (kind, is_diff) {
        ("diff", false) => Some("a diff is generated, or a solution; include generated/diff-A-B/… or ../exercises/….patch".to_owned()),
        ("diff", true) => None,
        (_, true) => Some("this is a diff; call the block ```diff".to_owned()),
        (kind, false) if LISTINGS.contains(&kind) => None,
        (kind, false) => Some(unknown_kind(kind)),
    }
}

fn unknown_kind(kind: &str) -> String {
    format!(
        "{kind:?} is no kind of block; there are console, diff, {}",
        LISTINGS.join(", ")
    )
}

/// As soon as one step has a chapter, all have one.
fn missing_chapters(book: &Book, steps: &[Step]) -> Vec<Problem> {
    let has_chapter = |step: &&Step| {
        book.pages
            .iter()
            .any(|page| page.name == format!("{}.md", step.name))
    };
    let rust = || steps.iter().filter(|step| step.is_rust);
    if !rust().any(|step| has_chapter(&step)) {
        return Vec::new();
    }
    let missing = rust().filter(|step| !has_chapter(step));
    let problem = |step: &Step| {
        Problem::new(
            "book/src/SUMMARY.md",
            1,
            format!("{} has no chapter; write {}.md", step.name, step.name),
        )
    };
    missing.map(problem).collect()
}

/// A mark that no page uses is a comment that means nothing.
fn unused_anchors(book: &Book, used: &BTreeSet<(String, String)>) -> Result<Vec<Problem>> {
    let mut problems = Vec::new();
    let single = ["Dockerfile", "docker-compose.yml"].map(|name| book.root.join(name));
    let single = single.into_iter().filter(|file| file.is_file());
    for file in files(&book.root.join("steps"))?.into_iter().chain(single) {
        let name = file
            .strip_prefix(&book.root)?
            .to_string_lossy()
            .into_owned();
        let is_foreign =
            name.contains("/target/") || name.contains("__pycache__") || name.contains("/.venv/");
        let Some(text) = (!is_foreign).then(|| read(&file).ok()).flatten() else {
            continue;
        };
        let mut seen = BTreeSet::new();
        for (line, anchor) in include::anchors(&text) {
            if !seen.insert(anchor.clone()) {
                problems.push(Problem::new(
                    &name,
                    line,
                    format!("there are two parts called {anchor:?}; rename one"),
                ));
            } else if !used.contains(&(name.clone(), anchor.clone())) {
                let what = format!(
                    "no page shows the part {anchor:?}; remove its two marks, or include it"
                );
                problems.push(Problem::new(&name, line, what));
            }
        }
    }
    Ok(problems)
}

/// What is generated and does not lie under `book/src/generated/` as it should, and the reverse.
///
/// # Errors
///
/// When a file cannot be read.
pub fn stale(book: &Book, generated: &BTreeMap<String, String>) -> Result<Vec<Problem>> {
    let remedy = "accept with: cargo xtask book bless";
    let folder = book.root.join(GENERATED);
    let mut problems = Vec::new();
    for (name, expected) in generated {
        let file = format!("{GENERATED}/{name}");
        match read(&folder.join(name)) {
            Ok(found) if found == *expected => {}
            Ok(found) => {
                let same = found
                    .lines()
                    .zip(expected.lines())
                    .take_while(|(a, b)| a == b)
                    .count();
                problems.push(Problem::new(
                    file,
                    same + 1,
                    format!("is out of date; {remedy}"),
                ));
            }
            Err(_) => problems.push(Problem::new(file, 1, format!("is missing; {remedy}"))),
        }
    }
    if folder.is_dir() {
        for file in files(&folder)? {
            let name = file.strip_prefix(&folder)?.to_string_lossy().into_owned();
            if !generated.contains_key(&name) {
                problems.push(Problem::new(
                    format!("{GENERATED}/{name}"),
                    1,
                    format!("nothing generates this any more; {remedy}"),
                ));
            }
        }
    }
    Ok(problems)
}
