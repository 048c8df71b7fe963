//! The two load generators, each a process of its own, so that its processor time can be told from
//! everybody else's and so that it can be stopped at any moment.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use processes::Folder;
use processes::{Output, Process};

use crate::page::Page;
use crate::results::{Load, LoadReport};
use crate::{interrupt, wrk};

/// How long one response may take before it is an error, in seconds. wrk's own 2 s would count an
/// answer from behind a queue of a thousand as an error.
pub const RESPONSE_TIMEOUT_S: u64 = 10;

/// How much longer than its load a generator may run: the last responses, and its own start.
const GRACE: Duration = Duration::from_secs(RESPONSE_TIMEOUT_S + 20);

/// How often a wait looks whether somebody asked to stop.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// How many lines of output are kept. wrk prints about twenty.
const OUTPUT_LINES: usize = 1000;

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
    /// The engine in [`builtin`](crate::builtin), which this program is when it is called with
    /// `load`.
    Builtin {
        /// The program: usually this one.
        program: PathBuf,
    },
}

/// A load to generate.
#[derive(Clone, Debug)]
pub struct Order<'a> {
    /// The page to ask for.
    pub page: &'a Page,
    /// How many connections.
    pub connections: u32,
    /// How many threads at most.
    pub threads: u32,
    /// For how long, in seconds.
    pub duration_s: u64,
    /// Which kind of load.
    pub load: Load,
}

impl Engine {
    /// Finds wrk on `PATH`. `None` when it is not there.
    ///
    /// # Errors
    ///
    /// When the script cannot be written.
    pub fn find_wrk() -> Result<Option<Engine>> {
        let path = env::var_os("PATH").unwrap_or_default();
        let found = env::split_paths(&path)
            .map(|folder| folder.join("wrk"))
            .find(|program| program.is_file());
        let Some(program) = found else {
            return Ok(None);
        };
        let folder = Folder::new("seen-wrk-")?;
        fs::write(script(&folder), wrk::SCRIPT).context("cannot write the script for wrk")?;
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
    pub fn version(&self) -> Option<String> {
        match self {
            Engine::Builtin { .. } => Some(env!("CARGO_PKG_VERSION").to_owned()),
            Engine::Wrk { program, .. } => wrk_version(program),
        }
    }

    /// Generates a load and waits for its end. Returns what was seen, and all that was printed.
    ///
    /// # Errors
    ///
    /// When the program fails, prints something unexpected, or somebody asked to stop.
    pub fn run(&self, order: &Order<'_>) -> Result<(LoadReport, String)> {
        let mut process = Process::spawn(self.name(), self.command(order)?, Output::Capture)?;
        let deadline = Instant::now() + Duration::from_secs(order.duration_s) + GRACE;
        // The line of JSON is the last that either engine prints.
        while process
            .wait_for_line(POLL_INTERVAL, |line| line.starts_with('{'))
            .is_err()
        {
            ensure!(!interrupt::requested(), "stopped");
            let ended = process.try_wait()?.is_some();
            if ended || Instant::now() > deadline {
                let output = process.output_tail(OUTPUT_LINES);
                bail!("{} gave no result; it printed:\n{output}", self.name());
            }
        }
        // Its processor time is known when it has ended.
        process.wait_timeout(GRACE)?;
        let output = process.output_tail(OUTPUT_LINES);
        let report = match self {
            Engine::Wrk { .. } => wrk::parse(&output)?,
            Engine::Builtin { .. } => serde_json::from_str(output.lines().last().unwrap_or(""))
                .with_context(|| format!("the built-in engine printed: {output}"))?,
        };
        Ok((report, output))
    }

    fn command(&self, order: &Order<'_>) -> Result<Command> {
        let Order {
            page,
            connections,
            threads,
            duration_s,
            load,
        } = order;
        match self {
            Engine::Wrk { program, folder } => {
                ensure!(
                    *load == Load::Capacity,
                    "wrk cannot send at a fixed rate; the built-in engine can"
                );
                let mut command = Command::new(program);
                let threads = even_threads(*connections, *threads);
                command.arg("--latency").arg("--script").arg(script(folder));
                command.arg(format!("--threads={threads}"));
                command.arg(format!("--connections={connections}"));
                command.arg(format!("--duration={duration_s}s"));
                command.arg(format!("--timeout={RESPONSE_TIMEOUT_S}s"));
                command.arg(page.url());
                Ok(command)
            }
            Engine::Builtin { program } => {
                let mut command = Command::new(program);
                command.arg("load").arg(page.url());
                command.arg(format!("--threads={threads}"));
                command.arg(format!("--connections={connections}"));
                command.arg(format!("--duration={duration_s}s"));
                if let Load::FixedRate(rate) = load {
                    command.arg(format!("--rate={rate}"));
                }
                Ok(command)
            }
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

/// wrk prints its version above its usage, and calls that a failure.
fn wrk_version(program: &Path) -> Option<String> {
    let output = Command::new(program).arg("--version").output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    let version = text.split_whitespace().nth(1)?;
    Some(version.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_divide_connections() {
        let cases = [
            (1000, 2, 2),
            (1000, 3, 2),
            (1, 2, 1),
            (7, 3, 1),
            (64, 64, 64),
        ];
        for (connections, threads, expected) in cases {
            assert_eq!(even_threads(connections, threads), expected);
        }
    }
}
