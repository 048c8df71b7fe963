//! What a measurement of needless failovers found, as it is stored.

use std::{fs, path::Path};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

/// Where it is stored, from the root of the repository.
pub const FILE: &str = "book/measurements/failover/false-alarms.json";

/// How often a cluster replaced a master that was only slow, by its `cluster-node-timeout`.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct FalseAlarms {
    /// When, in UTC.
    pub date: String,
    /// How many cores the machine has.
    pub cores: usize,
    /// Which Redis.
    pub redis: String,
    /// How often each pause was tried.
    pub rounds: usize,
    /// The pauses, in milliseconds.
    pub pauses_ms: Vec<u64>,
    /// How many threads that never sleep made the machine busy.
    pub busy_threads: usize,
    /// For how long, in seconds.
    pub busy_s: u64,
    /// What was found, from the shortest time-out to the longest.
    pub found: Vec<Found>,
}

/// What was found with one time-out.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Found {
    /// The time-out, in milliseconds.
    pub node_timeout_ms: u64,
    /// How long nobody served the key after its master was killed, in milliseconds.
    pub failover_ms: Vec<u64>,
    /// For each pause, how many of the rounds ended with another master.
    pub replaced: Vec<usize>,
    /// How many elections there were while the machine was busy.
    pub elections_when_busy: u64,
}

impl FalseAlarms {
    /// Reads what is stored. `None` where nothing is.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    pub fn read(root: &Path) -> Result<Option<Self>> {
        let file = root.join(FILE);
        if !file.exists() {
            return Ok(None);
        }
        let text = fs::read_to_string(&file)?;
        serde_json::from_str(&text).map(Some).context(FILE)
    }
}

impl Found {
    /// The middle one of the times after which somebody served the key again.
    pub fn failover_median_ms(&self) -> u64 {
        let mut times = self.failover_ms.clone();
        times.sort_unstable();
        times.get(times.len() / 2).copied().unwrap_or_default()
    }
}
