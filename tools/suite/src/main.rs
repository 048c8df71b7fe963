//! `cargo xtask test`: everything that a contributor should run, in one command.

mod book;
mod cargo;
mod lints;
mod packages;
mod summary;

use std::{
    iter,
    path::Path,
    process::ExitCode,
    sync::{Mutex, PoisonError},
    thread::{self, ScopedJoinHandle},
    time::Instant,
};

use anyhow::{Context, Result, anyhow};
use bench::{headline, published, readme_part, results::Results};
use clap::Parser;
use contract::{FaultRun, Report, Subject, Verdict, check, results};
use output::{section, terminal};
use packages::Package;
use processes::{
    interrupt,
    programs::{Platform, Tool},
};
use steps::{Language, Profile, Program, RedisChoice, Source, Step, programs};
use summary::Summary;

/// The package whose tests need containers.
const CONTAINERS: &str = "docker";

/// How many of them run at the same time, at least: they mostly wait, for containers to get healthy and to stop.
const CONTAINER_TESTS: usize = 3;

/// The packages whose tests take longest. They begin first: nothing is left to run beside what is begun last.
const LONGEST: [&str; 4] = ["own-step", "contract", "book", "private-redis"];

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
    command_line::main(|root, options: TestOptions| run(root, &options))
}

