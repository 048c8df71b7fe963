//! What was seen, as plain data: the whole content of `results.json`.
//!
//! Nothing in here is an average. The rounds behind every figure of a report can be looked up.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

/// The version of the file format. It grows when an old reader would misread a new file.
pub const FORMAT: u32 = 1;

/// The name of the file in the folder of a run.
pub const FILE: &str = "results.json";

/// One run: the circumstances and every round.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Results {
    /// The version of the file format.
    pub format: u32,
    /// When the run began, in UTC, such as `2026-11-23T12:00:00Z`.
    pub date: String,
    /// The arguments that asked for the run.
    pub command: String,
    /// The commit that was measured, with `-dirty` behind it when files had been changed since.
    pub commit: Option<String>,
    /// Where it ran.
    pub machine: Machine,
    /// The versions of the programs that took part.
    pub versions: BTreeMap<String, String>,
    /// What was to be done.
    pub plan: Plan,
    /// What about the machine makes the figures worth less, in sentences.
    pub warnings: Vec<String>,
    /// The contestants, in the order of the tables.
    pub contestants: Vec<Entry>,
    /// Every round that was finished, in the order in which they ran.
    pub rounds: Vec<Round>,
}

/// A machine, without its name.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    /// The model of the processor.
    pub processor: String,
    /// How many cores the system gives us.
    pub cores: usize,
    /// The memory, in bytes.
    pub memory_bytes: Option<u64>,
    /// The operating system and its version.
    pub system: String,
    /// The version of the kernel.
    pub kernel: String,
}

/// What a run was to do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The tables, in the order in which they are measured. Not in runs from before they were listed.
    #[serde(default)]
    pub tables: Vec<Planned>,
    /// How many threads the load generator has.
    pub threads: u32,
    /// How long one measurement loads a contestant, in seconds.
    pub duration_s: u64,
    /// How long each contestant is loaded when it has been started, unmeasured, in seconds.
    pub warm_up_s: u64,
    /// How many rounds each table has. `None`: until `precision` or `budget_s` is reached.
    pub rounds: Option<u32>,
    /// How wide the intervals of the ratios may be, as a share.
    #[serde(default)]
    pub precision: f64,
    /// How long the whole run may take, in seconds.
    #[serde(default)]
    pub budget_s: u64,
    /// What the random order of the contestants is made from.
    #[serde(default)]
    pub seed: Option<u64>,
    /// What generates the closed-loop load: `wrk` or `builtin`.
    pub engine: String,
    /// How the Rust contestants were built.
    pub profile: String,
}

/// What a table is to show.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Planned {
    /// How many connections.
    pub connections: u32,
    /// The rate of an open loop. `None` for a closed one.
    pub rate: Option<Rate>,
}

/// How fast an open loop sends.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rate {
    /// So many requests a second.
    PerSecond(f64),
    /// So many percent of the capacity that the slowest contestant showed in the same run.
    PercentOfSlowest(f64),
    /// So many percent of that of the fastest.
    PercentOfFastest(f64),
}

/// A contestant, as the report knows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Its name, such as `step-2-redis`.
    pub name: String,
    /// The name of the contestant that this one repeats, to check the method: the reference, by which the
    /// others are divided.
    pub repeats: Option<String>,
    /// Why it could not take part.
    pub failure: Option<String>,
}

/// One contestant under load, once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Round {
    /// The name of the contestant.
    pub contestant: String,
    /// How many connections.
    pub connections: u32,
    /// Which kind of load.
    pub load: Load,
    /// The number of the round, from 1.
    pub round: u32,
    /// Why the figures must not be used. Empty in a round that counts.
    #[serde(alias = "void")]
    pub discarded: Vec<String>,
    /// What was measured, unless the contestant could not even be started.
    pub figures: Option<Figures>,
}

/// The two kinds of load, whose figures are never mixed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Load {
    /// A closed loop: each connection asks again as soon as it is answered.
    Capacity,
    /// An open loop: so many requests a second, whether or not the server keeps up.
    FixedRate(f64),
}

