//! One run from the command line: prepare, measure, report.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, ensure};
use output::terminal::{self, RED, RESET, YELLOW};
use private_redis::RedisProgram;
use processes::interrupt::{self, Interrupted};
use processes::programs::{Platform, Tool};

use crate::campaign;
use crate::cli::{EngineChoice, RunArgs};
use crate::contestant::{self, Contestant, Start};
use crate::engine::Engine;
use crate::results::{Entry, FORMAT, Load, Plan, Planned, Rate, Results};
use crate::summary;
use crate::trial::{Bench, Setup};
use crate::{machine, plot, report, units, warnings};

/// What a contestant that runs twice has behind its name the second time.
const AGAIN: &str = "again";

/// What a process needs in open files besides its connections: libraries, logs, connections to Redis.
const OTHER_FILES: u64 = 256;

/// Measures, writes everything into a folder, and prints the tables. After Ctrl-C the rounds that are
/// finished are kept.
///
/// # Errors
///
/// When nothing can be measured: an unknown step, no Redis, no place for the results.
pub(crate) fn run(root: &Path, args: &RunArgs, is_sweep: bool) -> Result<ExitCode> {
    let say = || anstream::eprintln!("stopping; the rounds that are finished are kept");
    let interrupted = interrupt::catch_and(say)?;
    match measure(root, args, is_sweep, &interrupted) {
        _ if interrupted.yet() => Ok(ExitCode::from(interrupt::STATUS)),
        results => Ok(ExitCode::from(u8::from(!is_whole(&results?)))),
    }
}

fn measure(
    root: &Path,
    args: &RunArgs,
    is_sweep: bool,
    interrupted: &Interrupted,
) -> Result<Results> {
    let tables = tables(args, is_sweep);
    for table in &tables {
        allow_connections(table.connections)?;
    }
    let contestants = contestants(root, args)?;
    let redis = find_redis(&contestants)?;
    let closed = find_engine(args.engine)?;
    let open = builtin()?;
    let date = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
    let out = results_folder(root, args, &date)?;
    let machine = machine::describe();
    let warnings = warnings::check(&out, machine.cores);
    for warning in &warnings {
        anstream::eprintln!("{YELLOW}Warning: {warning}{RESET}");
    }
    let (entries, starts) = prepare(root, &contestants, interrupted)?;

    let mut results = Results {
        format: FORMAT,
        date,
        command: command_line(),
        commit: machine::commit(root),
        versions: machine::versions(redis.as_ref(), [&closed, &open], starts.values()),
        machine,
        plan: plan(root, args, is_sweep, tables, closed.name()),
        warnings,
        contestants: entries,
        rounds: Vec::new(),
    };
    // Written before anything is measured: a folder that takes no file must not cost an hour.
    results.write(&out)?;
    let mut bench = Bench::new(Setup {
        starts,
        redis,
        closed,
        open,
        threads: results.plan.threads,
        duration: Duration::from_secs(results.plan.duration_s),
        warm_up: Duration::from_secs(results.plan.warm_up_s),
        // A first look is no measurement that could be disturbed.
        other_cpu_max: if args.quick { 1.0 } else { args.other_cpu },
        interrupted: interrupted.clone(),
    });
    terminal::progress(&announcement(&results.plan));
    let observe = |results: &Results| {
        progress(results);
        results.write(&out)
    };
    campaign::run(&mut results, &mut bench, observe, || interrupted.yet())?;
    render(&results, &out)?;
    Ok(results)
}

/// Renders a run from its results alone.
///
/// # Errors
///
/// When a file cannot be written.
pub(crate) fn render(results: &Results, out: &Path) -> Result<()> {
    let path = out.join("report.md");
    let report = report::markdown(results);
    let plots = plot::draw(results)
        .into_iter()
        .map(|plot| (out.join(plot.file), plot.svg));
    for (file, text) in plots.chain([(path.clone(), report)]) {
        fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))?;
    }
    anstream::print!("{}", report::terminal(results));
    anstream::println!("{}", path.display());
    Ok(())
}

/// Raises the limit on open files for us and our children, where it is too low for so many
/// connections: each is a file, at both of its ends.
fn allow_connections(connections: u32) -> Result<()> {
    let needed = u64::from(connections) + OTHER_FILES;
    let allowed = rlimit::increase_nofile_limit(needed).unwrap_or(0);
    ensure!(
        allowed >= needed,
        "{connections} connections need {needed} open files, and this system allows {allowed}; allow more with: ulimit -Hn {needed} (as root, or through /etc/security/limits.conf), or ask for fewer with --connections"
    );
    Ok(())
}

