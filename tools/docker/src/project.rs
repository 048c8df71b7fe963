//! The repository's compose file under a project name of your own.

use std::{
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, anyhow};
use processes::CleanUp;

use crate::{Compose, run};

/// How often we look whether a container has turned healthy.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// The variables that Compose and docker-compose.yml read. Their values come from us, not from the shell.
pub const VARIABLES: [&str; 8] = [
    "COMPOSE_PROFILES",
    "STEP",
    "IMAGE",
    "APP_PORT",
    "RUST_LOG",
    "STATS_PORT",
    "CLUSTER_NET",
    "REPLICAS",
];

/// What becomes of the count when a project ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Count {
    /// The volume stays, and a project of the same name goes on with it.
    Kept,
    /// The volume goes, too.
    Forgotten,
}

/// The compose file of a repository, under a project name that nothing else uses.
///
/// When it is dropped, its containers and networks are removed, and its volumes if you say so.
/// When *we* are killed, they are removed, too.
#[derive(Debug)]
pub struct Project {
    compose: Compose,
    name: String,
    file: PathBuf,
    variables: Vec<(String, String)>,
    _clean_up: CleanUp,
}

impl Project {
    /// Prepares a project of the `docker-compose.yml` in `root`. Nothing is started yet.
    ///
    /// The variables are those of the compose file, such as `("STEP", "step-2-redis")`, and
    /// `("COMPOSE_PROFILES", "scale")` for another profile than the plain one.
    ///
    /// # Errors
    ///
    /// When the process that cleans up cannot be started.
    pub fn new(
        compose: &Compose,
        root: &Path,
        name: &str,
        count: Count,
        variables: &[(&str, &str)],
    ) -> Result<Self> {
        let (name, file) = (name.to_owned(), root.join("docker-compose.yml"));
        let owned = |&(name, value): &(&str, &str)| (name.to_owned(), value.to_owned());
        let variables: Vec<_> = variables.iter().map(owned).collect();
        let mut down = command(compose, &name, &file, &variables);
        down.args(["down", "--remove-orphans"]);
        if count == Count::Forgotten {
            down.arg("--volumes");
        }
        let clean_up = CleanUp::new(down).context("cannot prepare to remove the containers")?;
        Ok(Self {
            compose: compose.clone(),
            name,
            file,
            variables,
            _clean_up: clean_up,
        })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A Compose command for this project, such as `["up", "--detach"]`.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = command(&self.compose, &self.name, &self.file, &self.variables);
        command.args(arguments);
        command
    }

    /// Runs a Compose command to its end and returns what it printed on standard output.
    ///
    /// # Errors
    ///
    /// When it cannot be started, or fails.
    pub fn run(&self, arguments: &[&str]) -> Result<String> {
        run(self.command(arguments))
    }

    /// The numbers of a service's containers, the stopped ones included.
    ///
    /// They are found by the labels that both generations of Compose give them. To ask Compose
    /// itself takes a second with the first one, which is a Python program.
    ///
    /// # Errors
    ///
    /// When the engine does not answer.
    pub fn containers(&self, service: &str) -> Result<Vec<String>> {
        let mut docker = Command::new("docker");
        docker.args(["ps", "--all", "--quiet", "--no-trunc"]);
        let labels = [
            ("project", self.name.as_str()),
            ("service", service),
            ("oneoff", "False"),
        ];
        for (label, value) in labels {
            let filter = format!("label=com.docker.compose.{label}={value}");
            docker.args(["--filter", &filter]);
        }
        Ok(run(docker)?.lines().map(str::to_owned).collect())
    }

    /// Waits until every container of a service is healthy.
    ///
    /// # Errors
    ///
    /// When one is not after `timeout`, or has ended: with what the health check and the container
    /// said last.
    pub fn wait_until_healthy(&self, service: &str, timeout: Duration) -> Result<()> {
        let deadline = Instant::now() + timeout;
        for container in self.containers(service)? {
            loop {
                let state = inspect(&container, "{{.State.Status}} {{.State.Health.Status}}")?;
                if state == "running healthy" {
                    break;
                }
                if !state.starts_with("running") || Instant::now() >= deadline {
                    return Err(self.not_healthy(service, &container, &state));
                }
                thread::sleep(POLL_INTERVAL);
            }
        }
        Ok(())
    }

    fn not_healthy(&self, service: &str, container: &str, state: &str) -> anyhow::Error {
        let said = "{{range .State.Health.Log}}{{.Output}}{{end}}";
        let said = inspect(container, said).unwrap_or_default();
        let log = self.run(&["logs", "--tail", "20", service]);
        let log = log.unwrap_or_default();
        anyhow!(
            "the container of {service} is {state:?}, but should be \"running healthy\"\n\
             health check: {said}\n{log}"
        )
    }
}

/// What Docker knows of a container or an image, through a template such as `{{.Id}}`.
///
/// # Errors
///
/// When there is no such thing, or the template does not fit it.
pub fn inspect(thing: &str, template: &str) -> Result<String> {
    let mut docker = Command::new("docker");
    docker.args(["inspect", "--format", template, thing]);
    run(docker).map(|text| text.trim().to_owned())
}

fn command(compose: &Compose, name: &str, file: &Path, variables: &[(String, String)]) -> Command {
    let mut command = compose.command();
    command.args(["--project-name", name, "--file"]).arg(file);
    for name in VARIABLES {
        command.env_remove(name);
    }
    command.envs(variables.iter().map(|(name, value)| (name, value)));
    command
}
