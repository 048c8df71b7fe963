//! `cargo xtask profile`: where a microsecond goes.
//!
//! How long a step takes for a response, `bench` says. Here Linux looks some thousand times a second at what
//! the step is just doing, while wrk loads it, and writes down the whole chain of calls. Whose code is at the
//! end of the chain is counted, which splits the processor time of a response into parts; and all
//! chains together are a flame graph.
//!
//! 1. [`perf`]: the samples, as addresses
//! 2. [`symbols`]: what is at an address: a function, those that were inlined into it, and their files
//! 3. [`parts`]: whose code that is
//! 4. [`flame`]: the flame graph
//!
//! The steps are built as for `bench`, but with the lines of their sources and with frame pointers, by which
//! Linux follows the calls.

mod flame;
mod parts;
mod perf;
mod symbols;

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    time::{Duration, SystemTime},
};

use anyhow::{Context, Result, ensure};
use bench::{
    Bench, Engine, Executor, Setup, Start, Trial, plot,
    profile::{self, Profile, Split},
    results::{Entry, Load},
};
use clap::{Parser, value_parser};
use output::terminal;
use private_redis::RedisProgram;
use processes::{
    interrupt,
    programs::{Platform, Tool},
};
use steps::{Language, Step};

use crate::{perf::Recorder, symbols::Symbols};

/// How long a step is loaded before it is looked at.
const WARM_UP: Duration = Duration::from_secs(2);

/// What share of the machine other programs may use. perf is one of them.
const OTHER_CPU_MAX: f64 = 0.1;

/// How many threads wrk has.
const THREADS: u32 = 2;

/// Says where the processor time of a response goes
#[derive(Parser)]
#[command(
    name = "cargo xtask profile",
    bin_name = "cargo xtask profile",
    max_term_width = 100
)]
struct Options {
    /// Which steps; all for none
    #[arg(value_name = "STEP")]
    steps: Vec<String>,
    /// How many connections
    #[arg(long, value_name = "N", default_value = "1000", value_parser = value_parser!(u32).range(1..))]
    connections: u32,
    /// How long each step is looked at
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = bench::units::whole_seconds)]
    duration: Duration,
    /// Where to put profile.json, PROFILE.md and the pictures [default: a new folder in target/profile]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Measure nothing: write PROFILE.md and the bars in this folder again, from its profile.json
    #[arg(long, value_name = "DIR", exclusive = true)]
    report: Option<PathBuf>,
}

fn main() -> ExitCode {
    command_line::main(|root, options: Options| run(root, &options))
}

fn run(root: &Path, options: &Options) -> Result<ExitCode> {
    if let Some(folder) = &options.report {
        report(&Profile::read(folder)?, folder)?;
        return Ok(ExitCode::SUCCESS);
    }
    let say = || anstream::eprintln!("stopping; the profile is not finished");
    let interrupted = interrupt::catch_and(say)?;
    let mut steps = steps::several(root, &options.steps)?;
    // Python has no lines that Linux could see.
    steps.retain(|step| step.language == Language::Rust);
    ensure!(
        !steps.is_empty(),
        "step 0 is Python, and cannot be profiled; name another step"
    );
    perf::check()?;
    let redis = RedisProgram::find().with_context(|| missing(&Tool::REDIS))?;
    let wrk = Engine::find_wrk()?.with_context(|| missing(&Tool::WRK))?;
    let date = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
    let out = out_folder(root, options, &date)?;
    let Some(programs) = steps::programs(root, &steps, steps::Profile::Profiling)? else {
        return Ok(ExitCode::FAILURE);
    };
    let programs = programs.into_iter().map(|program| program.path);
    let programs: Vec<PathBuf> = programs.collect();
    let start = |(step, program): (&Step, &PathBuf)| {
        let start = Start::Program(program.clone());
        (step.name.clone(), start)
    };
    let starts: HashMap<String, Start> = steps.iter().zip(&programs).map(start).collect();
    let mut profile = Profile {
        date,
        commit: bench::commit(root),
        machine: bench::machine(),
        versions: bench::versions(Some(&redis), [&wrk], starts.values()),
        connections: options.connections,
        duration_s: options.duration.as_secs(),
        servers: Vec::new(),
    };
    let mut bench = Bench::new(Setup {
        starts,
        redis: Some(redis),
        // Never asked: there is no open loop here.
        open: Engine::Builtin {
            program: PathBuf::new(),
        },
        closed: wrk,
        threads: THREADS,
        duration: options.duration,
        warm_up: WARM_UP,
        other_cpu_max: OTHER_CPU_MAX,
        interrupted: interrupted.clone(),
    });
    for (step, program) in steps.iter().zip(&programs) {
        let seconds = options.duration.as_secs();
        terminal::progress(&format!("{}, for {seconds} s", step.name));
        let taken = take(&mut bench, step, program, options, &out);
        if interrupted.yet() {
            return Ok(ExitCode::from(interrupt::STATUS));
        }
        let taken = taken.with_context(|| format!("{} has no profile", step.name))?;
        profile.servers.push(taken);
    }
    profile.write(&out)?;
    report(&profile, &out)?;
    Ok(ExitCode::SUCCESS)
}

