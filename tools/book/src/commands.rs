//! What each command does.

use std::{collections::BTreeMap, path::Path, slice, thread, time::Instant};

use anyhow::{Context, Result, ensure};
use mdbook_core::utils::fs;
use output::terminal;

use crate::{
    generated, lints, markdown,
    render::render,
    source::{Book, Page, Problem},
    transcript::{self, Block, Part, preparations},
};

/// What came of a page, of all lints together, or of what is generated.
#[derive(Debug, serde::Serialize)]
pub struct Report {
    /// The name of the page, `lints` or `generated`.
    pub name: String,
    /// What was proved or written, or what is wrong.
    pub result: Result<String, String>,
    /// What could not be run, and why.
    pub skipped: Vec<String>,
}

/// Renders the book into a folder. Returns all that is wrong with what was written and with what came out.
///
/// # Errors
///
/// When the book cannot be read or rendered.
pub fn render_checked(root: &Path, out: &Path) -> Result<Vec<Problem>> {
    let book = Book::read(root)?;
    let (pages, mut problems) = lints::check(&book)?;
    render(root, &pages, out)?;
    problems.extend(lints::rendered::check(&book, out)?);
    Ok(problems)
}

/// All that is wrong with the book as it stands, but for what its commands print.
///
/// # Errors
///
/// When the book cannot be read or rendered.
pub fn lint(root: &Path) -> Result<Vec<Problem>> {
    let out = tempfile::tempdir().context("cannot make a temporary folder")?;
    let mut problems = render_checked(root, out.path())?;
    problems.extend(generated::stale(root, &generated::all(root)?)?);
    problems.sort();
    Ok(problems)
}

/// Proves everything, or with `bless` accepts what is so now: first the lints, or what is generated; then
/// page by page what the commands of those pages print that `wanted` names (all of them if it names none).
/// Without `wanted` no command is run.
///
/// # Errors
///
/// When the book cannot be read, rendered or written, or there is no such page.
pub fn prove(
    root: &Path,
    wanted: Option<&[String]>,
    bless: bool,
    mut report: impl FnMut(Report),
) -> Result<()> {
    let book = Book::read(root)?;
    for name in wanted.unwrap_or_default() {
        let known: Vec<&str> = book.pages.iter().map(|page| page.name.as_str()).collect();
        let mut pages = known.iter();
        let is_known = pages.any(|page| is_wanted(page, slice::from_ref(name)));
        ensure!(is_known, output::unknown("page", name, &known));
    }
    let (name, result) = if bless {
        let written = generated::write(root, &generated::all(root)?)?;
        ("generated", Ok(written))
    } else {
        ("lints", lints(&book)?)
    };
    report(Report {
        name: name.to_owned(),
        result,
        skipped: Vec::new(),
    });
    match wanted {
        Some(wanted) => play(&book, wanted, bless, report),
        None => Ok(()),
    }
}

/// What the lints say, in one text.
fn lints(book: &Book) -> Result<Result<String, String>> {
    let problems = lint(&book.root)?;
    let lines = problems.iter().map(|problem| format!("\n{problem}"));
    Ok(match problems.len() {
        0 => Ok(format!("{} pages", book.pages.len())),
        count => Err(format!("{count} problems{}", lines.collect::<String>())),
    })
}

/// Plays page by page. Pages that have something compiled beforehand, because it takes long, come last:
/// it is compiled while the others wait for what they do. They measure, too, and nothing runs beside them.
fn play(book: &Book, wanted: &[String], bless: bool, mut report: impl FnMut(Report)) -> Result<()> {
    let pages = book.pages.iter();
    let pages = pages.filter(|page| is_wanted(&page.name, wanted));
    let pages = pages.map(|page| (page, transcript::of_page(&page.text)));
    let (first, last): (Vec<_>, Vec<_>) = pages
        .filter(|(_, blocks)| !blocks.is_empty())
        .partition(|(page, _)| preparations(&page.text).next().is_none());
    let commands = last.iter().flat_map(|(page, _)| preparations(&page.text));
    let commands: Vec<&str> = commands.collect();
    let mut play = |(page, blocks): (&Page, Vec<Block>)| -> Result<()> {
        terminal::progress(&format!("the commands of {}", page.name));
        let started = Instant::now();
        let outcome = transcript::play(&book.root, &page.name, &blocks, bless);
        let seconds = started.elapsed().as_secs_f32();
        let mut what = format!("{} commands in {seconds:.1} s", outcome.commands);
        if !outcome.blessed.is_empty() {
            let text = with_parts(page, &outcome.blessed);
            fs::write(book.root.join(page.file()), text)?;
            what += &format!("; wrote {} blocks: read them", outcome.blessed.len());
        }
        let result = match outcome.failure {
            None => Ok(what),
            Some((line, failure)) => Err(format!("{what}\n{}", page.problem(line, failure))),
        };
        let skipped = outcome.skipped.into_iter();
        let skipped = skipped.map(|(line, why)| format!("{}:{line}: {why}", page.name));
        report(Report {
            name: page.name.clone(),
            result,
            skipped: skipped.collect(),
        });
        Ok(())
    };
    thread::scope(|scope| {
        scope.spawn(|| transcript::prepare(&book.root, &commands));
        let played = first.into_iter().try_for_each(&mut play);
        if !commands.is_empty() {
            terminal::progress("waiting for what the other pages have compiled");
        }
        played
    })?;
    last.into_iter().try_for_each(play)
}

/// The page with other contents in some of its blocks, which are named by their lines.
fn with_parts(page: &Page, blessed: &BTreeMap<usize, Vec<Part>>) -> String {
    let mut text = page.text.clone();
    // From the last to the first: what lies before a change keeps its place.
    for fence in markdown::content(&page.text).fences.iter().rev() {
        if let Some(parts) = blessed.get(&fence.line) {
            let first = text[fence.range.clone()].lines().next().unwrap_or_default();
            let first = &first[fence.prefix.len()..];
            let ticks: String = first.chars().take_while(|sign| *sign == '`').collect();
            let body: String = parts.iter().map(Part::lines).collect();
            let new = fence.in_place(&format!("{first}\n{body}{ticks}\n"));
            text.replace_range(fence.range.clone(), &new);
        }
    }
    text
}

fn is_wanted(page: &str, wanted: &[String]) -> bool {
    let is_page = |name: &String| name.trim_end_matches(".md") == page.trim_end_matches(".md");
    wanted.is_empty() || wanted.iter().any(is_page)
}
