//! One run from the command line: prepare, measure, report.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::SystemTime;

use anyhow::{Context, Result, bail, ensure};
use private_redis::RedisProgram;

use crate::campaign;
use crate::cli::{EngineChoice, RunArgs};
use crate::contestant::{self, Contestant, Source};
use crate::engine::Engine;
use crate::prepare::{self, PROFILE, PROFILE_TEXT, Start};
use crate::results::{Entry, FORMAT, Load, Plan, Rate, Results, Round};
use crate::trial::Bench;
use crate::{interrupt, limits, machine, markdown, plot, terminal, units, warnings};

/// What a contestant that runs twice has behind its name the second time.
const AGAIN: &str = "again";

/// Time that a trial takes besides its load, in seconds: start, looks at the page, stop.
const TRIAL_OVERHEAD_S: f64 = 1.2;

/// Measures, writes everything into a folder, and prints the tables.
///
/// # Errors
///
/// When nothing can be measured: an unknown step, no Redis, no place for the results.
pub fn run(root: &Path, args: &RunArgs) -> Result<ExitCode> {
    interrupt::listen()?;
    for connections in &args.connections {
        limits::allow_connections(*connections)?;
    }
    let contestants = contestants(root, args)?;
    let redis = find_redis(&contestants)?;
    let closed = find_engine(args.engine)?;
    let open = builtin()?;
    let date = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
    let out = results_folder(root, args, &date)?;
    let machine = machine::describe();
    let warnings = warnings::look(&out, machine.cores);
    for warning in &warnings {
        anstream::eprintln!("\x1b[33mWarning: {warning}\x1b[0m");
    }

    let prepared = prepare::prepare(root, &contestants, |what| anstream::eprintln!("{what}"))?;
    let (entries, starts) = enter(&contestants, prepared);
    ensure!(!starts.is_empty(), "nobody can take part");

    let mut results = Results {
        format: FORMAT,
        date,
        command: command_line(),
        commit: machine::commit(root),
        versions: machine::versions(redis.as_ref(), [&closed, &open], starts.values()),
        machine,
        plan: plan(args, closed.name()),
        warnings,
        contestants: entries,
        rounds: Vec::new(),
    };
    // Written before anything is measured: a folder that takes no file must not cost an hour.
    results.write(&out)?;
    let mut bench = Bench {
        starts,
        redis,
        closed,
        open,
        threads: results.plan.threads,
        duration_s: results.plan.duration_s,
        warm_up_s: results.plan.warm_up_s,
        raw: out.join("raw"),
    };
    announce(&results);
    campaign::run(
        &mut results,
        &mut bench,
        |results| {
            progress(results);
            results.write(&out)
        },
        interrupt::requested,
    )?;
    render(&results, &out)?;
    Ok(exit_code(&results))
}

/// Renders a run again from its `results.json` alone.
///
/// # Errors
///
/// When the results cannot be read, or a file cannot be written.
pub fn render(results: &Results, out: &Path) -> Result<()> {
    let plots = plot::draw(results);
    plot::write(&plots, out)?;
    let report = out.join("report.md");
    fs::write(&report, markdown::report(results, &plots))
        .with_context(|| format!("cannot write {}", report.display()))?;
    anstream::print!("{}", terminal::render(results));
    anstream::println!("{}", report.display());
    Ok(())
}

fn contestants(root: &Path, args: &RunArgs) -> Result<Vec<Contestant>> {
    // Who names only running servers wants only those.
    let mut contestants = match args.steps.is_empty() && !args.against.is_empty() {
        true => Vec::new(),
        false => contestant::select(&contestant::discover(root)?, &args.steps)?,
    };
    for against in &args.against {
        ensure!(
            contestants.iter().all(|other| other.name != against.name),
            "two contestants are called {}; give --against another name",
            against.name
        );
        contestants.push(against.clone());
    }
    Ok(contestants)
}

fn find_redis(contestants: &[Contestant]) -> Result<Option<RedisProgram>> {
    if contestants
        .iter()
        .all(|c| matches!(c.source, Source::Running(_)))
    {
        return Ok(None);
    }
    match RedisProgram::find() {
        Some(redis) => Ok(Some(redis)),
        None => bail!(
            "bench needs a real Redis, because the embedded one would be measured with the step; install it, on Debian and Ubuntu with: sudo apt-get install redis-server"
        ),
    }
}

fn find_engine(choice: Option<EngineChoice>) -> Result<Engine> {
    let install = "install it, on Debian and Ubuntu with: sudo apt-get install wrk";
    if choice == Some(EngineChoice::Builtin) {
        return builtin();
    }
    match (Engine::find_wrk()?, choice) {
        (Some(wrk), _) => Ok(wrk),
        (None, Some(_)) => bail!("wrk is not on PATH; {install}"),
        (None, None) => {
            anstream::eprintln!(
                "wrk is not on PATH, so the built-in engine makes the load; {install}"
            );
            builtin()
        }
    }
}

