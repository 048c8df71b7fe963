//! The steps: found by looking into `steps/`, named in whichever way comes to mind, and built.

mod build;
mod catalog;
mod container;
mod flask;
mod redis;
mod source;

pub use build::{COMPILED, Profile, Program, cargo, compiled, programs, tool};
pub use catalog::{Language, Step, all, one, several};
pub use container::compose;
pub use flask::{Flask, FlaskServer};
pub use redis::{RedisChoice, Running, Source};
pub use source::{Mark, files, without_marks};
