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
use output::terminal::{self, BOLD, RESET};
use processes::{
    Output, Process, Signal,
    interrupt::{self, Interrupted},
};
use steps::{Profile, Program, Running, Source, Step, programs};

use crate::{arguments::RunOptions, block, docker};

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
        .then(|| Source::choose_nodes(root, &options.redis));
    if interrupted.yet() {
        return Ok(interrupt::STATUS.into());
    }
    let source = source.transpose()?;

    // The first page is worth more than a fast one: a debug build is there in two thirds of the time.
    let profile = match options.release {
        true => Profile::Release,
        false => Profile::Debug,
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
    if line.is_err() && process.try_wait()?.is_some() {
        // The step has said why, on standard error.
        return Ok(ExitCode::from(terminal::COULD_NOT_START));
    }
    let line = line?;
    // The step listens on 127.0.0.1, which everybody's browser knows under a friendlier name.
    let page = line.split_whitespace().last().unwrap_or_default();
    let page = page.replace("127.0.0.1", "localhost");
    let count = match (&source, &redis) {
        (Some(source @ Source::Running(_)), _) => source.description(),
        (Some(source), Some(redis)) => format!("{}, {}", redis.url, source.description()),
        _ => "in the memory of this process; no Redis needed".to_owned(),
    };
    let title = format!("{BOLD}{}{RESET}  {}", step.name, step.description()?);
    block::print(&title, &page, &[("count", &count)]);
    wait(&step, process, redis.as_mut(), &interrupted)
}

fn ensure_port_is_free(port: u16) -> Result<()> {
    match TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
        Ok(_) => Ok(()),
        Err(error) => bail!(match error.kind() {
            ErrorKind::AddrInUse => format!(
                "port {port} is in use; take another one with --port, or any free one with --port 0"
            ),
            ErrorKind::PermissionDenied => {
                format!("port {port} needs administrator rights; take one above 1023 with --port")
            }
            _ => format!("cannot listen on port {port}: {error}; take another one with --port"),
        }),
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
                "the private Redis has ended by itself: {status}; the count is gone with it. For a new \
                 one press Ctrl-C, then: cargo xtask run {}",
                step.name
            ));
            redis = None;
        }
        if let Some(status) = process.try_wait()? {
            let name = &step.name;
            terminal::error(&format!(
                "{name} has ended by itself: {status}; start it again with: cargo xtask run {name}"
            ));
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
