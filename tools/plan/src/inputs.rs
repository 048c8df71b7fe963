//! What was measured, and in which file it stands.

use std::{fs, path::Path};

use anyhow::{Context, Result, bail, ensure};
use bench::{
    Estimate, estimate, published,
    results::{self, Load, Results},
    summary::{self, Row},
};
use serde::Deserialize;
use steps::Setting;

/// The setting that says how many clients may be connected to a replica.
pub(crate) const MAX_CONNECTIONS: &str = "MAX_CONNECTIONS";

/// The file that says what crosses the network, from the root of the repository.
pub(crate) const NETWORK: &str = "book/measurements/network/results.json";

/// What a plan is made from.
#[derive(Clone, Debug)]
pub struct Inputs {
    /// The file of the newest published run.
    pub run: String,
    /// The step that is planned with: the last one.
    pub step: String,
    /// How many cores the machine of the run has.
    pub cores: usize,
    /// What the step showed in that run, from the fewest connections to the most.
    pub points: Vec<Point>,
    /// The file of the step's settings.
    pub settings: String,
    /// How many clients may be connected to a replica.
    pub connections_max: u64,
    /// What crosses the network.
    pub network: Network,
}

/// What the step showed while so many connections asked again as soon as they were answered.
#[derive(Clone, Debug)]
pub struct Point {
    /// How many connections.
    pub connections: u32,
    /// How many requests a second were answered.
    pub requests: Estimate,
    /// 99 % of the answers took no longer, in microseconds.
    pub p99_us: Estimate,
    /// Processor time of the step for a visit, in microseconds.
    pub server_us: Estimate,
    /// The same of Redis.
    pub redis_us: Estimate,
    /// How many visits share a command.
    pub visits_per_command: Estimate,
    /// The memory of the step, in bytes.
    pub memory: Estimate,
    /// What each connection takes of it, in bytes. `None` in a run from before that was measured.
    pub memory_per_connection: Option<Estimate>,
}

/// Bytes on the network, with the headers of IP and TCP.
#[derive(Clone, Copy, Debug)]
pub struct Network {
    /// From the client to the step, for a visit.
    pub request: Estimate,
    /// From the step to the client, for a visit.
    pub answer: Estimate,
    /// From the step to Redis, for a command.
    pub command: Estimate,
    /// From Redis to the step, for a command.
    pub reply: Estimate,
}

impl Inputs {
    /// Reads what is published in the repository at `root`.
    ///
    /// # Errors
    ///
    /// When something cannot be read, or was not measured.
    pub fn read(root: &Path) -> Result<Self> {
        let folder = published::shown(root)?;
        let folder = folder
            .context("book/measurements/bench holds no run; make one with cargo xtask bench")?;
        let results = Results::read(&folder)?;
        let step = steps::one(root, None)?;
        let Setting::Count(connections_max) = step.setting(MAX_CONNECTIONS)? else {
            bail!("{MAX_CONNECTIONS} of {} is no count", step.name);
        };
        let network = root.join(NETWORK);
        let network = fs::read_to_string(&network)
            .with_context(|| format!("cannot read {}", network.display()))?;
        let from_root = |file: &Path| {
            let file = file.strip_prefix(root).unwrap_or(file);
            file.display().to_string()
        };
        Ok(Self {
            run: from_root(&folder.join(results::FILE)),
            cores: results.machine.cores,
            points: Point::all(&results, &step.name)?,
            settings: from_root(&step.settings_file()),
            connections_max,
            network: Network::parse(&network).with_context(|| NETWORK.to_owned())?,
            step: step.name,
        })
    }
}

impl Point {
    /// What a run says of a step, from the fewest connections to the most.
    ///
    /// # Errors
    ///
    /// When it says too little.
    pub fn all(results: &Results, step: &str) -> Result<Vec<Self>> {
        let mut points = Vec::new();
        for group in summary::summarise(results) {
            let row = group.rows.iter().find(|row| row.name == step);
            // What was discarded, or cannot be measured on that system, is no point.
            if let Some(row) = row.filter(|_| group.load == Load::Capacity) {
                points.extend(Self::of(group.connections, row));
            }
        }
        ensure!(
            !points.is_empty(),
            "the newest run says too little of {step} to plan with; make one on Linux with cargo xtask bench"
        );
        points.sort_by_key(|point| point.connections);
        Ok(points)
    }

    fn of(connections: u32, row: &Row) -> Option<Self> {
        let figure = |name| row.estimates.get(name).copied();
        let kibibytes = figure("memory-per-connection");
        Some(Self {
            connections,
            requests: figure("requests")?,
            p99_us: figure("p99")?,
            server_us: figure("server-us")?,
            redis_us: figure("redis-us")?,
            visits_per_command: figure("visits-per-command")?,
            memory: figure("memory")?,
            memory_per_connection: kibibytes.map(|size| size.map(|kibibytes| kibibytes * 1024.0)),
        })
    }
}

/// What tools/plan/network.py writes, as far as a plan needs it.
#[derive(Deserialize)]
struct NetworkFile {
    rounds: Vec<NetworkRound>,
}

#[derive(Deserialize)]
struct NetworkRound {
    visits: f64,
    commands: f64,
    request_bytes: f64,
    answer_bytes: f64,
    command_bytes: f64,
    reply_bytes: f64,
}

impl Network {
    /// Reads what `tools/plan/network.py` has written.
    ///
    /// # Errors
    ///
    /// When it is something else, or holds no round.
    pub fn parse(text: &str) -> Result<Self> {
        let file: NetworkFile = serde_json::from_str(text)?;
        let each = |of: fn(&NetworkRound) -> f64| {
            let sizes = estimate(file.rounds.iter().map(of));
            sizes.context("it holds no round")
        };
        Ok(Self {
            request: each(|round| round.request_bytes / round.visits)?,
            answer: each(|round| round.answer_bytes / round.visits)?,
            command: each(|round| round.command_bytes / round.commands)?,
            reply: each(|round| round.reply_bytes / round.commands)?,
        })
    }
}
