//! A step of the reader's own: `cargo xtask start` makes a folder for it, outside this checkout, with the
//! code of the step before; `check` judges it by the contract, `hint` helps, `progress` keeps count.
//!
//! - `goal`: what the step has to turn from "lacks" to "has", and what may not get worse. It is read from
//!   the findings that are stored of our own steps.
//! - `exercise`: the exercises of the book that change code. They are prepared and judged like a step.
//! - `start`: puts the folder together, from `files`, which are made from the steps, and `manifest`.
//! - `folder`: a folder that was made so, and the progress that is written down in it.
//! - `check`: builds the step and has it judged by `judge`; `watch` does so whenever a file is saved. `speed`
//!   measures it where the goal is speed.
//! - `hint`, `progress`: what the contract, the book and the differences between our steps say of it.

mod check;
pub mod exercise;
mod files;
mod folder;
mod goal;
mod hint;
mod judge;
mod keys;
mod manifest;
mod progress;
mod speed;
mod start;
mod watch;

pub use check::{CheckArguments, check};
pub use exercise::Exercise;
pub use files::all as files;
pub use folder::{Entry, OwnStep};
pub use goal::{Goal, Row};
pub use hint::{HintOptions, hint};
pub use judge::Judge;
pub use progress::{ProgressOptions, progress};
pub use start::{StartOptions, start};
