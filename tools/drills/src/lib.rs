//! Drills: parts of the scale profile are killed, cut off and restarted while visitors come through the
//! proxy, and a verdict says what that cost.
//!
//! A [`Deployment`] is what is drilled: the containers of the running profile, or the same parts as
//! processes. A [`Drill`] is what is done to it, and what that may cost. [`Drill::run`] lets the visitors
//! come, does it, and returns an [`Outcome`].

mod catalog;
pub mod command_line;
mod containers;
mod deployment;
mod drill;
pub mod haproxy;
mod local;
mod outcome;

pub use catalog::{DRILLS, find};
pub use containers::Containers;
pub use deployment::{Deployment, NODES, WEBS};
pub use drill::{Action, Drill};
pub use haproxy::HaProxy;
pub use local::Processes;
pub use outcome::Outcome;