/// Loads a step and looks at it meanwhile; draws its flame graph, and returns the split.
fn take(
    bench: &mut Bench,
    step: &Step,
    program: &Path,
    options: &Options,
    out: &Path,
) -> Result<Split> {
    let name = step.name.clone();
    let entry = Entry {
        name: name.clone(),
        repeats: None,
        failure: None,
    };
    // It alone: what an idle neighbour does would be in no sample, and in the way of all.
    bench.start(&[entry], options.connections);
    let recorder = Recorder::start(bench.process(&name)?)?;
    let outcome = bench.execute(&Trial {
        contestant: name.clone(),
        connections: options.connections,
        load: Load::Capacity,
        round: 1,
    });
    let recording = recorder.stop()?;
    let warnings = outcome.discarded;
    let figures = outcome.figures.with_context(|| warnings.join("; "))?;
    let cpu = figures
        .cpu
        .context("the system does not say how much processor time it took")?;
    let samples = recording.samples()?;
    ensure!(!samples.is_empty(), "perf has seen nothing of it");
    let symbols = Symbols::of(program, &samples)?;
    let stacks: Vec<_> = samples.iter().map(|sample| symbols.stack(sample)).collect();
    let svg = flame::draw(&step.name, &stacks)?;
    let split = Split {
        name,
        server_us: cpu.server_us,
        samples: stacks.len() as u64,
        parts: parts::count(&stacks),
        warnings,
    };
    write(&out.join(split.flame()), &svg)?;
    Ok(split)
}

/// Writes the page and the bars, and prints what is in them.
fn report(profile: &Profile, folder: &Path) -> Result<()> {
    let page = folder.join(profile::PAGE);
    write(&page, profile::markdown(profile).as_bytes())?;
    if let Some(plot) = plot::split(profile) {
        write(&folder.join(plot.file), plot.svg.as_bytes())?;
    }
    anstream::print!("{}", profile::table(profile).terminal());
    anstream::println!("{}", profile::summary(profile));
    anstream::println!("{}", page.display());
    Ok(())
}

fn out_folder(root: &Path, options: &Options, date: &str) -> Result<PathBuf> {
    let out = match &options.out {
        Some(out) => out.clone(),
        None => root.join("target/profile").join(date.replace(':', "-")),
    };
    fs::create_dir_all(&out)
        .with_context(|| format!("cannot make the folder {}", out.display()))?;
    Ok(out)
}

fn write(file: &Path, content: &[u8]) -> Result<()> {
    fs::write(file, content).with_context(|| format!("cannot write {}", file.display()))
}

fn missing(tool: &Tool) -> String {
    let (name, install) = (tool.name, tool.install(Platform::here()));
    format!("profile needs {name}; install it with: {install}")
}
