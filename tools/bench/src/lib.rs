//! Measures every step under load, side by side, and says how far the figures can be trusted.
//!
//! It works in three stages that know nothing of each other's insides:
//!
//! 1. **Measure**: [`campaign`] decides who runs when, [`trial`] starts one contestant, lets
//!    [`engine`] load it, and [`verify`] decides whether the round counts at all.
//! 2. **Plain data**: [`results`] is all that was seen, written to `results.json` after each round.
//! 3. **Render**: [`summary`] condenses the rounds with [`statistics`]; [`terminal`],
//!    [`markdown`] and [`plot`] draw the summary. They never measure anything.
//!
//! Two kinds of figure exist and are never mixed. *Capacity* is how many answers a second a server
//! gives when every connection asks again as soon as it is answered (a closed loop, with wrk).
//! *Latency at a fixed rate* is how long an answer takes when visitors come whether or not the
//! server is ready for them (an open loop, with the engine in [`builtin`]).

pub mod agreement;
pub mod builtin;
pub mod campaign;
pub mod cells;
pub mod cli;
pub mod contestant;
pub mod engine;
pub mod interrupt;
pub mod limits;
pub mod machine;
pub mod markdown;
pub mod page;
pub mod plot;
pub mod prepare;
pub mod procfs;
pub mod published;
pub mod results;
pub mod session;
pub mod statistics;
pub mod summary;
pub mod terminal;
pub mod trial;
pub mod units;
pub mod verify;
pub mod warnings;
pub mod wrk;
