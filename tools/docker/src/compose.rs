//! The engine, and the two generations of Compose that talk to it.

use std::{
    fmt,
    process::{Command, Stdio},
};

use anyhow::{Result, anyhow, bail};

use crate::run;

/// The version of the Docker Engine that answers.
///
/// # Errors
///
/// One line, when `docker` cannot be started, or no engine answers it.
pub fn engine_version() -> Result<String> {
    let mut docker = Command::new("docker");
    docker.args(["version", "--format", "{{.Server.Version}}"]);
    let output = docker.stdin(Stdio::null()).output();
    let output = output.map_err(|error| anyhow!("cannot start `docker`: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
    }
    let stderr = String::from_utf8_lossy(&output.stderr);
    let reason = stderr.lines().map(str::trim).rfind(|line| !line.is_empty());
    bail!(
        "{}",
        reason.unwrap_or("`docker version` failed without a message")
    )
}

/// A Compose that is installed here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compose {
    program: &'static [&'static str],
    version: String,
}

impl Compose {
    /// All that are installed, the one to prefer first.
    ///
    /// The second generation is a plugin: `docker compose`. The first is a program of its own:
    /// `docker-compose`. Where that is only another name for the plugin, it is left out.
    pub fn all() -> Vec<Self> {
        let mut found: Vec<Self> = Vec::new();
        for program in [&["docker", "compose"][..], &["docker-compose"][..]] {
            let mut ask = command(program);
            ask.args(["version", "--short"]);
            let Ok(version) = run(ask) else { continue };
            let version = version.trim().trim_start_matches('v').to_owned();
            if found.iter().all(|other| other.version != version) {
                found.push(Self { program, version });
            }
        }
        found
    }

    /// A command that goes on with arguments such as `up`.
    pub(crate) fn command(&self) -> Command {
        command(self.program)
    }
}

impl fmt::Display for Compose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.program.join(" "), self.version)
    }
}

fn command(program: &[&str]) -> Command {
    let mut command = Command::new(program[0]);
    command.args(&program[1..]);
    command
}
