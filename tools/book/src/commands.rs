//! What each command does.

use std::{
    collections::BTreeMap,
    path::Path,
    slice,
    thread::{self, ScopedJoinHandle},
    time::Instant,
};

use anyhow::{Context, Result, anyhow, ensure};
use mdbook_core::utils::fs;
use output::terminal;

use crate::{
    experiment::{self, Shown},
    generated, lints, markdown,
    render::render,
    source::{Book, Page, Problem},
    transcript::{self, Block, Part, preparations},
};

/// What is done with what commands print and what experiments come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// It is compared with what the pages say. Of the experiments of a page one is carried out, unless the
    /// page was named: they take long, and the contract says most of it, too.
    Test,
    /// It is compared, and nothing is left out.
    Strict,
    /// It is accepted. What still holds stays: samples, and recordings of experiments.
    Bless,
    /// It is accepted, and all samples and experiments are recorded anew.
    Record,
}

impl Mode {
    /// Whether what is so now is right.
    pub fn accepts(self) -> bool {
        matches!(self, Self::Bless | Self::Record)
    }
}

/// What came of a page, of an experiment, of all lints together, or of what is generated.
#[derive(Debug, serde::Serialize)]
pub struct Report {
    /// The name of the page, the experiment with its steps, `lints` or `generated`.
    pub name: String,
    /// The page whose commands or experiment it was.
    pub page: Option<String>,
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

/// Proves everything, or accepts what is so now: first the lints, or what is generated; then what the
/// commands of those pages print, and what their experiments come to, that `wanted` names (all of them if it
/// names none). Without `wanted` no command is run.
///
/// # Errors
///
/// When the book cannot be read, rendered or written, or there is no such page.
pub fn prove(
    root: &Path,
    wanted: Option<&[String]>,
    mode: Mode,
    mut report: impl FnMut(Report),
) -> Result<()> {
    let book = Book::read(root)?;
    for name in wanted.unwrap_or_default() {
        let known: Vec<&str> = book.pages.iter().map(|page| page.name.as_str()).collect();
        let mut pages = known.iter();
        let is_known = pages.any(|page| is_wanted(page, slice::from_ref(name)));
        ensure!(is_known, output::unknown("page", name, &known));
    }
    let (name, result) = if mode.accepts() {
        let written = generated::write(root, &generated::all(root)?)?;
        ("generated", Ok(written))
    } else {
        ("lints", lints(&book)?)
    };
    report(Report {
        name: name.to_owned(),
        page: None,
        result,
        skipped: Vec::new(),
    });
    match wanted {
        Some(wanted) => play(&book, wanted, mode, report),
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
/// Experiments wait as much as pages do, and go on beside the first ones; but those that are to be kept have
/// the machine to themselves.
fn play(book: &Book, wanted: &[String], mode: Mode, mut report: impl FnMut(Report)) -> Result<()> {
    let pages = book.pages.iter();
    let pages: Vec<&Page> = pages.filter(|page| is_wanted(&page.name, wanted)).collect();
    let (experiments, left_out) = experiments(book, &pages, !wanted.is_empty(), mode)?;
    let program = (!experiments.is_empty()).then(|| experiment::program(&book.root));
    let program = program.transpose()?.unwrap_or_default();
    let carry_out = || -> Vec<Report> {
        let reports = experiments.iter();
        let reports = reports.map(|placed| carry_out(&book.root, placed, &program, mode));
        reports.collect()
    };
    if mode.accepts() {
        carry_out().into_iter().for_each(&mut report);
    }
    let blocks = pages
        .into_iter()
        .map(|page| (page, transcript::of_page(&page.text)));
    let (mut first, last): (Vec<_>, Vec<_>) = blocks
        .filter(|(_, blocks)| !blocks.is_empty())
        .partition(|(page, _)| preparations(&page.text).next().is_none());
    // What builds an image waits for minutes, unless somebody who runs beside us has built it by then.
    first.sort_by_key(|(_, blocks)| transcript::needs_docker(blocks));
    let commands = last.iter().flat_map(|(page, _)| preparations(&page.text));
    let commands: Vec<&str> = commands.collect();
    let mut play = |(page, blocks): (&Page, Vec<Block>)| -> Result<()> {
        transcript::prepare_images(&book.root, &blocks);
        report(play_page(book, page, &blocks, mode)?);
        Ok(())
    };
    let carried_out = thread::scope(|scope| {
        scope.spawn(|| transcript::prepare(&book.root, &commands));
        let beside = (!mode.accepts()).then(|| scope.spawn(carry_out));
        first.into_iter().try_for_each(&mut play)?;
        let reports = beside.map_or_else(|| Ok(Vec::new()), ScopedJoinHandle::join);
        if !commands.is_empty() {
            terminal::progress("waiting for what the other pages have compiled");
        }
        reports.map_err(|_| anyhow!("an experiment panicked; see above"))
    })?;
    last.into_iter().try_for_each(&mut play)?;
    carried_out.into_iter().chain(left_out).for_each(report);
    Ok(())
}

/// Types the commands of a page, and writes what they print into it, if that is to be accepted.
fn play_page(book: &Book, page: &Page, blocks: &[Block], mode: Mode) -> Result<Report> {
    terminal::progress(&format!("the commands of {}", page.name));
    let started = Instant::now();
    let outcome = transcript::play(&book.root, &page.name, blocks, mode);
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
    Ok(Report {
        name: page.name.clone(),
        page: Some(page.name.clone()),
        result,
        skipped: skipped.collect(),
    })
}

/// An experiment, and the page and the line that show it.
struct Placed<'a> {
    page: &'a Page,
    line: usize,
    shown: Shown,
}

/// The experiments of these pages that are carried out, and what is said of the others.
fn experiments<'a>(
    book: &Book,
    pages: &[&'a Page],
    are_named: bool,
    mode: Mode,
) -> Result<(Vec<Placed<'a>>, Option<Report>)> {
    let (mut chosen, mut skipped) = (Vec::new(), Vec::new());
    for page in pages {
        let mut shown = Shown::of_page(&book.root, page)?;
        let all = shown.len();
        if mode == Mode::Test && !are_named && all > 1 {
            shown.truncate(1);
            skipped.push(format!(
                "{}: {} of {all} experiments, which take long; --strict carries them out, and so does \
                 cargo xtask book test {}",
                page.name,
                all - 1,
                page.name
            ));
        }
        let placed = shown.into_iter();
        chosen.extend(placed.map(|(line, shown)| Placed { page, line, shown }));
    }
    let left_out = (!skipped.is_empty()).then(|| Report {
        name: "experiments".to_owned(),
        page: None,
        result: Ok("one of each page".to_owned()),
        skipped,
    });
    Ok((chosen, left_out))
}

/// Carries an experiment out, and compares or keeps what came of it.
fn carry_out(root: &Path, placed: &Placed, program: &Path, mode: Mode) -> Report {
    let Placed { page, line, shown } = placed;
    let name = shown.words();
    if let Some(lack) = shown.lack() {
        return Report {
            page: Some(page.name.clone()),
            result: Ok("not carried out".to_owned()),
            skipped: vec![format!("{name}: {lack}")],
            name,
        };
    }
    terminal::progress(&format!("the experiment {name}"));
    let result = match mode {
        Mode::Bless => shown.accept(root, program),
        Mode::Record => shown.record(root, program),
        Mode::Test | Mode::Strict => shown.prove(root, program),
    };
    Report {
        name,
        page: Some(page.name.clone()),
        result: result.map_err(|error| page.problem(*line, format!("{error:#}")).to_string()),
        skipped: Vec::new(),
    }
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
