//! Breaks steps while visitors come, and says what was lost.
//!
//! An [`Experiment`] is data: who visits, what is done to the service, to Redis and to the wire between
//! them, and when; a question to be answered before, and the defects that it can bring to light. A [`Plan`]
//! carries one out on several steps side by side, and tells an observer of all that happens meanwhile. What
//! is left is a [`Recording`], with a verdict that is held against what the contract says of each step.

mod asker;
pub mod catalog;
pub mod command_line;
mod condition;
mod engine;
mod experiment;
pub mod false_alarms;
mod live;
mod means;
mod recording;
mod service;
mod stage;
mod terminal;
mod timeline;
mod verdict;
mod view;
mod visitors;

pub use condition::{Condition, RedisState};
pub use engine::{Observer, Plan, Update};
pub use experiment::{Action, Defect, Experiment, Lane, Redis, Remedy, Rule, Variant};
pub use live::Live;
pub use load::{Arrivals, Load};
pub use means::Means;
pub use recording::{Column, Event, Ledger, Recording, SAMPLE_MS, Sample, Series, Verdict};
pub use service::Service;
pub use stage::{Setup, Stage};
pub use terminal::{Strips, verdict};
pub use timeline::draw;
pub use verdict::Contract;
pub use view::{Second, Tally, View};
pub use visitors::{Notes, VISIT_TIMEOUT};

use std::path::Path;

use anyhow::Result;
use steps::{Profile, Step};

/// A step to do things to, built already.
#[derive(Clone, Debug)]
pub struct Subject {
    /// Such as `step-2-redis`.
    pub name: String,
    /// What starts it.
    pub program: steps::Program,
    /// Whether it counts in Redis.
    pub needs_redis: bool,
}

impl Subject {
    /// Builds these steps. When cargo fails, it has said why: `None`.
    ///
    /// # Errors
    ///
    /// When cargo cannot be started, or step 0 cannot be prepared.
    pub fn build(root: &Path, steps: &[Step]) -> Result<Option<Vec<Self>>> {
        // What a step does is the same in both profiles. This one is compiled already after a `run`.
        let Some(programs) = steps::programs(root, steps, Profile::Debug)? else {
            return Ok(None);
        };
        let subjects = steps.iter().zip(programs).map(|(step, program)| Self {
            name: step.name.clone(),
            program,
            needs_redis: step.needs_redis(),
        });
        Ok(Some(subjects.collect()))
    }
}
