//! Steps side by side on a live page, all under the same visitors, with buttons that kill, freeze and cut
//! what is around them.
//!
//! `lab` holds the steps and says how they are, `request` is what a button asks of it, and `playing` an
//! experiment that the page plays. `server` hands that to browsers, and `guard` sees to it that only those get
//! it that know the token: whoever may press these buttons starts and kills processes.

mod guard;
mod lab;
mod playing;
mod request;
mod server;

use std::{path::Path, process::ExitCode, sync::Arc, thread, time::Duration};

use anyhow::Result;
use clap::Parser;
use experiments::{
    Means, Subject, catalog,
    command_line::{ensure_possible, redis_program},
};
use lab::Lab;
use output::terminal::{BOLD, DIM, RESET};
use private_redis::RedisProgram;
use processes::interrupt;
use server::Server;

/// How often we look whether somebody wants us to end.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// Shows steps side by side on a live page, with buttons that break things
#[derive(Parser)]
#[command(
    name = "cargo xtask lab",
    bin_name = "cargo xtask lab",
    max_term_width = 100
)]
pub struct LabOptions {
    /// Steps such as 3, step-3 or step-3-rocket, a column each; 2, 4 and the last if you name none
    steps: Vec<String>,
    /// Open the page at an experiment such as kill-redis; cargo xtask break lists all of them
    #[arg(long, value_name = "NAME")]
    experiment: Option<String>,
    /// The port of the page, on this machine only; 0 takes any free one
    #[arg(long, default_value_t = 9000)]
    port: u16,
    /// Use the embedded Redis even where there is a real one
    #[arg(long)]
    embedded: bool,
}

/// Shows the page until Ctrl-C.
///
/// # Errors
///
/// For wrong use, or when the page cannot be shown. What goes wrong later is said on the page.
pub fn run(root: &Path, options: &LabOptions) -> Result<ExitCode> {
    let steps = steps::side_by_side(root, &options.steps)?;
    // Before anybody waits for the compiler.
    let experiment = options.experiment.as_deref().map(catalog::named);
    let experiment = experiment.transpose()?;
    let means = Means::here(options.embedded);
    if let Some(experiment) = experiment {
        ensure_possible(experiment, means)?;
    }
    let server = Server::listen(options.port)?;
    let interrupted = interrupt::catch()?;
    let redis = redis_program(root, options.embedded)?;
    let Some(subjects) = Subject::build(root, &steps)? else {
        return Ok(ExitCode::FAILURE);
    };
    if interrupted.yet() {
        return Ok(interrupt::STATUS.into());
    }
    // A thousand visitors of each step are as many connections. What is not granted is seen on the page.
    let _ = rlimit::increase_nofile_limit(u64::MAX);
    let names: Vec<&str> = steps.iter().map(|step| step.name.as_str()).collect();
    anstream::println!("\n  {BOLD}{}{RESET}", names.join(", "));
    anstream::println!(
        "  {DIM}page{RESET}   {BOLD}{}{RESET}",
        server.url(experiment)
    );
    anstream::println!("  {DIM}redis{RESET}  {}", description(&redis, means));
    anstream::println!("  {DIM}stop{RESET}   Ctrl-C\n");

    let named = match options.steps.is_empty() {
        true => Vec::new(),
        false => steps.iter().map(|step| step.number).collect(),
    };
    let lab = Arc::new(Lab::start(root, redis, means, subjects, named));
    server.serve(&lab)?;
    while !interrupted.yet() {
        thread::sleep(POLL_INTERVAL);
    }
    lab.end();
    Ok(ExitCode::SUCCESS)
}

fn description(redis: &RedisProgram, means: Means) -> String {
    match redis {
        RedisProgram::Server(_) => {
            let version = redis.version().unwrap_or_default();
            format!("a private {redis} {version} for each; its count goes when it stops")
        }
        RedisProgram::Embedded(_) => format!(
            "the embedded one for each; for experiments that need a real one, {}",
            means.how_to_have_redis()
        ),
    }
}
