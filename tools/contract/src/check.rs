//! `cargo xtask check`: the contract, run against steps or against any server.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Result, anyhow, bail};
use clap::Parser;
use output::terminal::{self, BOLD, DIM, GREEN, RED, RESET, YELLOW};
use processes::interrupt;
use steps::{Profile, Program, RedisChoice, Source, Step, programs};

use crate::{
    capabilities::CAPABILITIES,
    finding::{Cell, Finding, Report, Verdict},
    results,
    subject::Subject,
};

/// Checks what steps do, from outside, over HTTP
#[derive(Parser)]
#[command(
    name = "cargo xtask check",
    bin_name = "cargo xtask check",
    max_term_width = 100
)]
pub struct CheckOptions {
    /// Steps such as 3, step-3 or step-3-rocket; all of them if you name none
    #[arg(conflicts_with = "url")]
    steps: Vec<String>,
    /// Check a server that runs already, whatever it is written in
    #[arg(long)]
    url: Option<String>,
    /// Check only these capabilities
    #[arg(long, num_args = 1.., value_delimiter = ',', value_name = "ID")]
    only: Vec<String>,
    /// Where the count is kept: auto, embedded, docker, or a URL such as redis://127.0.0.1:6379
    #[arg(
        long,
        default_value = "auto",
        value_name = "REDIS",
        conflicts_with = "url"
    )]
    redis: RedisChoice,
    /// Write what was found to this file, too
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// Checks, prints what was found, and fails if anything is not as expected.
///
/// # Errors
///
/// For wrong use, or when there is nothing that could be checked.
pub fn run(root: &Path, options: &CheckOptions) -> Result<ExitCode> {
    ensure_known(&options.only)?;
    interrupt::exit_on_interrupt()?;
    let reports = match &options.url {
        Some(url) => {
            let subject = Subject::url(url).map_err(|error| anyhow!(error))?;
            // It has its own Redis.
            let source = Source::Running(String::new());
            vec![one(&subject, &source, &options.only)]
        }
        None => {
            let steps = steps::several(root, &options.steps)?;
            let source = Source::choose(root, &options.redis)?;
            // What a step does is the same in both profiles. This one is compiled already after a `run`.
            let Some(programs) = programs(root, &steps, Profile::Debug)? else {
                return Ok(ExitCode::FAILURE);
            };
            terminal::progress(&format!("Redis: {}", source.description()));
            self::steps(&steps, &programs, &source, &options.only)
        }
    };
    if let Some(file) = &options.json {
        results::write(file, &reports)?;
    }
    anstream::println!();
    for report in &reports {
        anstream::println!("{BOLD}{}{RESET} {}", report.subject, report.summary());
    }
    Ok(match reports.iter().all(Report::is_as_expected) {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

/// Checks steps that are built already. The Redis that runs in a container ends with `source`.
pub fn steps(
    steps: &[Step],
    programs: &[Program],
    source: &Source,
    only: &[String],
) -> Vec<Report> {
    let subjects = steps.iter().zip(programs);
    subjects
        .map(|(step, program)| one(&Subject::step(step, program), source, only))
        .collect()
}

fn one(subject: &Subject, redis: &Source, only: &[String]) -> Report {
    anstream::println!("\n{BOLD}{}{RESET}", subject.name());
    crate::run::run(subject, redis, only, print)
}

/// One line a capability, and below it what was seen if that is not what was expected.
fn print(cell: &Cell) {
    let Finding {
        verdict, evidence, ..
    } = &cell.finding;
    let colour = match verdict {
        Verdict::Has | Verdict::HasBut => GREEN,
        Verdict::Lacks => DIM,
        Verdict::LeftOut => YELLOW,
        Verdict::Broken => RED,
    };
    let first = evidence.lines().next().unwrap_or_default();
    let id = &cell.id;
    if cell.as_expected {
        anstream::println!("  {colour}{verdict:<9}{RESET} {id:<22} {DIM}{first}{RESET}");
        return;
    }
    anstream::println!("  {RED}{verdict:<9} {id:<22} not as expected{RESET}");
    for capability in CAPABILITIES.iter().filter(|known| known.id == *id) {
        anstream::println!("    the capability: {}", capability.statement);
    }
    for line in evidence.lines() {
        anstream::println!("    {RED}|{RESET} {line}");
    }
}

fn ensure_known(only: &[String]) -> Result<()> {
    let known: Vec<&str> = CAPABILITIES.iter().map(|known| known.id).collect();
    match only.iter().find(|id| !known.contains(&id.as_str())) {
        Some(unknown) => bail!(output::unknown("capability", unknown, &known)),
        None => Ok(()),
    }
}
