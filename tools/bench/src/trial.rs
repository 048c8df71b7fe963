//! The contestants, all up at once, each with a Redis of its own, and one measurement of one of them: load,
//! check the count, and see whether anything disturbed it.

use std::collections::HashMap;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Error, Result};
use load::{Url, redis_commands};
use private_redis::{Durability, RedisClient, RedisProgram, RedisServer};
use processes::interrupt::Interrupted;
use processes::{Output, Process};

use crate::campaign::{Executor, Outcome, Trial};
use crate::contestant::Start;
use crate::engine::{Engine, Order, QUOTED_LINES, wait_for_line};
use crate::meters::Meters;
use crate::page;
use crate::procfs;
use crate::results::{Entry, Figures, Load, LoadReport};
use crate::verify::{disturbances, verify};

/// How long a server may take until it says where it listens.
const START_TIMEOUT: Duration = Duration::from_secs(20);

/// What is needed to execute trials for real.
#[derive(Debug)]
pub struct Setup {
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
    /// How long it is loaded when it has been started, unmeasured.
    pub warm_up: Duration,
    /// What share of the machine other programs may use.
    pub other_cpu_max: f64,
    /// Whether to stop.
    pub interrupted: Interrupted,
}

/// Executes trials for real.
pub struct Bench {
    setup: Setup,
    began: Instant,
    rigs: HashMap<String, Result<Rig>>,
}

impl Bench {
    /// Nothing is started yet.
    pub fn new(setup: Setup) -> Bench {
        let (began, rigs) = (Instant::now(), HashMap::new());
        Bench { setup, began, rigs }
    }

    /// The process of a contestant that we have started.
    ///
    /// # Errors
    ///
    /// When it did not start, or was there before.
    pub fn process(&self, contestant: &str) -> Result<u32> {
        match self.rigs.get(contestant) {
            Some(Ok(rig)) => rig.groups()[0].context("it ran already, and is not ours"),
            Some(Err(error)) => Err(Error::msg(format!("{error:#}"))),
            None => Err(Error::msg("it was not started")),
        }
    }
}

impl Executor for Bench {
    fn start(&mut self, contestants: &[Entry], connections: u32) {
        // Those of before make room first.
        self.rigs.clear();
        for Entry { name, repeats, .. } in contestants {
            if !self.setup.interrupted.yet() {
                let program = repeats.as_ref().unwrap_or(name);
                let rig = Rig::start(&self.setup, program);
                self.rigs.insert(name.clone(), rig);
            }
        }
        // Whatever goes wrong here goes wrong again in a trial, and is said then.
        for rig in self.rigs.values().flatten() {
            if !self.setup.warm_up.is_zero() && !self.setup.interrupted.yet() {
                let (setup, load) = (&self.setup, Load::Capacity);
                let _ = setup.load(&rig.page, connections, load, setup.warm_up);
            }
        }
    }

    fn execute(&mut self, trial: &Trial) -> Outcome {
        let others = self.rigs.iter();
        let others = others.filter(|(name, _)| **name != trial.contestant);
        let others = others.filter_map(|(_, rig)| rig.as_ref().ok());
        let idle: Vec<u32> = others.flat_map(Rig::groups).flatten().collect();
        let Some(Ok(rig)) = self.rigs.get_mut(&trial.contestant) else {
            let error = self.rigs.remove(&trial.contestant).and_then(Result::err);
            let error = error.unwrap_or_else(|| Error::msg("it was not started"));
            return Outcome {
                is_gone: true,
                ..Outcome::none(&error)
            };
        };
        let measured = rig.measure(&self.setup, trial, &idle);
        let mut outcome = measured.unwrap_or_else(|error| Outcome::none(&error));
        if let Some(output) = rig.last_words() {
            outcome.is_gone = true;
            outcome
                .discarded
                .push(format!("the server ended; it printed:\n{output}"));
        }
        outcome
    }

    fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }
}

impl Setup {
    fn load(
        &self,
        page: &Url,
        connections: u32,
        load: Load,
        duration: Duration,
    ) -> Result<LoadReport> {
        let (engine, rate) = match load {
            Load::Capacity => (&self.closed, None),
            Load::FixedRate(rate) => (&self.open, Some(rate)),
        };
        let order = Order {
            page: page.clone(),
            connections,
            threads: self.threads,
            duration,
            rate,
        };
        engine.run(&order, &self.interrupted)
    }
}

/// A server that listens.
struct Rig {
    page: Url,
    /// What we started for it, unless it ran already.
    own: Option<Own>,
    /// The memory of the server before it had more than a connection.
    idle_memory_bytes: Option<u64>,
    /// The visits and the commands of Redis up to the last measurement, if nobody else can have added to them.
    /// A server may still answer late visits of that one: they and their commands belong together.
    counts: Option<(u64, Option<u64>)>,
}

/// A server of ours and its Redis. Fields are dropped in this order.
struct Own {
    server: Process,
    client: RedisClient,
    redis: RedisServer,
}

