//! Capacity on paper: what a load takes, by the measurements that the repository publishes.
//!
//! 1. [`Inputs`]: what was measured, and in which file it stands.
//! 2. [`Plan`]: what follows from that for a [`Demand`], each figure with the interval of what it comes from.
//!
//! The printed plan names the file of each input. Nothing in here is a measured figure itself: a new run in
//! `book/measurements/` makes a new plan.

mod arguments;
mod inputs;
mod plan;
mod text;

pub use arguments::PlanOptions;
pub use inputs::{Inputs, Network, Point};
pub use plan::{Demand, Plan};
