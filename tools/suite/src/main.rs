//! `cargo xtask test`: everything that a contributor should run, in one command.

mod lints;
mod packages;
mod summary;

use std::{
    fs::File,
    path::Path,
    process::{Command, ExitCode},
    thread,
    time::Instant,
};

use anyhow::{Context, Result, anyhow};
use bench::{published, readme_part, results::Results};
use clap::Parser;
use contract::{FaultRun, Finding, check, results};
use output::{section, terminal};
use processes::{interrupt, programs::on_path};
use serde_json::Value;
use steps::{Language, Profile, Program, RedisChoice, Source, Step, cargo, programs};
use summary::Summary;

/// The first step that promises something for the case that the wire to Redis is bad.
const PROMISED_FROM: u32 = 4;

/// The package whose tests mostly wait for containers.
const WAITS: &str = "docker";

/// Runs everything that a contributor should run
#[derive(Parser)]
#[command(
    name = "cargo xtask test",
    bin_name = "cargo xtask test",
    max_term_width = 100
)]
struct TestOptions {
    /// Fail where something had to be left out, because a tool is missing
    #[arg(long)]
    strict: bool,
    /// Accept what the steps do now: write it into contract.json, README and book
    #[arg(long)]
    bless: bool,
}

fn main() -> ExitCode {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .expect("the tool lies in the workspace");
    run(root, &TestOptions::parse()).unwrap_or_else(|error| {
        terminal::error(&terminal::one_line(&error));
        ExitCode::from(2)
    })
}

