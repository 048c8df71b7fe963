//! What every step must do, checked from outside, over HTTP, in no step's language.
//!
//! A [`Capability`] is one thing that a service can do, such as "Redis restarts: visits are served
//! again within 2 s". Each has a check that starts the service and a Redis of its own, does to both what
//! happens in real life (stop, kill, freeze, overload), and judges what comes back over the socket.
//!
//! The suite asserts both sides. A step must have what its number and `expectations.rs` say it has, and
//! must lack what they say it lacks: a step whose lesson is a defect has to have the defect. A lack is one
//! certain defect, named at the check. A service that fails in any other way neither has the capability
//! nor lacks it, it is [broken](Verdict::Broken); and that, like a check that could not be carried out,
//! is always a failure. Where a busy machine can be the reason for what was not expected, the capability is
//! checked again, from the start.
//!
//! A [`FaultRun`] is another kind of check: it holds a step to its promises on a bad wire to Redis. And
//! [`ask`] holds a service to a dialogue, which is what an exercise of the book may ask for.

mod capabilities;
pub mod check;
mod checks;
mod dialogue;
mod expectations;
mod faults;
mod finding;
pub mod results;
mod run;
mod service;
mod subject;
mod testbed;

pub use capabilities::{CAPABILITIES, Capability};
pub use dialogue::{Question, ask};
pub use faults::FaultRun;
pub use finding::{Cell, Finding, Report, Verdict};
pub use results::{markdown, markdown_with};
pub use run::run;
pub use steps::{Program, Source};
pub use subject::Subject;
