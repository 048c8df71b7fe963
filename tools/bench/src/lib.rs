//! Measures every step under load, side by side, and says how far the figures can be trusted.
//!
//! It works in three stages that know nothing of each other's insides:
//!
//! 1. **Measure**: `campaign` decides what runs when and when it is enough, `trial` keeps the contestants
//!    up and lets `engine` load one of them, and `verify` decides whether that counts at all.
//! 2. **Plain data**: [`results`] is all that was seen, written to `results.json` after each round.
//! 3. **Render**: [`summary`] condenses the [`metrics`] of the rounds with [`statistics`]; [`cells`] puts them into tables
//!    and sentences, which `report` arranges for a page or the terminal; [`plot`] draws them. They
//!    never measure anything.
//!
//! Two kinds of figure exist and are never mixed. *Capacity* is how many answers a second a server
//! gives when every connection asks again as soon as it is answered (a closed loop, with wrk).
//! *Latency at a fixed rate* is how long an answer takes when clients come whether or not the server is
//! ready for them (an open loop, with the engine in `builtin`).
//!
//! What is public is what the book shows of the published runs, and what the tests drive.

mod agreement;
mod builtin;
mod campaign;
pub mod cells;
mod cli;
mod commands;
mod contestant;
pub mod costs;
mod engine;
mod machine;
mod meters;
pub mod metrics;
mod page;
pub mod plot;
mod procfs;
pub mod profile;
pub mod published;
mod report;
pub mod results;
mod session;
pub mod summary;
mod trial;
pub mod units;
mod verify;
mod warnings;

pub use agreement::{Agreement, Row as AgreementRow, compare};
pub use campaign::{Executor, Outcome, Trial, run};
pub use commands::main;
pub use contestant::Start;
pub use engine::Engine;
pub use machine::{commit, describe as machine, versions};
pub use report::{
    COLUMNS_MAX, agreements, circumstances, headline, markdown, readme_part, terminal,
};
pub use statistics::{Estimate, estimate};
pub use trial::{Bench, Setup};