/// What one round showed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// What the load generator saw.
    pub report: LoadReport,
    /// How far the counter on the page moved, our own checks of it not included. `None` when it could
    /// not be read afterwards.
    pub counted: Option<u64>,
    /// Processor time for each response, where the system tells.
    pub cpu: Option<Cpu>,
    /// The peak memory of the server's processes since it was started, in bytes, where the system tells.
    pub memory_bytes: Option<u64>,
    /// The same before it had any connection.
    #[serde(default)]
    pub idle_memory_bytes: Option<u64>,
    /// Redis commands for each visit counted, where the Redis is ours to ask.
    pub redis_commands: Option<f64>,
    /// The share of the machine's processor time that other programs used, 0 to 1.
    #[serde(alias = "stolen")]
    pub other_cpu: Option<f64>,
    /// The same of the contestants that were not loaded, with their Redis.
    #[serde(default)]
    pub idle_cpu: Option<f64>,
    /// How often a connection found the queue of a listening port full, on the whole machine, where the
    /// system tells.
    #[serde(default)]
    pub queue_overflows: Option<u64>,
}

/// What a load generator saw. Both engines print it as one line of JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LoadReport {
    /// Complete responses, whatever their status.
    pub responses: u64,
    /// How long it took, in microseconds.
    pub duration_us: u64,
    /// How long the responses took.
    pub latency_us: Latency,
    /// How often what went wrong: never, where it is not in here.
    pub errors: BTreeMap<Failure, u64>,
}

impl LoadReport {
    /// Responses a second.
    pub fn per_second(&self) -> f64 {
        self.responses as f64 / (self.duration_us as f64 / 1e6)
    }

    /// How often that went wrong.
    pub fn failed(&self, failure: Failure) -> u64 {
        self.errors.get(&failure).copied().unwrap_or(0)
    }
}

/// Percentiles of the time from a request to the end of its response, in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    /// Half of the responses took no longer.
    pub p50: f64,
    /// 90 % took no longer.
    pub p90: f64,
    /// 99 % took no longer.
    pub p99: f64,
    /// The slowest.
    pub max: f64,
}

/// What can go wrong with a visit, in the order in which it is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Failure {
    /// No connection could be made.
    Connect,
    /// The connection was lost while a response was awaited.
    Read,
    /// The connection was lost while a request was sent.
    Write,
    /// The response took longer than the time-out.
    Timeout,
    /// The status was another than 200 (wrk counts those from 400 on).
    Status,
    /// There was no number in the response. wrk does not check.
    Body,
    /// The number was handed out before. wrk does not check.
    Duplicate,
}

/// Processor time for each response, in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cpu {
    /// Of the server, all its processes together.
    pub server_us: f64,
    /// Of Redis.
    pub redis_us: f64,
    /// Of the load generator.
    pub load_us: f64,
}

impl Results {
    /// Reads the results of the run in `folder`.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, or is not one that this version can read.
    pub fn read(folder: &Path) -> Result<Results> {
        let file = folder.join(FILE);
        let text = fs::read_to_string(&file).with_context(|| {
            format!(
                "cannot read {}; name a folder that a run of bench made",
                file.display()
            )
        })?;
        let results: Results = serde_json::from_str(&text)
            .with_context(|| format!("{} is not a results file of bench", file.display()))?;
        ensure!(
            results.format == FORMAT,
            "{} has format {}, and this bench reads {FORMAT}; use the bench of that commit",
            file.display(),
            results.format
        );
        Ok(results)
    }

    /// Writes the results into `folder`. The file is whole at every instant: what was there before
    /// stays until all of the new content is written.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn write(&self, folder: &Path) -> Result<()> {
        let file = folder.join(FILE);
        let new = folder.join(format!("{FILE}.new"));
        let text =
            serde_json::to_string_pretty(self).context("cannot write the results as JSON")?;
        fs::write(&new, text + "\n")
            .and_then(|()| fs::rename(&new, &file))
            .with_context(|| format!("cannot write {}", file.display()))
    }
}