fn contestants(root: &Path, args: &RunArgs) -> Result<Vec<Contestant>> {
    let others = || args.against.iter().chain(&args.program);
    // They alone are measured alone.
    let mut contestants = match args.steps.is_empty() && others().next().is_some() {
        true => Vec::new(),
        false => contestant::select(root, &args.steps)?,
    };
    for other in others() {
        ensure!(
            contestants.iter().all(|known| known.name != other.name),
            "two contestants are called {}; give one of --against or --program another name",
            other.name
        );
        contestants.push(other.clone());
    }
    Ok(contestants)
}

fn find_redis(contestants: &[Contestant]) -> Result<Option<RedisProgram>> {
    if !contestants.iter().any(Contestant::needs_redis) {
        return Ok(None);
    }
    let redis = RedisProgram::find().with_context(|| {
        format!(
            "bench needs a real Redis, because the embedded one would be measured with the step; install it with: {}",
            Tool::REDIS.install(Platform::here())
        )
    });
    redis.map(Some)
}

fn find_engine(choice: Option<EngineChoice>) -> Result<Engine> {
    if choice == Some(EngineChoice::Builtin) {
        return builtin();
    }
    if let Some(wrk) = Engine::find_wrk()? {
        return Ok(wrk);
    }
    let install = Tool::WRK.install(Platform::here());
    ensure!(
        choice.is_none(),
        "wrk is not on PATH; install it with: {install}"
    );
    anstream::eprintln!(
        "wrk is not on PATH, so the built-in engine makes the load; install it with: {install}"
    );
    builtin()
}

fn builtin() -> Result<Engine> {
    let program = std::env::current_exe().context("cannot tell which program this is")?;
    Ok(Engine::Builtin { program })
}

fn results_folder(root: &Path, args: &RunArgs, date: &str) -> Result<PathBuf> {
    let out = match &args.out {
        Some(out) => out.clone(),
        None => root.join("target/bench").join(date.replace(':', "-")),
    };
    fs::create_dir_all(&out)
        .with_context(|| format!("cannot make the folder {}", out.display()))?;
    Ok(out)
}

/// Makes the list of contestants for the report, and how those are started that can take part. One that
/// cannot be made ready does not hold up the others.
fn prepare(
    root: &Path,
    contestants: &[Contestant],
    interrupted: &Interrupted,
) -> Result<(Vec<Entry>, HashMap<String, Start>)> {
    let mut entries = Vec::new();
    let mut starts = HashMap::new();
    for contestant in contestants {
        let prepared = contestant.prepare(root, interrupted);
        ensure!(!interrupted.yet(), "stopped before anything was measured");
        let name = contestant.name.clone();
        let mut failure = None;
        match prepared {
            Ok(start) => {
                starts.insert(name.clone(), start);
            }
            Err(error) => {
                anstream::eprintln!("{RED}{name} cannot take part: {error:#}{RESET}");
                failure = Some(format!("{error:#}"));
            }
        }
        entries.push(Entry {
            name,
            repeats: None,
            failure,
        });
    }
    ensure!(!starts.is_empty(), "no contestant can take part");
    entries.extend(repetition(&entries));
    Ok((entries, starts))
}

/// The first contestant that can take part is the one that the others are compared with, and takes part
/// twice: whatever it differs from itself, the method cannot see. Step 1 is preferred, because it depends on
/// no other program.
fn repetition(entries: &[Entry]) -> Option<Entry> {
    let mut able = entries.iter().filter(|entry| entry.failure.is_none());
    let first = able.clone().next();
    let step_1 = able.find(|entry| entry.name.starts_with("step-1-"));
    let original = &step_1.or(first)?.name;
    Some(Entry {
        name: format!("{original} {AGAIN}"),
        repeats: Some(original.clone()),
        failure: None,
    })
}

/// How many connections a sweep has.
const SWEEP_CONNECTIONS: [u32; 6] = [1, 8, 64, 256, 1000, 4000];

/// At how many of them it goes on with an open loop, and at which percentages of the capacity. More of them
/// are low, because the built-in engine needs more of the machine than wrk, by which capacity is measured.
const SWEEP_OPEN: u32 = 256;
const SWEEP_RATES: [f64; 8] = [5.0, 10.0, 20.0, 30.0, 40.0, 50.0, 70.0, 110.0];

