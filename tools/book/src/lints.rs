//! What must be so in every page, as it was written. `book/AUTHORING.md` has the rules.

mod exercises;
mod figures;
mod outline;
pub mod rendered;

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use mdbook_core::utils::fs;
use steps::{Language, Step, files};

use crate::{
    expand, include,
    markdown::{self, Content, Fence},
    source::{Book, Page, Problem, relative},
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
pub struct Checked {
    /// Markdown by the name of the page.
    pub pages: BTreeMap<String, String>,
    /// All that is wrong, in the order of the pages.
    pub problems: Vec<Problem>,
}

/// Expands all pages and checks each.
///
/// # Errors
///
/// When a file that is not a page's fault cannot be read.
pub fn check(book: &Book) -> Result<Checked> {
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
    problems.extend(exercises::unshown(book)?);
    Ok(Checked { pages, problems })
}

fn of_page(page: &Page, content: &Content, steps: &[Step]) -> Vec<Problem> {
    let mut problems = Vec::new();
    for fence in &content.fences {
        let kind = wrong_kind(fence);
        problems.extend(kind.map(|what| page.problem(fence.line, what)));
        if fence.is_transcript() {
            let wrong = transcript::parse(fence).err();
            problems.extend(wrong.map(|(line, what)| page.problem(line, what)));
        }
    }
    problems.extend(figures::typed(page, content));
    problems.extend(exercises::sketches(page, content));
    let mut steps = steps.iter().filter(|step| step.number > 0);
    if let Some(step) = steps.find(|step| page.name == format!("{}.md", step.name)) {
        problems.extend(outline::lacking(page, content, step.number));
    }
    problems
}

fn wrong_kind(fence: &Fence) -> Option<String> {
    let kind = fence.kind();
    let is_listing = LISTINGS.contains(&kind);
    let what = match fence.sole_include() {
        _ if fence.info.is_none() => {
            "code by indentation has no kind; put it between ``` and name its kind"
        }
        _ if kind.is_empty() => {
            "the block has no kind; write ```console, ```rust, ```diff, … behind it"
        }
        _ if fence.is_sketch() || kind == "console" => return None,
        _ if !is_listing && kind != "diff" => {
            let listings = LISTINGS.join(", ");
            return Some(format!(
                "{kind:?} is no kind of block; there are console, diff, {listings}"
            ));
        }
        None => {
            return Some(format!(
                "code is not typed; let the block hold one {{{{#include …}}}} and nothing else, or call it {kind},sketch"
            ));
        }
        Some(path) => match path.contains("generated/diff-") || path.ends_with(".patch") {
            is_diff if is_diff == (kind == "diff") => return None,
            true => "this is a diff; call the block ```diff",
            false => {
                "a diff is generated, or a solution; include generated/diff-A-B/… or ../exercises/….patch"
            }
        },
    };
    Some(what.to_owned())
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

/// A mark that no page uses is a comment that means nothing.
fn unused_anchors(book: &Book, used: &BTreeSet<(String, String)>) -> Result<Vec<Problem>> {
    let mut problems = Vec::new();
    let single = ["Dockerfile", "docker-compose.yml"].map(|name| book.root.join(name));
    for file in files(&book.root.join("steps"))?.into_iter().chain(single) {
        let name = relative(&file, &book.root);
        let foreign = ["/target/", "__pycache__", "/.venv/"];
        if foreign.iter().any(|part| name.contains(part)) {
            continue;
        }
        let (text, mut seen) = (
            fs::read_to_string(&file).unwrap_or_default(),
            BTreeSet::new(),
        );
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
