//! The steps in containers: what `cargo xtask run --docker` and the tests of this crate need to
//! drive Docker and Compose.
//!
//! - [`engine_version`] says whether there is an engine at all.
//! - [`Compose`] is one of the two generations of Compose: `docker-compose` and `docker compose`.
//! - [`Project`] is the repository's `docker-compose.yml` under a name of your own. What it starts
//!   is removed at the end, however that end comes.
//! - [`healthcheck`] is the program in the image that asks a step whether it is well.

mod compose;
mod error;
#[path = "../image/healthcheck.rs"]
pub mod healthcheck;
mod project;

pub use compose::{Compose, engine_version};
pub use error::Error;
pub use project::{Count, Project, inspect};

use std::process::{Command, Stdio};

/// Runs a command to its end and returns what it printed on standard output.
///
/// # Errors
///
/// When it cannot be started, or fails: then with the end of all that it printed.
pub fn run(mut command: Command) -> Result<String, Error> {
    let output = command.stdin(Stdio::null()).output();
    let output = output.map_err(|error| Error::cannot_start(&command, &error))?;
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(stdout);
    }
    let stderr = String::from_utf8_lossy(&output.stderr);
    Err(Error::failed(&command, output.status, &(stdout + &stderr)))
}
