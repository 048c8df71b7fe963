//! One contestant, once, on a Redis of its own: start, check, warm up, load, check, stop.

use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use private_redis::{Durability, RedisClient, RedisProgram, RedisServer};
use processes::{Output, Process};

use crate::campaign::{Executor, Outcome, Trial};
use crate::engine::{Engine, Order};
use crate::page::Page;
use crate::prepare::Start;
use crate::results::{Cpu, Figures, Load};
use crate::verify::verify;
use crate::{interrupt, procfs};

/// How long a server may take until it says where it listens.
const START_TIMEOUT: Duration = Duration::from_secs(20);

/// How often a wait looks whether somebody asked to stop.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// Executes trials for real.
#[derive(Debug)]
pub struct Bench {
    /// How each contestant is started, by name.
    pub starts: HashMap<String, Start>,
    /// The Redis to start, unless nobody needs one.
    pub redis: Option<RedisProgram>,
    /// The load generator for closed loops.
    pub closed: Engine,
    /// The load generator for open loops.
    pub open: Engine,
    /// How many threads a load generator has.
    pub threads: u32,
    /// How long a contestant is loaded, in seconds.
    pub duration_s: u64,
    /// How long it is loaded before that, in seconds.
    pub warm_up_s: u64,
    /// The folder that is given what the load generators print.
    pub raw: PathBuf,
}

impl Executor for Bench {
    fn execute(&mut self, trial: &Trial) -> Outcome {
        self.try_execute(trial)
            .unwrap_or_else(|error| Outcome::void(format!("{error:#}")))
    }
}

impl Bench {
    fn try_execute(&self, trial: &Trial) -> Result<Outcome> {
        let start = self
            .starts
            .get(&trial.program)
            .with_context(|| format!("nobody knows how to start {}", trial.program))?;
        let mut rig = Rig::start(start, self.redis.as_ref())?;
        let engine = match trial.load {
            Load::Capacity => &self.closed,
            Load::FixedRate(_) => &self.open,
        };
        let mut order = Order {
            page: &rig.page.clone(),
            connections: trial.connections,
            threads: self.threads,
            duration_s: self.warm_up_s,
            load: trial.load,
        };
        rig.page.check()?;
        if self.warm_up_s > 0 {
            // Whatever goes wrong here goes wrong again below, and counts then.
            engine.run(&order)?;
        }

        order.duration_s = self.duration_s;
        let settled = rig.page.settle()?;
        let commands_before = rig.redis_commands()?;
        let meters_before = Meters::read(&rig);
        let (report, output) = engine.run(&order)?;
        let meters_after = Meters::read(&rig);
        self.keep(trial, &output)?;
        let memory_bytes = rig
            .server
            .as_ref()
            .and_then(|server| procfs::group_peak_memory_bytes(server.id()));

        let after = rig.page.settle();
        let visits = after
            .as_ref()
            .ok()
            .map(|after| after.number - settled.number);
        let counted = after
            .as_ref()
            .ok()
            .map(|after| after.number - settled.number - after.looks);
        let mut void = verify(&report, counted, trial.connections, trial.load);
        void.extend(
            after
                .err()
                .map(|error| format!("after the load: {error:#}")),
        );
        let commands = rig
            .redis_commands()?
            .zip(commands_before)
            .map(|(after, before)| after - before);
        let figures = Figures {
            cpu: meters_after.cpu_for_each(&meters_before, report.responses),
            stolen: meters_after.stolen(&meters_before),
            queue_overflows: meters_after.queue_overflows_since(&meters_before),
            memory_bytes,
            redis_commands: commands
                .zip(visits)
                .map(|(commands, visits)| commands as f64 / visits as f64),
            counted,
            report,
        };
        Ok(Outcome {
            void,
            figures: Some(figures),
        })
    }

    fn keep(&self, trial: &Trial, output: &str) -> Result<()> {
        let kind = match trial.load {
            Load::Capacity => "capacity",
            Load::FixedRate(_) => "fixed-rate",
        };
        let name = format!(
            "{kind}-{}-{}-round-{}.txt",
            trial.connections, trial.contestant, trial.round
        );
        let file = self.raw.join(name.replace([' ', '/'], "-"));
        fs::write(&file, format!("{output}\n"))
            .with_context(|| format!("cannot write {}", file.display()))
    }
}

/// A server that listens, and its Redis. Fields are dropped in this order.
struct Rig {
    page: Page,
    server: Option<Process>,
    client: Option<RedisClient>,
    redis: Option<RedisServer>,
}

impl Rig {
    fn start(start: &Start, redis: Option<&RedisProgram>) -> Result<Rig> {
        let command = match start {
            Start::Program(program) => Command::new(program),
            Start::Flask(flask, server) => flask.command(*server),
            Start::Running(page) => {
                return Ok(Rig {
                    page: page.clone(),
                    server: None,
                    client: None,
                    redis: None,
                });
            }
        };
        let redis = redis.context("there is no Redis for it")?;
        let redis = RedisServer::start(redis, Durability::None)?;
        let (server, page) = start_server(command, &redis.url())?;
        Ok(Rig {
            page,
            server: Some(server),
            client: Some(redis.client()?),
            redis: Some(redis),
        })
    }

