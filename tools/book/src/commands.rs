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
    let checked = lints::check(&book)?;
    render(root, &checked.pages, out)?;
    let mut problems = checked.problems;
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

/// Proves everything: first the lints, then page by page what the commands of those pages print that
/// `wanted` names (all of them if it names none). Without `with_transcripts` no command is run.
///
/// # Errors
///
/// When the book cannot be read or rendered, or there is no such page.
pub fn test(
    root: &Path,
    wanted: &[String],
    with_transcripts: bool,
    mut report: impl FnMut(Report),
) -> Result<()> {
    let book = book_with(root, wanted)?;
    let problems = lint(root)?;
    let lines: Vec<String> = problems.iter().map(Problem::to_string).collect();
    report(Report {
        name: "lints".to_owned(),
        result: match lines.len() {
            0 => Ok(format!("{} pages", book.pages.len())),
            count => Err(format!("{count} problems\n{}", lines.join("\n"))),
        },
        skipped: Vec::new(),
    });
    match with_transcripts {
        true => play(&book, wanted, false, report),
        false => Ok(()),
    }
}

/// Accepts what is so now: writes what is generated, and what the commands print.
///
/// # Errors
///
/// When something cannot be written, or there is no such page.
pub fn bless(
    root: &Path,
    wanted: &[String],
    with_transcripts: bool,
    mut report: impl FnMut(Report),
) -> Result<()> {
    let book = book_with(root, wanted)?;
    let changes = generated::write(root, &generated::all(root)?)?;
    let lines = changes.iter().map(|change| format!("\n{change}"));
    report(Report {
        name: "generated".to_owned(),
        result: Ok(format!(
            "{} changes{}",
            changes.len(),
            lines.collect::<String>()
        )),
        skipped: Vec::new(),
    });
    match with_transcripts {
        true => play(&book, wanted, true, report),
        false => Ok(()),
    }
}

/// Plays page by page. Pages that have something compiled beforehand, because it takes long, come last:
/// it is compiled while the others wait for what they do. They measure, too, and nothing runs beside them.
fn play(book: &Book, wanted: &[String], bless: bool, mut report: impl FnMut(Report)) -> Result<()> {
    let pages = book.pages.iter().filter(|page| is_wanted(page, wanted));
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
        let skipped = outcome.skipped.iter();
        report(Report {
            name: page.name.clone(),
            skipped: skipped
                .map(|(line, why)| format!("{}:{line}: {why}", page.name))
                .collect(),
            result: match outcome.failure {
                None => Ok(what),
                Some((line, what)) => Err(format!("\n{}", page.problem(line, what))),
            },
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

fn is_wanted(page: &Page, wanted: &[String]) -> bool {
    let is_page = |name: &String| name.trim_end_matches(".md") == page.name.trim_end_matches(".md");
    wanted.is_empty() || wanted.iter().any(is_page)
}

/// The book, if it has all pages that are wanted.
fn book_with(root: &Path, wanted: &[String]) -> Result<Book> {
    let book = Book::read(root)?;
    for name in wanted {
        let is_page = |page: &Page| is_wanted(page, slice::from_ref(name));
        let known = book.pages.iter().map(|page| page.name.as_str());
        ensure!(
            book.pages.iter().any(is_page),
            output::unknown("page", name, &known.collect::<Vec<_>>())
        );
    }
    Ok(book)
}