fn builtin() -> Result<Engine> {
    let program = std::env::current_exe().context("cannot tell which program this is")?;
    Ok(Engine::Builtin { program })
}

/// The folder for the results, with one for raw output in it.
fn results_folder(root: &Path, args: &RunArgs, date: &str) -> Result<PathBuf> {
    let out = match &args.out {
        Some(out) => out.clone(),
        None => root.join("target/bench").join(date.replace(':', "-")),
    };
    let raw = out.join("raw");
    fs::create_dir_all(&raw)
        .with_context(|| format!("cannot make the folder {}", raw.display()))?;
    Ok(out)
}

/// Makes the list of contestants for the report, and how those are started who can take part.
fn enter(
    contestants: &[Contestant],
    mut prepared: HashMap<String, Result<Start>>,
) -> (Vec<Entry>, HashMap<String, Start>) {
    let mut entries = Vec::new();
    let mut starts = HashMap::new();
    for Contestant { name, .. } in contestants {
        let failure = match prepared.remove(name) {
            Some(Ok(start)) => {
                starts.insert(name.clone(), start);
                None
            }
            Some(Err(error)) => Some(format!("{error:#}")),
            None => Some("it was not prepared".to_owned()),
        };
        if let Some(failure) = &failure {
            anstream::eprintln!("\x1b[31m{name} cannot take part: {failure}\x1b[0m");
        }
        entries.push(Entry {
            name: name.clone(),
            repeats: None,
            failure,
        });
    }
    add_repetition(&mut entries);
    (entries, starts)
}

/// The first contestant that can take part runs twice in every round: what it differs from itself is
/// noise. Step 1 is preferred, because it depends on nobody else.
fn add_repetition(entries: &mut Vec<Entry>) {
    let mut able = entries.iter().filter(|entry| entry.failure.is_none());
    let first = able.clone().next();
    let step_1 = able.find(|entry| entry.name.starts_with("step-1-"));
    if let Some(original) = step_1.or(first).map(|entry| entry.name.clone()) {
        entries.push(Entry {
            name: format!("{original} {AGAIN}"),
            repeats: Some(original),
            failure: None,
        });
    }
}

fn plan(args: &RunArgs, engine: &str) -> Plan {
    let (duration_s, warm_up_s, rounds) = match args.quick {
        true => (1, 1, 1),
        false => (args.duration.as_secs(), args.warm_up.as_secs(), args.rounds),
    };
    Plan {
        connections: args.connections.clone(),
        threads: args.threads,
        duration_s,
        warm_up_s,
        rounds,
        engine: engine.to_owned(),
        rate: args.rate,
        profile: format!("cargo profile {PROFILE}: {PROFILE_TEXT}"),
    }
}

fn command_line() -> String {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    format!("cargo xtask bench {}", arguments.join(" "))
        .trim_end()
        .to_owned()
}

/// How many rounds of single contestants the plan has.
fn trials(results: &Results) -> usize {
    let able = results.contestants.iter().filter(|e| e.failure.is_none());
    let kinds = match results.plan.rate {
        Some(Rate::PercentOfSlowest(_)) => 2,
        _ => 1,
    };
    able.count() * results.plan.rounds as usize * results.plan.connections.len() * kinds
}

fn announce(results: &Results) {
    let Plan {
        duration_s,
        warm_up_s,
        ..
    } = results.plan;
    let trials = trials(results);
    let seconds = trials as f64 * ((duration_s + warm_up_s) as f64 + TRIAL_OVERHEAD_S);
    anstream::eprintln!(
        "{trials} measurements, about {:.0} minutes",
        (seconds / 60.0).ceil()
    );
}

fn progress(results: &Results) {
    let Some(Round {
        contestant,
        connections,
        load,
        round,
        void,
        figures,
    }) = results.rounds.last()
    else {
        return;
    };
    let seen = match (void.is_empty(), figures) {
        (true, Some(figures)) => match load {
            Load::Capacity => format!("{} requests/s", units::count(figures.report.per_second())),
            Load::FixedRate(_) => {
                format!(
                    "p99 {} ms",
                    units::milliseconds(figures.report.latency_us.p99)
                )
            }
        },
        _ => format!("\x1b[31mvoid: {}\x1b[0m", void.join("; ")),
    };
    anstream::eprintln!(
        "[{:>2}/{}] round {round}, {connections} connections, {contestant}: {seen}",
        results.rounds.len(),
        trials(results)
    );
}

/// 0 when everything counted, 1 when something did not.
fn exit_code(results: &Results) -> ExitCode {
    if interrupt::requested() {
        return ExitCode::from(interrupt::EXIT_STATUS);
    }
    let is_whole = results.rounds.iter().all(|round| round.void.is_empty())
        && results
            .contestants
            .iter()
            .all(|entry| entry.failure.is_none());
    ExitCode::from(u8::from(!is_whole))
}