/// Runs every stage, even after one has failed, and ends with what was skipped and why.
fn run(root: &Path, options: &TestOptions) -> Result<ExitCode> {
    interrupt::exit_on_interrupt()?;
    let started = Instant::now();
    let mut summary = Summary::default();

    lints_and_tests(root, options, &mut summary)?;
    contract(root, options, &mut summary)?;
    measurements(root, options, &mut summary)?;
    book(root, options, &mut summary)?;

    summary.print(started.elapsed().as_secs());
    let is_strict = options.strict && !summary.skipped.is_empty();
    if summary.failed == 0 && is_strict {
        terminal::error("--strict allows nothing to be skipped");
    }
    Ok(match summary.failed == 0 && !is_strict {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

/// Compiles the tests and runs them package by package. The tests in containers mostly wait, so what needs
/// the processor and measures no time, the lints, goes on beside them. Everything else runs alone: a test
/// that takes the time must not wait for another.
fn lints_and_tests(root: &Path, options: &TestOptions, summary: &mut Summary) -> Result<()> {
    let Some(packages) = packages::compile(root, summary)? else {
        return lints::run(root, summary);
    };
    let waits = packages.iter().find(|package| package.name() == WAITS);
    thread::scope(|scope| {
        let beside = waits.map(|package| scope.spawn(|| package.run(options)));
        lints::run(root, summary)?;
        let Some(beside) = beside else { return Ok(()) };
        let tested = beside
            .join()
            .map_err(|_| anyhow!("running {WAITS} panicked"))?;
        tested?.report(summary);
        anyhow::Ok(())
    })?;
    for package in packages.iter().filter(|package| package.name() != WAITS) {
        package.run(options)?.report(summary);
    }
    Ok(())
}

/// A command of cargo's own.
fn component(root: &Path, name: &str, arguments: &[&str]) -> Command {
    let mut command = cargo(root);
    command.arg(name).args(arguments);
    command
}

/// Checks every step against the contract, what is stored against what was found, and the README's table
/// against what is stored.
fn contract(root: &Path, options: &TestOptions, summary: &mut Summary) -> Result<()> {
    let source = Source::choose(root, &RedisChoice::Auto)?;
    let is_real = source.is_real();
    if !is_real {
        summary.skip("contract", &format!("ran on {}", source.description()));
    }
    let mut steps = steps::all(root)?;
    let python = on_path("python3").is_some();
    if !python {
        summary.skip(
            "step-0-flask",
            "python3 is missing; so what contract.json says of it is not compared",
        );
        steps.retain(|step| step.language == Language::Rust);
    }
    let Some(programs) = programs(root, &steps, Profile::Debug)? else {
        summary.fail("contract", "the steps do not compile");
        return Ok(());
    };
    faults(&steps, &programs, &source, summary)?;
    let reports = check::steps(&steps, &programs, &source, &[]);
    for report in &reports {
        let (name, what) = (&report.subject, report.summary());
        if report.is_as_expected() {
            summary.pass(name, &what);
        } else {
            summary.fail(name, &what);
        }
    }
    for report in reports.iter().filter(|_| is_real) {
        for cell in &report.cells {
            if let Finding::LeftOut { why } = &cell.finding {
                summary.skip(&report.subject, &format!("{}: {why}", cell.id));
            }
        }
    }
    let file = root.join(results::FILE);
    let difference = results::update(&file, &reports, options.bless)?;
    summary.compare("contract.json", "agrees with the contract run", difference);
    let table = contract::markdown(&results::read(&file)?);
    let difference = section::update(root, "contract", &table, options.bless)?;
    summary.compare("README", "agrees with contract.json", difference);
    Ok(())
}

/// Holds the steps to what they promise on a bad wire to Redis. That takes long and little of the machine: each
/// has a Redis of its own, so they do it side by side, unless they share one that runs already.
fn faults(
    steps: &[Step],
    programs: &[Program],
    source: &Source,
    summary: &mut Summary,
) -> Result<()> {
    let run = FaultRun::from_env().map_err(|error| anyhow!(error))?;
    let steps: Vec<(&Step, &Program)> = steps.iter().zip(programs).collect();
    let promised = steps
        .iter()
        .filter(|(step, _)| step.number >= PROMISED_FROM);
    let promised: Vec<_> = promised.copied().collect();
    let at_once = match source {
        Source::Private(_) => promised.len().max(1),
        Source::Running(_) | Source::Docker(_) => 1,
    };
    for group in promised.chunks(at_once) {
        let names: Vec<&str> = group.iter().map(|(step, _)| step.name.as_str()).collect();
        terminal::progress(&format!("a bad wire to Redis: {}", names.join(", ")));
        let ends: Vec<_> = thread::scope(|scope| {
            let check =
                |&(step, program)| scope.spawn(move || check::faults(step, program, source, run));
            let checks: Vec<_> = group.iter().map(check).collect();
            let join = |check: thread::ScopedJoinHandle<'_, _>| check.join();
            checks.into_iter().map(join).collect()
        });
        for ((step, _), end) in group.iter().zip(ends) {
            let name = format!("faults, step {}", step.number);
            match end {
                Ok(Ok(seen)) => summary.pass(&name, &seen),
                Ok(Err(Finding::LeftOut { why })) => summary.skip(&name, &why),
                Ok(Err(end)) => summary.fail(&name, end.evidence()),
                Err(_) => summary.fail(&name, "a panic; see above"),
            }
        }
    }
    Ok(())
}

/// Compares the README's figures with the stored run. Nothing is measured here: a slow machine is no
/// reason to fail.
fn measurements(root: &Path, options: &TestOptions, summary: &mut Summary) -> Result<()> {
    let folder = published::shown(root)?;
    let folder = folder.with_context(|| format!("{} holds no run", published::RUNS))?;
    let results = Results::read(&folder)?;
    let part = readme_part(&results, folder.strip_prefix(root)?);
    let difference = section::update(root, "bench", &part, options.bless)?;
    summary.compare(
        "figures",
        "the README agrees with the stored run",
        difference,
    );
    Ok(())
}

/// Proves that the book says what is so. Its tool prints one line a page, and writes them down for us.
fn book(root: &Path, options: &TestOptions, summary: &mut Summary) -> Result<()> {
    let Some(program) = steps::tool(root, "book", "book", Profile::Debug)? else {
        summary.fail("book", "its tool does not compile");
        return Ok(());
    };
    let mut command = Command::new(&program);
    command.current_dir(root);
    if options.strict {
        command.env("SEEN_BOOK_DOCKER", "1");
    }
    let folder = processes::Folder::new("seen-suite-")?;
    let file = folder.path().join("book.json");
    if options.bless {
        command.arg("bless");
    } else {
        command.arg("test").arg("--json").arg(&file);
    }
    let status = command.status().context("cannot start the book's tool")?;
    if options.bless {
        let difference = (!status.success()).then(|| "see above".to_owned());
        summary.compare("book", "accepted as it is now", difference);
        return Ok(());
    }
    if !file.exists() {
        summary.fail("book", "see above");
        return Ok(());
    }
    let file = File::open(&file).context("cannot read what was found in the book")?;
    let pages: Vec<Value> =
        serde_json::from_reader(file).context("the book's tool wrote no JSON")?;
    for page in &pages {
        match page["result"]["Ok"].is_string() {
            true => summary.passed += 1,
            false => summary.failed += 1,
        }
        let skipped = page["skipped"].as_array().into_iter().flatten();
        let skipped = skipped.filter_map(Value::as_str);
        summary
            .skipped
            .extend(skipped.map(|why| format!("book: {why}")));
    }
    Ok(())
}
