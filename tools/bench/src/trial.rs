//! One contestant, once, on a Redis of its own: start, check, warm up, load, check, stop.

use std::collections::HashMap;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Error, Result};
use load::{Url, redis_commands};
use private_redis::{Durability, RedisClient, RedisProgram, RedisServer};
use processes::interrupt::Interrupted;
use processes::{Output, Process};

use crate::campaign::{Executor, Outcome, Trial};
use crate::contestant::Start;
use crate::engine::{Engine, Order, wait_for_line};
use crate::meters::Meters;
use crate::page;
use crate::procfs;
use crate::results::{Figures, Load, LoadReport};
use crate::verify::verify;

/// How long a server may take until it says where it listens.
const START_TIMEOUT: Duration = Duration::from_secs(20);

/// Executes trials for real.
#[derive(Debug)]
pub struct Bench {
    /// How each contestant is started, by name.
    pub starts: HashMap<String, Start>,
    /// The Redis to start, unless no contestant needs one.
    pub redis: Option<RedisProgram>,
    /// The load generator for closed loops.
    pub closed: Engine,
    /// The load generator for open loops.
    pub open: Engine,
    /// How many threads a load generator has.
    pub threads: u32,
    /// How long a contestant is loaded.
    pub duration: Duration,
    /// How long it is loaded before that, unmeasured.
    pub warm_up: Duration,
    /// Whether to stop.
    pub interrupted: Interrupted,
}

impl Executor for Bench {
    fn execute(&mut self, trial: &Trial) -> Outcome {
        self.try_execute(trial)
            .unwrap_or_else(|error| Outcome::none(format!("{error:#}")))
    }
}

impl Bench {
    fn try_execute(&self, trial: &Trial) -> Result<Outcome> {
        let start = self
            .starts
            .get(&trial.program)
            .with_context(|| format!("{} was not prepared", trial.program))?;
        let mut rig = Rig::start(start, self.redis.as_ref(), &self.interrupted)?;
        page::check_that_it_counts(&rig.page)?;
        if !self.warm_up.is_zero() {
            // Whatever goes wrong here goes wrong again below, and counts then.
            self.load(trial, &rig.page, self.warm_up)?;
        }

        let before = page::settle(&rig.page, &self.interrupted)?;
        let commands_before = rig.redis_commands()?;
        let meters = rig.meters();
        let report = self.load(trial, &rig.page, self.duration)?;
        let used = rig.meters().since(&meters);
        let memory_bytes = rig.server_group().and_then(procfs::group_peak_memory_bytes);
        let after = page::settle(&rig.page, &self.interrupted);
        let commands = rig.redis_commands()?.zip(commands_before);
        let commands = commands.map(|(after, before)| after - before);

        let visits = after
            .as_ref()
            .ok()
            .map(|after| after.number - before.number);
        // Our own checks counted, too.
        let counted = visits.zip(after.as_ref().ok());
        let counted = counted.map(|(visits, after)| visits - after.checks);
        let mut discarded = verify(&report, counted, trial.connections, trial.load);
        if let Err(error) = after {
            discarded.push(format!("after the load: {error:#}"));
        }
        let figures = Figures {
            counted,
            cpu: used.cpu(report.responses),
            memory_bytes,
            redis_commands: commands
                .zip(visits)
                .map(|(commands, visits)| commands as f64 / visits as f64),
            other_cpu: used.other_cpu(),
            queue_overflows: used.queue_overflows,
            report,
        };
        Ok(Outcome {
            discarded,
            figures: Some(figures),
        })
    }

    fn load(&self, trial: &Trial, page: &Url, duration: Duration) -> Result<LoadReport> {
        let (engine, rate) = match trial.load {
            Load::Capacity => (&self.closed, None),
            Load::FixedRate(rate) => (&self.open, Some(rate)),
        };
        let order = Order {
            page: page.clone(),
            connections: trial.connections,
            threads: self.threads,
            duration,
            rate,
        };
        engine.run(&order, &self.interrupted)
    }
}

/// A server that listens, and its Redis. Fields are dropped in this order.
struct Rig {
    page: Url,
    server: Option<Process>,
    client: Option<RedisClient>,
    redis: Option<RedisServer>,
}

impl Rig {
    fn start(
        start: &Start,
        redis: Option<&RedisProgram>,
        interrupted: &Interrupted,
    ) -> Result<Rig> {
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
        let (server, page) = start_server(command, &redis.url(), interrupted)?;
        Ok(Rig {
            page,
            server: Some(server),
            client: Some(redis.client()?),
            redis: Some(redis),
        })
    }

    /// The process group of the server, where it is ours.
    fn server_group(&self) -> Option<u32> {
        self.server.as_ref().map(Process::id)
    }

    fn meters(&self) -> Meters {
        let redis = self.redis.as_ref().and_then(RedisServer::id);
        Meters::read(self.server_group(), redis)
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
        Ok(Some(redis_commands(text)))
    }
}

/// Starts a server with the environment that every step reads, and waits until it listens.
fn start_server(
    mut command: Command,
    redis_url: &str,
    interrupted: &Interrupted,
) -> Result<(Process, Url)> {
    let port = processes::free_port().context("there is no free port")?;
    command
        .env("ADDR", format!("127.0.0.1:{port}"))
        .env("REDIS_URL", redis_url)
        .env_remove("RUST_LOG");
    let mut server = Process::spawn("the server", command, Output::Capture)?;
    let has_url = |line: &str| line.contains("http://");
    let line = wait_for_line(&mut server, START_TIMEOUT, interrupted, has_url)
        .context("the server did not say where it listens")?;
    let mut words = line.split_whitespace();
    let url = words.find(|word| word.starts_with("http://"));
    let page = Url::parse(url.unwrap_or(&line)).map_err(Error::msg)?;
    Ok((server, page))
}
