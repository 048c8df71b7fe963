//! `cargo xtask test`: everything that a contributor should run, in one command.

mod book;
mod lints;
mod packages;
mod summary;

use std::{
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
use packages::{Package, Tested};
use processes::{interrupt, programs::on_path};
use steps::{Language, Profile, Program, RedisChoice, Source, Step, cargo, programs};
use summary::Summary;

use book::{bless, pages};

/// The package whose tests need containers.
const CONTAINERS: &str = "docker";

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

    stages(root, options, &mut summary)?;

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

/// Compiles everything, and then goes two ways side by side, because each of them mostly waits: for
/// containers and pages on one, for clients and Redis on the other. Whoever accepts what is so now gets one
/// after the other, so that nothing is noted down that only a busy machine does.
fn stages(root: &Path, options: &TestOptions, summary: &mut Summary) -> Result<()> {
    let packages = packages::compile(root, summary)?.unwrap_or_default();
    let (containers, others): (Vec<Package>, Vec<Package>) = packages
        .into_iter()
        .partition(|package| package.name() == CONTAINERS);
    thread::scope(|scope| {
        let containers = scope.spawn(move || {
            let containers = containers.iter().map(|package| package.run(options));
            containers.collect::<Result<Vec<Tested>>>()
        });
        lints::run(root, summary)?;
        // cargo lets one compile at a time, and pages of the book have commands that compile.
        let beside = scope.spawn(move || {
            let containers = containers
                .join()
                .map_err(|_| anyhow!("a panic; see above"))?;
            let pages = (!options.bless).then(|| pages(root, options)).transpose()?;
            anyhow::Ok((containers?, pages))
        });
        for package in &others {
            package.run(options)?.report(summary);
        }
        contract(root, options, summary)?;
        measurements(root, options, summary)?;
        let beside = beside.join().map_err(|_| anyhow!("a panic; see above"))?;
        let (containers, pages) = beside?;
        containers.iter().for_each(|tested| tested.report(summary));
        match pages {
            Some(pages) => pages.report(summary),
            None => bless(root, summary)?,
        }
        Ok(())
    })
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
        .filter(|(step, _)| step.number >= FaultRun::PROMISED_FROM);
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
