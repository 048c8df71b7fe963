//! What each command does.

use std::{fs, path::Path, process::ExitCode, time::Instant};

use anyhow::{Context, Result, bail};

use crate::{
    built,
    gates::{self, Outcome},
    generated, markdown,
    problem::Problem,
    render::render,
    source::{Book, Page},
    transcript::{self, Action, Part},
};

/// `build`: renders the book, and says what is wrong with it.
///
/// # Errors
///
/// When the book cannot be read or rendered.
pub fn build(root: &Path, out: &Path) -> Result<ExitCode> {
    let out = if out.is_absolute() {
        out.to_owned()
    } else {
        root.join(out)
    };
    let problems = render_checked(root, &out)?;
    report(&problems);
    anstream::println!("{}", out.join("index.html").display());
    Ok(if problems.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Renders the book into a folder. Returns all that is wrong with what was written and with what came out.
///
/// # Errors
///
/// When the book cannot be read or rendered.
pub fn render_checked(root: &Path, out: &Path) -> Result<Vec<Problem>> {
    let book = Book::read(root)?;
    let Outcome {
        pages,
        mut problems,
    } = gates::look(&book)?;
    render(root, &pages, out)?;
    problems.extend(built::look(&book, out)?);
    Ok(problems)
}

/// `test`: proves everything. Prints one line a page, and what was skipped and why.
///
/// # Errors
///
/// When the book cannot be read or rendered.
pub fn test(
    root: &Path,
    wanted: &[String],
    strict: bool,
    with_transcripts: bool,
) -> Result<ExitCode> {
    let book = Book::read(root)?;
    ensure_known(&book, wanted)?;
    let out = tempfile::tempdir().context("cannot make a temporary folder")?;
    let mut problems = render_checked(root, out.path())?;
    problems.extend(gates::stale(&book, &generated::all(root)?)?);
    problems.sort();
    report(&problems);
    let what = format!("{} pages, {} problems", book.pages.len(), problems.len());
    line(
        if problems.is_empty() { "ok" } else { "FAILED" },
        "gates",
        &what,
    );

    let (mut is_good, mut skips) = (problems.is_empty(), Vec::new());
    for page in book
        .pages
        .iter()
        .filter(|page| with_transcripts && is_wanted(page, wanted))
    {
        let blocks = blocks(page);
        if blocks.is_empty() {
            continue;
        }
        anstream::eprintln!("> the commands of {}", page.name);
        let started = Instant::now();
        let outcome = transcript::play(root, &page.name, &blocks, false);
        let seconds = started.elapsed().as_secs_f32();
        match outcome.failure {
            None => line(
                "ok",
                &page.name,
                &format!("{} commands in {seconds:.1} s", outcome.commands),
            ),
            Some((number, what)) => {
                is_good = false;
                line(
                    "FAILED",
                    &page.name,
                    &format!("\n{}", page.problem(number, what)),
                );
            }
        }
        skips.extend(
            outcome
                .skipped
                .into_iter()
                .map(|skip| format!("{}:{}: {}", page.name, skip.line, skip.why)),
        );
    }
    for skip in &skips {
        anstream::println!("skipped: {skip}");
    }
    if strict && !skips.is_empty() {
        anstream::println!("FAILED  --strict allows nothing to be skipped");
        is_good = false;
    }
    Ok(if is_good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// `bless`: writes what is generated, and what the commands print.
///
/// # Errors
///
/// When something cannot be written.
pub fn bless(root: &Path, wanted: &[String], with_transcripts: bool) -> Result<ExitCode> {
    let book = Book::read(root)?;
    ensure_known(&book, wanted)?;
    for change in generated::write(root, &generated::all(root)?)? {
        anstream::println!("{change}");
    }
    let mut is_good = true;
    for page in book
        .pages
        .iter()
        .filter(|page| with_transcripts && is_wanted(page, wanted))
    {
        let blocks = blocks(page);
        if blocks.is_empty() {
            continue;
        }
        anstream::eprintln!("> the commands of {}", page.name);
        let outcome = transcript::play(root, &page.name, &blocks, true);
        for skip in &outcome.skipped {
            anstream::println!("skipped: {}:{}: {}", page.name, skip.line, skip.why);
        }
        if let Some((number, what)) = outcome.failure {
            is_good = false;
            line(
                "FAILED",
                &page.name,
                &format!("\n{}", page.problem(number, what)),
            );
        }
        if !outcome.blessed.is_empty() {
            let text = with_parts(page, &outcome.blessed);
            let file = root.join(page.file());
            fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))?;
            anstream::println!(
                "wrote {}: {} blocks; read them",
                page.file(),
                outcome.blessed.len()
            );
        }
    }
    Ok(if is_good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// The page with other contents in some of its blocks, which are named by their lines.
fn with_parts(page: &Page, blessed: &std::collections::BTreeMap<usize, Vec<Part>>) -> String {
    let mut text = page.text.clone();
    // From the last to the first: what lies before a change keeps its place.
    for fence in markdown::content(&page.text).fences.iter().rev() {
        let Some(parts) = blessed.get(&fence.line) else {
            continue;
        };
        let old = &page.text[fence.range.clone()];
        let (first, last) = (
            old.lines().next().unwrap_or_default(),
            old.lines().last().unwrap_or_default(),
        );
        let prefix: String = fence
            .prefix
            .chars()
            .map(|sign| if sign == '>' { '>' } else { ' ' })
            .collect();
        let mut new = format!("{first}\n");
        for part in parts {
            let head = match &part.action {
                Action::Command(command) => Some(format!("$ {}", command.replace('\n', "\n> "))),
                Action::Interrupt => Some("^C".to_owned()),
                Action::More => None,
            };
            let lines: Vec<String> = head
                .iter()
                .flat_map(|head| head.lines().map(str::to_owned))
                .chain(part.expected.iter().cloned())
                .collect();
            for line in lines {
                new += format!("{prefix}{line}").trim_end();
                new.push('\n');
            }
        }
        new += last;
        new.push('\n');
        text.replace_range(fence.range.clone(), &new);
    }
    text
}

/// The blocks of a page that can be typed. The gates say what is wrong with the others.
fn blocks(page: &Page) -> Vec<transcript::Block> {
    let fences = markdown::content(&page.text).fences;
    let consoles = fences
        .iter()
        .filter(|fence| fence.kind() == "console" && !fence.is_sketch());
    consoles
        .filter_map(|fence| transcript::parse(fence).ok())
        .collect()
}

fn is_wanted(page: &Page, wanted: &[String]) -> bool {
    wanted.is_empty()
        || wanted
            .iter()
            .any(|name| *name == page.name || format!("{name}.md") == page.name)
}

fn ensure_known(book: &Book, wanted: &[String]) -> Result<()> {
    let is_known = |name: &&String| {
        book.pages
            .iter()
            .any(|page| is_wanted(page, std::slice::from_ref(name)))
    };
    if let Some(unknown) = wanted.iter().find(|name| !is_known(name)) {
        let names: Vec<&str> = book.pages.iter().map(|page| page.name.as_str()).collect();
        bail!(
            "there is no page {unknown:?}; there are: {}",
            names.join(", ")
        );
    }
    Ok(())
}

fn report(problems: &[Problem]) {
    for problem in problems {
        anstream::println!("{problem}");
    }
}

/// A line as `cargo xtask test` has them.
fn line(verdict: &str, name: &str, what: &str) {
    anstream::println!("{verdict:<7} {name:<18} {what}");
}
