//! What there is to see of a live step.

use std::collections::VecDeque;

use load::Outcome;
use serde::Serialize;

use crate::{Condition, recording::Event, visitors::VISIT_TIMEOUT};

/// How it is, and how the last minute was.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct View {
    /// The step, such as `step-2-redis`.
    pub name: String,
    /// Where the copies of the service are.
    pub pages: Vec<String>,
    /// Where the Redis is that counts.
    pub redis: String,
    /// What goes on that takes its time, such as the start.
    pub busy: Option<String>,
    /// How the parts are; nothing before they have started.
    pub condition: Option<Condition>,
    /// What the last visitor saw.
    pub sentence: String,
    /// The last minute, the newest last.
    pub seconds: VecDeque<Second>,
    /// How many visits each of the last commands counted, the newest last.
    pub sizes: Vec<u64>,
    /// What was done, what was lost on the wire, and what went wrong, the newest last.
    pub events: VecDeque<Event>,
    /// The last lines that the service has printed.
    pub log: Vec<String>,
    /// What all visits came to.
    pub tally: Tally,
}

/// One second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Second {
    /// When it ended, in milliseconds after the start.
    pub at: u64,
    /// Visits that ended with a number, a refusal, a failure, and without an answer.
    pub ends: [u32; 4],
    /// Visits under way at its end.
    pub in_flight: u32,
    /// Half of the answers came within this time, in milliseconds, and 99 of 100 within the other.
    pub p50_p99: Option<(f32, f32)>,
    /// Commands that the service has sent to Redis.
    pub commands: u64,
}

/// What all visits came to.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Tally {
    /// Visits that ended with a number.
    pub answered: u64,
    /// Visits without a number that may have been counted all the same.
    pub unknown: u64,
    /// Numbers that were given again.
    pub duplicates: u64,
    /// Numbers that nobody was given, and that nobody can be given any more.
    pub gaps: u64,
    /// What Redis says, if it does.
    pub count: Option<u64>,
    /// What it may say, at least and at most; nothing if the count is not kept there.
    pub acceptable: Option<(u64, u64)>,
}

/// What a visitor saw at the end of a visit.
pub fn sentence(last: Option<Outcome>) -> String {
    match last {
        None => "nobody has visited yet".to_owned(),
        // The client takes no other page for one with a number.
        Some(Outcome::Number(number)) => format!("Hello World! I have been seen {number} times."),
        Some(Outcome::Refused) => "503, and when to come again".to_owned(),
        Some(Outcome::NoNumber) => "200, without a number".to_owned(),
        Some(Outcome::Failed(status)) => format!("{status}, an error"),
        Some(Outcome::Cut) => "the connection is cut".to_owned(),
        Some(Outcome::Unconnected) => "nobody takes the connection".to_owned(),
        Some(Outcome::Silent) => format!("no answer within {} s", VISIT_TIMEOUT.as_secs_f32()),
    }
}
