//! The two load generators, each a process of its own, so that its processor time can be told from
//! that of all others and so that it can be stopped at any moment. Both print one line of JSON.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use load::Url;
use processes::interrupt::Interrupted;
use processes::programs::{self, Tool};
use processes::{Folder, Output, Process};

use crate::results::LoadReport;
use crate::units::whole_seconds;

/// How long one response may take before it is an error. wrk's own 2 s would count an answer from
/// behind a queue of a thousand as an error.
pub(crate) const RESPONSE_TIMEOUT: Duration = Duration::from_secs(10);

/// How much longer than its load a generator may run: the last responses, and its own start.
const GRACE: Duration = Duration::from_secs(RESPONSE_TIMEOUT.as_secs() + 20);

/// How often a wait checks for an interrupt.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// How many lines of a process that printed something unexpected an error message quotes.
pub(crate) const QUOTED_LINES: usize = 20;

/// The script that makes wrk print what it measured as JSON.
const SCRIPT: &str = include_str!("wrk.lua");

/// A load generator.
#[derive(Debug)]
pub enum Engine {
    /// wrk, with our script in a temporary folder.
    Wrk {
        /// The program.
        program: PathBuf,
        /// Where the script is.
        folder: Folder,
    },
    /// The engine in `builtin`, which this program is when it is called with
    /// `load`.
    Builtin {
        /// The program: usually this one.
        program: PathBuf,
    },
}

/// A load to generate.
#[derive(Clone, Debug, Args)]
pub struct Order {
    /// The page
    #[arg(value_parser = Url::parse)]
    pub page: Url,
    /// How many connections
    #[arg(long)]
    pub connections: u32,
    /// How many threads at most
    #[arg(long)]
    pub threads: u32,
    /// For how long
    #[arg(long, value_parser = whole_seconds)]
    pub duration: Duration,
    /// How many requests a second; without it, as many as possible
    #[arg(long)]
    pub rate: Option<f64>,
}

impl Engine {
    /// Finds wrk on `PATH`. `None` when it is not there.
    ///
    /// # Errors
    ///
    /// When the script cannot be written.
    pub fn find_wrk() -> Result<Option<Engine>> {
        let Some(program) = programs::on_path("wrk") else {
            return Ok(None);
        };
        let folder = Folder::new("seen-wrk-")?;
        fs::write(script(&folder), SCRIPT).context("cannot write the script for wrk")?;
        Ok(Some(Engine::Wrk { program, folder }))
    }

    /// The name of the engine in results: `wrk` or `builtin`.
    pub fn name(&self) -> &'static str {
        match self {
            Engine::Wrk { .. } => "wrk",
            Engine::Builtin { .. } => "builtin",
        }
    }

    /// The version that the engine gives for itself.
    pub(crate) fn version(&self) -> Option<String> {
        match self {
            Engine::Builtin { .. } => Some(env!("CARGO_PKG_VERSION").to_owned()),
            // Its first line is `wrk VERSION` and more.
            Engine::Wrk { .. } => Some(Tool::WRK.version()?.split(' ').nth(1)?.to_owned()),
        }
    }

    /// Generates a load, waits for its end, and returns what was seen.
    ///
    /// # Errors
    ///
    /// When the program fails, prints something unexpected, or is interrupted.
    pub(crate) fn run(&self, order: &Order, interrupted: &Interrupted) -> Result<LoadReport> {
        let mut process = Process::spawn(self.name(), self.command(order)?, Output::Capture)?;
        let report = result(&mut process, order.duration + GRACE, interrupted);
        report.with_context(|| format!("{} gave no result", self.name()))
    }

    fn command(&self, order: &Order) -> Result<Command> {
        let (mut command, threads) = match self {
            Engine::Wrk { program, folder } => {
                let is_closed = order.rate.is_none();
                ensure!(
                    is_closed,
                    "wrk cannot send at a fixed rate; the built-in engine can"
                );
                let mut command = Command::new(program);
                command.arg("--script").arg(script(folder));
                command.arg(format!("--timeout={}s", RESPONSE_TIMEOUT.as_secs()));
                (command, even_threads(order.connections, order.threads))
            }
            Engine::Builtin { program } => {
                let mut command = Command::new(program);
                command.arg("load");
                command.args(order.rate.map(|rate| format!("--rate={rate}")));
                (command, order.threads)
            }
        };
        command.arg(format!("--threads={threads}"));
        command.arg(format!("--connections={}", order.connections));
        command.arg(format!("--duration={}s", order.duration.as_secs()));
        command.arg(order.page.to_string());
        Ok(command)
    }
}

/// The line of JSON that a load generator prints at its end.
fn result(
    process: &mut Process,
    timeout: Duration,
    interrupted: &Interrupted,
) -> Result<LoadReport> {
    let line = wait_for_line(process, timeout, interrupted, |line| line.starts_with('{'))?;
    // Its processor time is known when it has ended.
    process.wait_timeout(GRACE)?;
    serde_json::from_str(&line).with_context(|| format!("it printed {line}"))
}

/// Waits until a process prints a line that `is_it` is true for, and returns that.
///
/// # Errors
///
/// When the process ends before or the time is over, with what it printed; or when interrupted.
pub(crate) fn wait_for_line(
    process: &mut Process,
    timeout: Duration,
    interrupted: &Interrupted,
    is_it: fn(&str) -> bool,
) -> Result<String> {
    let deadline = Instant::now() + timeout;
    loop {
        // Asked before the wait: what it printed last is still read then.
        let has_ended = process.try_wait()?.is_some();
        match process.wait_for_line(POLL_INTERVAL, is_it) {
            Ok(line) => return Ok(line),
            Err(error) if has_ended => return Err(error.into()),
            Err(_) if Instant::now() > deadline => {
                let output = process.output_tail(QUOTED_LINES);
                bail!("{timeout:?} are over; it printed:\n{output}");
            }
            Err(_) => ensure!(!interrupted.yet(), "stopped"),
        }
    }
}

fn script(folder: &Folder) -> PathBuf {
    folder.path().join("report.lua")
}

/// The number of threads nearest below `threads` that divides the connections evenly. wrk gives
/// each thread the same number of connections and quietly opens fewer when that does not work out.
fn even_threads(connections: u32, threads: u32) -> u32 {
    (1..=threads.min(connections))
        .rev()
        .find(|threads| connections.is_multiple_of(*threads))
        .unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_divide_connections() {
        let used = |connections| [2, 3, 64].map(|threads| even_threads(connections, threads));
        assert_eq!(used(1000), [2, 2, 50]);
        assert_eq!(used(64), [2, 2, 64]);
        assert_eq!((used(7), used(1)), ([1, 1, 7], [1, 1, 1]));
    }

    #[test]
    fn output_that_is_not_whole_or_not_ours_is_refused() {
        let refused = |script| {
            let mut command = Command::new("sh");
            command.args(["-c", script]);
            let mut process = Process::spawn("wrk", command, Output::Capture).unwrap();
            let result = result(&mut process, GRACE, &Interrupted::default());
            format!("{:#}", result.unwrap_err())
        };
        let error = refused("echo unable to connect to 127.0.0.1:22999; exit 1");
        assert!(error.contains("unable to connect"), "{error}");
        let error = refused("echo '{\"responses\":1}'");
        assert!(error.contains("missing field"), "{error}");
    }
}
