//! `cargo xtask run`: one step, running, with nothing installed but Rust.

use std::{
    io::ErrorKind,
    net::{Ipv4Addr, TcpListener},
    path::Path,
    process::{Command, ExitCode},
    thread,
    time::Duration,
};

use anyhow::{Result, bail};
use processes::{Output, Process, Signal};

use output::terminal::{self, BOLD, DIM, RESET};
use processes::interrupt::{self, Interrupted};
use steps::{Profile, Program, Running, Source, Step, programs};

use crate::{arguments::RunOptions, docker};

/// How long a step may take until it listens.
const START_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a step may take to stop: its own drain time-out of 5 seconds, and one more.
const STOP_TIMEOUT: Duration = Duration::from_secs(6);

/// How often we look whether there is something to do.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// Runs a step until Ctrl-C, or until it ends by itself.
pub fn run(root: &Path, options: &RunOptions) -> Result<ExitCode> {
    let step = steps::one(root, options.step.as_deref())?;
    // Whatever can fail fast does so before the wait for the compiler.
    if options.port != 0 {
        ensure_port_is_free(options.port)?;
    }
    if options.docker {
        return docker::run(root, &step, options.port);
    }
    // From here on something may run that must be stopped: the compiler, too.
    let interrupted = interrupt::catch()?;
    let source = step
        .needs_redis()
        .then(|| Source::choose(root, &options.redis));
    if interrupted.yet() {
        return Ok(interrupt::STATUS.into());
    }
    let source = source.transpose()?;

    // The first page is worth more than a fast one: a debug build is there in two thirds of the time.
    let profile = if options.release {
        Profile::Release
    } else {
        Profile::Debug
    };
    let programs = programs(root, std::slice::from_ref(&step), profile)?;
    if interrupted.yet() {
        return Ok(interrupt::STATUS.into());
    }
    let Some(programs) = programs else {
        return Ok(ExitCode::FAILURE);
    };
    let mut redis = source.as_ref().map(Source::start).transpose()?;
    let mut process = start(&step, &programs[0], options.port, redis.as_ref())?;
    let line = process.wait_for_line(START_TIMEOUT, |line| line.contains("http://"));
    let url = match line {
        Ok(line) => line
            .split_whitespace()
            .last()
            .unwrap_or_default()
            .to_owned(),
        // The step has said why, on standard error.
        Err(_) if process.try_wait()?.is_some() => return Ok(ExitCode::from(2)),
        Err(error) => return Err(error.into()),
    };
    print_block(&step, &url, source.as_ref(), redis.as_ref())?;
    wait(&step, process, redis.as_mut(), &interrupted)
}

fn ensure_port_is_free(port: u16) -> Result<()> {
    match TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::AddrInUse => {
            bail!(
                "port {port} is in use; take another one with --port, or any free one with --port 0"
            )
        }
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            bail!("port {port} needs administrator rights; take one above 1023 with --port")
        }
        Err(error) => {
            bail!("cannot listen on port {port}: {error}; take another one with --port")
        }
    }
}

fn start(step: &Step, program: &Program, port: u16, redis: Option<&Running>) -> Result<Process> {
    let mut command = Command::new(&program.path);
    command.args(&program.arguments);
    command.env("ADDR", format!("127.0.0.1:{port}"));
    if let Some(redis) = redis {
        command.env("REDIS_URL", &redis.url);
    }
    Ok(Process::spawn(&step.name, command, Output::CaptureStdout)?)
}

/// The one block that says all: what runs, where, on which Redis, and how to stop it.
fn print_block(
    step: &Step,
    url: &str,
    source: Option<&Source>,
    redis: Option<&Running>,
) -> Result<()> {
    // The step listens on 127.0.0.1, which everybody's browser knows under a friendlier name.
    let url = url.replace("127.0.0.1", "localhost");
    let count = match (source, redis) {
        (Some(Source::Running(_)), _) | (_, None) => String::new(),
        (_, Some(redis)) => format!("{}, ", redis.url),
    };
    let count = match source {
        Some(source) => format!("{count}{}", source.description()),
        None => "in the memory of this process; no Redis needed".to_owned(),
    };
    anstream::println!();
    anstream::println!("  {BOLD}{}{RESET}  {}", step.name, step.description()?);
    anstream::println!("  {DIM}page{RESET}   {BOLD}{url}{RESET}");
    anstream::println!("  {DIM}count{RESET}  {count}");
    anstream::println!("  {DIM}stop{RESET}   Ctrl-C");
    anstream::println!();
    Ok(())
}

/// Waits for Ctrl-C and stops the step, or for the step to end by itself, which is a failure. That
/// its Redis ends is none: what the step does then is worth seeing.
fn wait(
    step: &Step,
    mut process: Process,
    mut redis: Option<&mut Running>,
    interrupted: &Interrupted,
) -> Result<ExitCode> {
    loop {
        if let Some(status) = redis.as_mut().map_or(Ok(None), |redis| redis.has_ended())? {
            terminal::error(&format!(
                "the private Redis has ended by itself: {status}; the count is gone with it. Ctrl-C, \
                 and run {} again",
                step.name
            ));
            redis = None;
        }
        if let Some(status) = process.try_wait()? {
            terminal::error(&format!("{} has ended by itself: {status}", step.name));
            return Ok(ExitCode::FAILURE);
        }
        if interrupted.yet() {
            process.signal(Signal::Terminate)?;
            if process.wait_timeout(STOP_TIMEOUT)?.is_none() {
                anstream::eprintln!("{} did not stop in time; it was killed", step.name);
            }
            return Ok(ExitCode::SUCCESS);
        }
        thread::sleep(POLL_INTERVAL);
    }
}