    /// How many commands Redis has executed, other than those that ask for this number.
    fn redis_commands(&mut self) -> Result<Option<u64>> {
        let Some(client) = &mut self.client else {
            return Ok(None);
        };
        let info = client.command(&["INFO", "commandstats"])?;
        let text = info
            .as_text()
            .context("Redis answered INFO with something that is no text")?;
        Ok(Some(count_commands(text)))
    }
}

/// Starts a server with the environment that every step reads, and waits until it listens.
fn start_server(mut command: Command, redis_url: &str) -> Result<(Process, Page)> {
    let port = processes::free_port().context("there is no free port")?;
    command
        .env("ADDR", format!("127.0.0.1:{port}"))
        .env("REDIS_URL", redis_url)
        .env_remove("RUST_LOG");
    let mut server = Process::spawn("the server", command, Output::Capture)?;
    let deadline = Instant::now() + START_TIMEOUT;
    loop {
        let error = match server.wait_for_line(POLL_INTERVAL, |line| line.contains("http://")) {
            Ok(line) => {
                let url = line
                    .split_whitespace()
                    .find(|word| word.starts_with("http://"))
                    .unwrap_or(&line);
                let page = Page::parse(url)?;
                return Ok((server, page));
            }
            Err(error) => error,
        };
        ensure!(!interrupt::requested(), "stopped");
        if server.try_wait()?.is_some() {
            return Err(error.into());
        }
        if Instant::now() > deadline {
            let output = server.output_tail(20);
            bail!(
                "the server did not say where it listens within {START_TIMEOUT:?}; it printed:\n{output}"
            );
        }
    }
}

/// What the system has counted so far: processor time of everybody who matters, and visitors who found
/// an accept queue full.
struct Meters {
    at: Instant,
    server: Option<Duration>,
    redis: Option<Duration>,
    load: Option<Duration>,
    machine: Option<Duration>,
    queue_overflows: Option<u64>,
}

impl Meters {
    fn read(rig: &Rig) -> Meters {
        let server = rig.server.as_ref().map(Process::id);
        let redis = rig.redis.as_ref().and_then(RedisServer::id);
        Meters {
            at: Instant::now(),
            server: server.and_then(procfs::group_cpu),
            redis: redis.and_then(procfs::group_cpu),
            load: procfs::ended_children_cpu(),
            machine: procfs::machine_cpu(),
            queue_overflows: procfs::queue_overflows(),
        }
    }

    fn cpu_for_each(&self, before: &Meters, responses: u64) -> Option<Cpu> {
        let each = |after: Option<Duration>, before: Option<Duration>| {
            let used = after?.checked_sub(before?)?;
            (responses > 0).then(|| used.as_secs_f64() * 1e6 / responses as f64)
        };
        Some(Cpu {
            server_us: each(self.server, before.server)?,
            redis_us: each(self.redis, before.redis)?,
            load_us: each(self.load, before.load)?,
        })
    }

    /// The share of the machine that programs outside of this measurement used, or a hypervisor.
    /// `None` when a server that we did not start is one of them.
    fn stolen(&self, before: &Meters) -> Option<f64> {
        let used = |after: Option<Duration>, before: Option<Duration>| {
            Some(after?.checked_sub(before?)?.as_secs_f64())
        };
        let ours = used(self.server, before.server)?
            + used(self.redis, before.redis)?
            + used(self.load, before.load)?;
        let cores = std::thread::available_parallelism().ok()?.get() as f64;
        let available = self.at.duration_since(before.at).as_secs_f64() * cores;
        let share = (used(self.machine, before.machine)? - ours) / available;
        Some(share.clamp(0.0, 1.0))
    }

    fn queue_overflows_since(&self, before: &Meters) -> Option<u64> {
        self.queue_overflows?.checked_sub(before.queue_overflows?)
    }
}

/// Adds up the calls in the answer to `INFO commandstats`, whose lines look like
/// `cmdstat_incr:calls=42,usec=…`. Our own question is not counted.
fn count_commands(info: &str) -> u64 {
    info.lines()
        .filter(|line| !line.starts_with("cmdstat_info:"))
        .filter_map(|line| {
            let (_, rest) = line.split_once(":calls=")?;
            rest.split(',').next()?.parse::<u64>().ok()
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_added_up_but_not_our_own_question() {
        let info = "# Commandstats\r\ncmdstat_incr:calls=5,usec=9,usec_per_call=1.80\r\n\
            cmdstat_info:calls=100,usec=1\r\ncmdstat_client|setinfo:calls=2,usec=1\r\n";
        assert_eq!(count_commands(info), 7);
        assert_eq!(count_commands("# Commandstats\r\n"), 0);
    }
}
