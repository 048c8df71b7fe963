//! Where the processor time of a response goes, as plain data: the whole content of `profile.json`.
//!
//! The tool `profile` takes it; [`crate::plot::split`] draws it, and [`markdown`] is the page about it.

mod page;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::results::Machine;

pub use page::{flames, markdown, summary, table};

/// The name of the file in the folder of a profile.
pub const FILE: &str = "profile.json";

/// The name of the page about it, in the same folder.
pub const PAGE: &str = "PROFILE.md";

/// One profile: the circumstances, and what was seen of each server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Profile {
    /// When it began, in UTC, such as `2026-11-23T12:00:00Z`.
    pub date: String,
    /// The commit that was measured, with `-dirty` behind it when files had been changed since.
    pub commit: Option<String>,
    /// Where it ran.
    pub machine: Machine,
    /// The versions of the programs that took part.
    pub versions: BTreeMap<String, String>,
    /// How many connections made the load.
    pub connections: u32,
    /// How long each server was looked at, in seconds.
    pub duration_s: u64,
    /// The servers, in the order of the steps.
    pub servers: Vec<Split>,
}

/// What one server spends on a response.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Split {
    /// The name, such as `step-2-redis`.
    pub name: String,
    /// Processor time for each response, in microseconds, as the system counts it.
    pub server_us: f64,
    /// How often the server was looked at while it ran.
    pub samples: u64,
    /// How often each part was found to be running.
    pub parts: BTreeMap<Part, u64>,
    /// What disturbed it, in sentences.
    pub warnings: Vec<String>,
}

impl Split {
    /// The name of its flame graph, in the folder of the profile.
    pub fn flame(&self) -> String {
        format!("flame-{}.svg", self.name)
    }

    /// The microseconds that a part takes of a response.
    pub fn microseconds(&self, part: Part) -> f64 {
        let found = self.parts.get(&part).copied().unwrap_or(0);
        self.server_us * found as f64 / self.samples.max(1) as f64
    }
}

#[cfg(test)]
impl Profile {
    /// A profile of step 1 alone, in which these parts were found.
    pub(crate) fn sample(parts: &[(Part, u64)]) -> Self {
        Self {
            date: "2026-11-26T01:02:03Z".to_owned(),
            commit: None,
            machine: Machine::default(),
            versions: BTreeMap::new(),
            connections: 1000,
            duration_s: 10,
            servers: vec![Split {
                name: "step-1-memory".to_owned(),
                server_us: 8.0,
                samples: parts.iter().map(|(_, found)| found).sum(),
                parts: parts.iter().copied().collect(),
                warnings: Vec::new(),
            }],
        }
    }
}

/// Whose code it is that runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// The operating system.
    Kernel,
    /// The runtime.
    Tokio,
    /// HTTP.
    Hyper,
    /// axum, with tower, or Rocket.
    Framework,
    /// The client of Redis, and the pool of its connections.
    RedisClient,
    /// The step's own lines.
    Own,
    /// The allocator, the C library, and what belongs to nobody else.
    Rest,
}

impl Part {
    /// All of them, in the order of a bar.
    pub const ALL: [Part; 7] = [
        Part::Kernel,
        Part::Tokio,
        Part::Hyper,
        Part::Framework,
        Part::RedisClient,
        Part::Own,
        Part::Rest,
    ];

    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Part::Kernel => "kernel",
            Part::Tokio => "tokio",
            Part::Hyper => "hyper",
            Part::Framework => "framework",
            Part::RedisClient => "Redis client",
            Part::Own => "our lines",
            Part::Rest => "memory, libc",
        }
    }
}

impl Profile {
    /// Reads the profile in `folder`.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, or is none.
    pub fn read(folder: &Path) -> Result<Profile> {
        let file = folder.join(FILE);
        let text = fs::read_to_string(&file);
        let text = text.with_context(|| format!("cannot read {}", file.display()))?;
        let profile = serde_json::from_str(&text);
        profile.with_context(|| format!("{} is not a profile", file.display()))
    }

    /// Writes the profile into `folder`.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn write(&self, folder: &Path) -> Result<()> {
        let file = folder.join(FILE);
        let text =
            serde_json::to_string_pretty(self).context("cannot write the profile as JSON")?;
        fs::write(&file, text + "\n").with_context(|| format!("cannot write {}", file.display()))
    }
}