fn tables(args: &RunArgs, is_sweep: bool) -> Vec<Planned> {
    let connections: &[u32] = match args.connections.as_slice() {
        [] if is_sweep => &SWEEP_CONNECTIONS,
        [] => &[1000],
        asked => asked,
    };
    let mut tables = Plan::tables(connections, args.rate.as_slice());
    if is_sweep {
        let rates = SWEEP_RATES.map(|percent| Planned {
            connections: SWEEP_OPEN,
            rate: Some(Rate::PercentOfFastest(percent)),
        });
        let is_open = |table: &Planned| table.connections == SWEEP_OPEN;
        let capacity = tables.iter().rposition(is_open);
        let place = capacity.map_or(0, |place| place + 1);
        tables.splice(place..place, rates);
    }
    tables
}

fn plan(root: &Path, args: &RunArgs, is_sweep: bool, tables: Vec<Planned>, engine: &str) -> Plan {
    let minutes = if is_sweep { 60 } else { 10 };
    let budget = args.budget.unwrap_or(Duration::from_secs(minutes * 60));
    let second = Duration::from_secs(1);
    let (duration, warm_up, rounds) = match args.quick {
        true => (second, second, Some(1)),
        false => (args.duration, args.warm_up, args.rounds),
    };
    Plan {
        tables,
        threads: args.threads,
        duration_s: duration.as_secs(),
        warm_up_s: warm_up.as_secs(),
        rounds,
        precision: args.precision,
        budget_s: budget.as_secs(),
        // Short enough to be typed.
        seed: Some(args.seed.unwrap_or_else(|| fastrand::u64(1..1_000_000))),
        engine: engine.to_owned(),
        profile: contestant::profile(root).to_owned(),
    }
}

fn command_line() -> String {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let command = format!("cargo xtask bench {}", arguments.join(" "));
    command.trim_end().to_owned()
}

/// How a run goes on, in a sentence.
pub(crate) fn announcement(plan: &Plan) -> String {
    let until = match plan.rounds {
        Some(1) => "one round".to_owned(),
        Some(rounds) => format!("{rounds} rounds"),
        None => format!(
            "until every ratio is known to {}, or {} are over",
            units::percent(plan.precision),
            humantime::format_duration(Duration::from_secs(plan.budget_s))
        ),
    };
    let order = match plan.seed {
        Some(seed) => format!("in random order (--seed {seed})"),
        None => "interleaved".to_owned(),
    };
    format!(
        "rounds of {} s for each contestant, {order}, {until}",
        plan.duration_s
    )
}

fn progress(results: &Results) {
    let Some(last) = results.rounds.last() else {
        return;
    };
    let seen = match (last.discarded.is_empty(), &last.figures, last.load) {
        (true, Some(figures), Load::Capacity) => {
            format!("{} requests/s", units::count(figures.report.per_second()))
        }
        (true, Some(figures), Load::FixedRate(rate)) => {
            let p99 = units::milliseconds(figures.report.latency_us.p99);
            format!("p99 {p99} ms at {} requests/s", units::count(rate))
        }
        _ => format!("{RED}discarded: {}{RESET}", last.discarded.join("; ")),
    };
    anstream::eprintln!(
        "round {}, {} connections, {}: {seen}",
        last.round,
        last.connections,
        last.contestant
    );
}

/// Whether every contestant has a measurement that counts in every capacity, and the A/A tests hold.
/// At a fixed rate it is no fault of the run that a contestant cannot keep up.
fn is_whole(results: &Results) -> bool {
    summary::summarise(results).iter().all(|group| {
        let has_all = group.rows.iter().all(|row| row.valid > 0);
        (has_all || group.load != Load::Capacity) && group.is_trusted() != Some(false)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_on_open_files_is_raised_when_it_can_be_and_named_when_it_cannot() {
        let (current, maximum) = rlimit::Resource::NOFILE.get().unwrap();
        let (Ok(fits), Ok(too_many)) =
            (u32::try_from(maximum - OTHER_FILES), u32::try_from(maximum))
        else {
            return;
        };
        allow_connections(fits).unwrap();
        let (raised, _) = rlimit::Resource::NOFILE.get().unwrap();
        assert!(raised >= current && raised >= maximum);
        let error = allow_connections(too_many).unwrap_err().to_string();
        assert!(error.contains("ulimit -Hn"), "{error}");
    }
}
