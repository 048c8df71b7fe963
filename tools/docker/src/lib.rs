//! The steps in containers: what `cargo xtask run --docker` and the tests of this crate need to
//! drive Docker and Compose.
//!
//! - [`engine_version`] says whether there is an engine at all.
//! - [`ensure_base_images`] pulls what our image is built on, or makes stand-ins; [`ensure_image`] builds it.
//! - [`Compose`] is one of the two generations of Compose: `docker-compose` and `docker compose`.
//! - [`Project`] is the repository's `docker-compose.yml` under a name of your own. What it starts
//!   is removed at the end, however that end comes.

mod compose;
mod images;
mod project;

pub use compose::{Compose, engine_version};
pub use images::{EARLY_STEP, ensure_base_images, ensure_image, one_at_a_time};
pub use project::{Count, Project, VARIABLES, inspect};

use std::process::{Command, Stdio};

use anyhow::{Result, anyhow, bail};
use processes::last_lines;

/// How many lines of a command's output an error carries.
const LINES_MAX: usize = 30;

/// Runs a command to its end and returns what it printed on standard output.
///
/// # Errors
///
/// When it cannot be started, or fails: then with the end of all that it printed.
pub fn run(mut command: Command) -> Result<String> {
    // As one would type it.
    let words = [command.get_program()]
        .into_iter()
        .chain(command.get_args());
    let words: Vec<_> = words.map(|word| word.to_string_lossy()).collect();
    let shown = words.join(" ");
    let output = command.stdin(Stdio::null()).output();
    let output = output.map_err(|error| anyhow!("cannot start `{shown}`: {error}"))?;
    let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.status.success() {
        text += &String::from_utf8_lossy(&output.stderr);
        let lines: Vec<&str> = text.lines().collect();
        let last = last_lines(&lines[lines.len().saturating_sub(LINES_MAX)..].join("\n"));
        bail!("`{shown}` failed ({}){last}", output.status);
    }
    Ok(text)
}
