//! The steps: found by looking into `steps/`, named in whichever way comes to mind, and built.

mod build;
mod catalog;
mod container;
mod flask;
mod redis;
mod setting;
mod source;

pub use build::{
    ALONG, COMPILED, Profile, Program, cargo, compiled, is_compiled, programs, tool,
    tool_and_steps, web_assembly,
};
pub use catalog::{Language, Step, all, one, several, side_by_side};
pub use container::compose;
pub use flask::{Flask, FlaskServer};
pub use redis::{RedisChoice, Running, Source};
pub use setting::Setting;
pub use source::{Mark, files, without_marks};