impl Rig {
    fn start(setup: &Setup, program: &str) -> Result<Rig> {
        let start = setup.starts.get(program);
        let start = start.with_context(|| format!("{program} was not prepared"))?;
        let (page, own) = match start {
            Start::Program(program) => Own::start(setup, Command::new(program))?,
            Start::Flask(flask, server) => Own::start(setup, flask.command(*server))?,
            Start::Running(page) => (page.clone(), None),
        };
        page::check_that_it_counts(&page)?;
        // Only now: gunicorn listens before its workers are there.
        let server = own.as_ref().map(|own| own.server.id());
        Ok(Rig {
            page,
            own,
            idle_memory_bytes: server.and_then(procfs::group_peak_memory_bytes),
            counts: None,
        })
    }

    /// The process groups of the server and of its Redis, where they are ours.
    fn groups(&self) -> [Option<u32>; 2] {
        let own = self.own.as_ref();
        own.map_or([None; 2], |own| [Some(own.server.id()), own.redis.id()])
    }

    /// What the server printed, if it has ended.
    fn last_words(&mut self) -> Option<String> {
        let server = &mut self.own.as_mut()?.server;
        let has_ended = server.try_wait().is_ok_and(|status| status.is_some());
        has_ended.then(|| server.output_tail(QUOTED_LINES))
    }

    /// Loads the server once. `idle` are the process groups of the others.
    fn measure(&mut self, setup: &Setup, trial: &Trial, idle: &[u32]) -> Result<Outcome> {
        let (before, commands_before) = match self.counts.take() {
            Some(counts) => counts,
            None => {
                let settled = page::settle(&self.page, &setup.interrupted)?;
                (settled.number, self.redis_commands()?)
            }
        };
        let meters = Meters::read();
        let report = setup.load(&self.page, trial.connections, trial.load, setup.duration)?;
        let used = Meters::read().since(&meters, self.groups(), idle);
        let server = self.groups()[0];
        let memory_bytes = server.and_then(procfs::group_peak_memory_bytes);
        let after = page::settle(&self.page, &setup.interrupted);
        let commands_after = self.redis_commands()?;
        let commands = commands_after.zip(commands_before);
        let commands = commands.map(|(after, before)| after - before);

        let settled = after.as_ref().ok();
        // Whoever runs a server that is not ours may visit it meanwhile.
        self.counts = settled
            .filter(|_| server.is_some())
            .map(|after| (after.number, commands_after));
        let visits = settled.map(|after| after.number.saturating_sub(before));
        // Our own checks counted, too.
        let counted = visits.zip(settled);
        let counted = counted.map(|(visits, after)| visits.saturating_sub(after.checks));
        let mut discarded = verify(&report, counted, trial.connections, trial.load);
        discarded.extend(
            after
                .err()
                .map(|error| format!("after the load: {error:#}")),
        );
        let (other_cpu, idle_cpu) = (used.other_cpu(), used.idle_cpu());
        discarded.extend(disturbances(other_cpu, idle_cpu, setup.other_cpu_max));
        let figures = Figures {
            counted,
            cpu: used.cpu(report.responses),
            memory_bytes,
            idle_memory_bytes: self.idle_memory_bytes,
            redis_commands: commands
                .zip(visits)
                .map(|(commands, visits)| commands as f64 / visits as f64),
            other_cpu,
            idle_cpu,
            queue_overflows: used.queue_overflows,
            report,
        };
        Ok(Outcome {
            discarded,
            figures: Some(figures),
            is_gone: false,
        })
    }

    /// How many commands Redis has executed, other than those that ask for this number.
    fn redis_commands(&mut self) -> Result<Option<u64>> {
        let Some(own) = &mut self.own else {
            return Ok(None);
        };
        let info = own.client.command(&["INFO", "commandstats"])?;
        let text = info
            .as_text()
            .context("Redis answered INFO with something that is no text")?;
        Ok(Some(redis_commands(text)))
    }
}

impl Own {
    /// Starts a server, and waits until it says where it listens.
    fn start(setup: &Setup, mut command: Command) -> Result<(Url, Option<Own>)> {
        let redis = setup.redis.as_ref().context("there is no Redis for it")?;
        let redis = RedisServer::start(redis, Durability::None)?;
        let port = processes::free_port().context("there is no free port")?;
        // The environment that every step reads.
        command
            .env("ADDR", format!("127.0.0.1:{port}"))
            .env("REDIS_URL", redis.url())
            .env_remove("RUST_LOG");
        let mut server = Process::spawn("the server", command, Output::Capture)?;
        let has_url = |line: &str| line.contains("http://");
        let line = wait_for_line(&mut server, START_TIMEOUT, &setup.interrupted, has_url)
            .context("the server did not say where it listens")?;
        let mut words = line.split_whitespace();
        let url = words.find(|word| word.starts_with("http://"));
        let page = Url::parse(url.unwrap_or(&line)).map_err(Error::msg)?;
        let own = Own {
            server,
            client: redis.client()?,
            redis,
        };
        Ok((page, Some(own)))
    }
}
