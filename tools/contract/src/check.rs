//! `cargo xtask check`: the contract, run against steps or against any server.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, Result, anyhow, bail};
use clap::Args;
use output::terminal::{self, BOLD, DIM, GREEN, RED, RESET, YELLOW};
use processes::interrupt;
use steps::{Profile, Program, RedisChoice, Source, Step, programs};

use crate::{
    capabilities::CAPABILITIES,
    finding::{Cell, Finding, Report, Verdict},
    proxy, results,
    subject::Subject,
};

/// Checks what steps do, from outside, over HTTP
#[derive(Args)]
pub struct CheckOptions {
    /// Steps such as 3, step-3 or step-3-rocket; all of them if you name none
    #[arg(conflicts_with = "url")]
    pub steps: Vec<String>,
    /// Check a server that runs already, whatever it is written in
    #[arg(long)]
    pub url: Option<String>,
    /// Check whether the proxy at this URL sends a visit a second time, from before it and behind it
    #[arg(long, value_name = "URL", requires = "upstreams", conflicts_with_all = ["steps", "url", "only", "redis"])]
    pub proxy: Option<String>,
    /// The addresses of the servers behind the proxy, which the suite takes, such as 127.0.0.1:5001,127.0.0.1:5002
    #[arg(long, value_delimiter = ',', value_name = "ADDR", requires = "proxy")]
    pub upstreams: Vec<SocketAddr>,
    /// Check only these capabilities
    #[arg(long, num_args = 1.., value_delimiter = ',', value_name = "ID")]
    pub only: Vec<String>,
    /// Where the count is kept: auto, embedded, docker, or a URL such as redis://127.0.0.1:6379
    #[arg(
        long,
        default_value = "auto",
        value_name = "REDIS",
        conflicts_with = "url"
    )]
    pub redis: RedisChoice,
    /// Write what was found to this file, too
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
}

/// Checks, prints what was found, and fails if anything is not as expected.
///
/// # Errors
///
/// For wrong use, or when there is nothing that could be checked.
pub fn run(root: &Path, options: &CheckOptions) -> Result<ExitCode> {
    ensure_known(&options.only)?;
    interrupt::exit_on_interrupt()?;
    let reports = match (&options.url, &options.proxy) {
        (_, Some(url)) => vec![proxy(url, &options.upstreams)?],
        (Some(url), None) => {
            let subject = Subject::url(url).map_err(|error| anyhow!(error))?;
            // It has its own Redis.
            let source = Source::Running(String::new());
            vec![one(&subject, &source, &options.only)]
        }
        (None, None) => {
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

/// Checks these capabilities of a step that is built already, or all of them, and says nothing.
pub fn quietly(step: &Step, program: &Program, source: &Source, only: &[String]) -> Report {
    crate::run::run(&Subject::step(step, program), source, only, |_| {})
}

/// Prints what is not as expected.
pub fn print_unexpected(report: &Report) {
    anstream::println!("\n{BOLD}{}{RESET}", report.subject);
    report.unexpected().for_each(print);
}

fn one(subject: &Subject, redis: &Source, only: &[String]) -> Report {
    anstream::println!("\n{BOLD}{}{RESET}", subject.name());
    crate::run::run(subject, redis, only, print)
}

/// Checks a proxy, from before it and behind it.
fn proxy(url: &str, upstreams: &[SocketAddr]) -> Result<Report> {
    let parsed = load::Url::parse(url).map_err(|error| anyhow!(error))?;
    let addr = parsed.addr();
    let addr = addr.with_context(|| format!("{url:?} leads nowhere"))?;
    anstream::println!("\n{BOLD}{url}{RESET}");
    let finding = proxy::check(addr, upstreams);
    let cell = Cell {
        id: proxy::ID.to_owned(),
        as_expected: finding.is_had(),
        finding,
    };
    print(&cell);
    Ok(Report {
        subject: url.to_owned(),
        cells: vec![cell],
    })
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
    let known = CAPABILITIES.iter().map(|known| (known.id, known.statement));
    for (_, statement) in known
        .chain([(proxy::ID, proxy::STATEMENT)])
        .filter(|(known, _)| known == id)
    {
        anstream::println!("    the capability: {statement}");
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