/// Runs every stage, even after one has failed, and ends with what was skipped and why.
fn run(root: &Path, options: &TestOptions) -> Result<ExitCode> {
    interrupt::exit_on_interrupt()?;
    let started = Instant::now();
    let summary = Summary::default();

    stages(root, options, &summary)?;

    let counts = summary.counts();
    counts.print(started.elapsed().as_secs());
    if counts.failed > 0 {
        return Ok(ExitCode::FAILURE);
    }
    if options.strict && !counts.skipped.is_empty() {
        terminal::error("--strict allows nothing to be skipped; the lines above say why");
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

/// Looks at the sources first: later, cargo would have to wait for the commands of the book that compile. Images are
/// built meanwhile: the tests with containers take longest, and would wait for them.
fn stages(root: &Path, options: &TestOptions, summary: &Summary) -> Result<()> {
    thread::scope(|scope| {
        scope.spawn(|| images(root));
        lints::check(root, summary)?;
        match packages::compile(root, summary)? {
            Some(packages) => tests(root, options, packages, summary),
            None => Ok(()),
        }
    })
}

/// Builds the images that tests and pages need. Where there is no engine, or that fails, they say why.
fn images(root: &Path) {
    let _ = docker::engine_version()
        .and_then(|_| docker::ensure_base_images(root, terminal::progress))
        .and_then(|()| docker::ensure_image(root, None))
        .and_then(|()| docker::ensure_image(root, Some(docker::EARLY_STEP)));
}

/// Runs the tests of all packages, the contract, and the commands of the book. It goes several ways side by side,
/// because each of them mostly waits: for containers, for what a page types, for clients and Redis. Whoever accepts
/// what is so now gets one after the other, so that nothing is noted down that only a busy machine does. What fails is
/// run again at the end: by then nothing else runs that can be the reason.
fn tests(
    root: &Path,
    options: &TestOptions,
    packages: Vec<Package>,
    summary: &Summary,
) -> Result<()> {
    let packages = packages.into_iter();
    let (containers, mut others): (Vec<Package>, Vec<Package>) =
        packages.partition(|package| package.name() == CONTAINERS);
    others.sort_by_key(|package| {
        let place = LONGEST.iter().position(|name| *name == package.name());
        place.unwrap_or(LONGEST.len())
    });
    let failed = Mutex::new(Vec::new());
    let failed = || failed.lock().unwrap_or_else(PoisonError::into_inner);
    let run = |package| {
        let again = Package::run(package, root, options, summary)?;
        failed().extend(again);
        Ok(())
    };
    let run_again = || {
        let mut all = failed().drain(..).collect::<Vec<_>>().into_iter();
        all.try_for_each(|again| again.run(root, options, summary))
    };
    thread::scope(|scope| {
        let containers = scope.spawn(|| containers.iter().try_for_each(run));
        let others = || side_by_side(&others, run);
        if options.bless {
            joined(containers)?;
            others()?;
            run_again()?;
            Contract::run(root, options, summary)?.compare(root, options, summary)?;
            measurements(root, options, summary)?;
            return book::bless(root, summary);
        }
        let pages = scope.spawn(|| book::pages(root, options));
        let contract = scope.spawn(|| Contract::run(root, options, summary));
        others()?;
        let pages = joined(pages)?;
        joined(containers)?;
        let contract = joined(contract)?;
        run_again()?;
        pages.conclude(root, options, summary)?;
        contract.compare(root, options, summary)?;
        measurements(root, options, summary)
    })
}

/// Does something with all of them, two at a time, and returns what came of each, in the same order. After a failure
/// nothing new is begun by who met it.
fn side_by_side<'a, T: Sync, R: Send>(
    all: &'a [T],
    act: impl Fn(&'a T) -> Result<R> + Sync,
) -> Result<Vec<R>> {
    let next = Mutex::new(all.iter().enumerate());
    let take = || next.lock().unwrap_or_else(PoisonError::into_inner).next();
    let lane = || -> Result<Vec<(usize, R)>> {
        let done = iter::from_fn(take).map(|(place, one)| Ok((place, act(one)?)));
        done.collect()
    };
    thread::scope(|scope| {
        let other = scope.spawn(lane);
        let mut done = lane()?;
        done.extend(joined(other)?);
        done.sort_by_key(|(place, _)| *place);
        Ok(done.into_iter().map(|(_, result)| result).collect())
    })
}

/// What a thread has found.
fn joined<T>(thread: ScopedJoinHandle<'_, Result<T>>) -> Result<T> {
    let panicked = |_| Err(anyhow!("a panic; see above"));
    thread.join().unwrap_or_else(panicked)
}

/// What a contract run found.
struct Contract {
    steps: Vec<Step>,
    programs: Vec<Program>,
    source: Source,
    reports: Vec<Report>,
}

impl Contract {
    /// Checks every step, and what some promise on a bad wire.
    fn run(root: &Path, options: &TestOptions, summary: &Summary) -> Result<Self> {
        let source = Source::choose(root, &RedisChoice::Auto)?;
        if !source.is_real() {
            summary.skip("contract", &format!("ran on {}", source.description()));
        }
        let mut steps = steps::all(root)?;
        if Tool::PYTHON.version().is_none() {
            let install = Tool::PYTHON.install(Platform::here());
            let why = format!(
                "Python is missing, so what contract.json says of it is not compared; {install} installs it"
            );
            summary.skip("step-0-flask", &why);
            steps.retain(|step| step.language == Language::Rust);
        }
        let programs = programs(root, &steps, Profile::Compiled)?;
        let programs = programs.context("the steps are not compiled")?;
        let subjects: Vec<(&Step, &Program)> = steps.iter().zip(&programs).collect();
        let faults = || faults(&subjects, &source, summary);
        let check = |&(step, program): &(&Step, &Program)| {
            terminal::progress(&format!("the contract of {}", step.name));
            Ok(check::quietly(step, program, &source, &[]))
        };
        // Each has a Redis of its own, unless they share one that runs already.
        let reports = if options.bless || !matches!(source, Source::Private(_)) {
            faults()?;
            subjects.iter().map(check).collect::<Result<_>>()?
        } else {
            thread::scope(|scope| {
                let faults = scope.spawn(faults);
                let reports = side_by_side(&subjects, check)?;
                joined(faults).map(|()| reports)
            })?
        };
        Ok(Self {
            steps,
            programs,
            source,
            reports,
        })
    }

    /// Compares what is stored with what was found, and the README's table with what is stored. What is not as
    /// expected is looked at again first: nothing else runs any more that can be the reason.
    fn compare(mut self, root: &Path, options: &TestOptions, summary: &Summary) -> Result<()> {
        let subjects = self.steps.iter().zip(&self.programs);
        for (report, (step, program)) in self.reports.iter_mut().zip(subjects) {
            let name = &step.name;
            let ids: Vec<String> = report.unexpected().map(|cell| cell.id.clone()).collect();
            let mut again = String::new();
            if !ids.is_empty() {
                again = format!("; looked at again: {}", ids.join(", "));
                terminal::progress(&format!("the contract of {name}{again}"));
                report.replace(check::quietly(step, program, &self.source, &ids));
            }
            let is_good = report.is_as_expected();
            if !is_good {
                check::print_unexpected(report);
            }
            let what = report.summary() + &again;
            summary.add(is_good.into(), (!is_good).into(), name, &what);
            let cells = report.cells.iter().filter(|_| self.source.is_real());
            for cell in cells.filter(|cell| cell.finding.verdict == Verdict::LeftOut) {
                let why = format!("{}: {}", cell.id, cell.finding.evidence);
                summary.skip(name, &why);
            }
        }
        let file = root.join(results::FILE);
        let difference = results::update(&file, &self.reports, options.bless)?;
        summary.compare("contract.json", "agrees with the contract run", difference);
        let table = contract::markdown(&results::read(&file)?);
        let difference = section::update(root, "contract", &table, options.bless)?;
        summary.compare("README", "agrees with contract.json", difference);
        Ok(())
    }
}

/// Holds the steps to what they promise on a bad wire to Redis. That takes long and little of the machine: each
/// has a Redis of its own, so they do it side by side, unless they share one that runs already.
fn faults(subjects: &[(&Step, &Program)], source: &Source, summary: &Summary) -> Result<()> {
    let run = FaultRun::from_env().map_err(|error| anyhow!(error))?;
    let promised = subjects.iter().copied();
    let promised = promised.filter(|(step, _)| step.number >= FaultRun::PROMISED_FROM);
    let promised: Vec<(&Step, &Program)> = promised.collect();
    let at_once = match source {
        Source::Private(_) => promised.len().max(1),
        Source::Running(_) | Source::Docker(_) => 1,
    };
    for group in promised.chunks(at_once) {
        let names: Vec<&str> = group.iter().map(|(step, _)| step.name.as_str()).collect();
        terminal::progress(&format!("a bad wire to Redis: {}", names.join(", ")));
        thread::scope(|scope| {
            let checks = group.iter().map(|&(step, program)| {
                scope.spawn(move || {
                    let name = format!("faults, step {}", step.number);
                    match run.check(&Subject::step(step, program), source) {
                        Ok(seen) => summary.pass(&name, &seen),
                        Err(end) if end.verdict == Verdict::LeftOut => {
                            summary.skip(&name, &end.evidence);
                        }
                        Err(end) => summary.fail(&name, &end.evidence),
                    }
                })
            });
            for check in checks.collect::<Vec<_>>() {
                if check.join().is_err() {
                    summary.fail("faults", "a panic; see above");
                }
            }
        });
    }
    Ok(())
}

/// Compares the README's figures with the stored run. Nothing is measured here: a slow machine is no
/// reason to fail.
fn measurements(root: &Path, options: &TestOptions, summary: &Summary) -> Result<()> {
    let folder = published::shown(root)?;
    let folder = folder.with_context(|| format!("{} holds no run", published::RUNS))?;
    let results = Results::read(&folder)?;
    let parts = [
        ("headline", headline(&results)),
        ("bench", readme_part(&results, folder.strip_prefix(root)?)),
    ];
    let differences = parts
        .iter()
        .map(|(name, part)| section::update(root, name, part, options.bless));
    let differences: Vec<_> = differences.collect::<Result<_>>()?;
    let difference = differences.into_iter().flatten().next();
    summary.compare(
        "figures",
        "the README agrees with the stored run",
        difference,
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Barrier;

    #[test]
    fn all_are_done_two_at_a_time_and_a_failure_is_told() {
        let pair = Barrier::new(2);
        let act = |number: &u32| {
            // Waits for ever if there is only one at a time.
            pair.wait();
            Ok(number * 10)
        };
        assert_eq!(side_by_side(&[1, 2, 3, 4], act).unwrap(), [10, 20, 30, 40]);

        let error = side_by_side(&[1, 2, 3], |number| match number {
            2 => Err(anyhow!("two")),
            _ => Ok(()),
        });
        assert_eq!(error.unwrap_err().to_string(), "two");
    }
}
