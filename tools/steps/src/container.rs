//! The Redis of docker-compose.yml, and the Compose that starts it.

use std::{path::Path, process, time::Duration};

use anyhow::{Context, Result, bail};
use docker::{Compose, Count, Project};
use output::terminal;
use private_redis::RedisClient;
use processes::{
    poll,
    programs::{Platform, Tool},
};

/// How long a Redis in a container may take to answer.
const REDIS_TIMEOUT: Duration = Duration::from_secs(10);

/// How often we look whether it does.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// Only the Redis of docker-compose.yml, reachable from this machine. When it is dropped it is
/// taken down, and its count with it.
pub struct Redis {
    /// Where it is.
    pub url: String,
    _project: Box<Project>,
}

impl Redis {
    /// Starts it, on a free port of this machine.
    ///
    /// # Errors
    ///
    /// When there is no engine or no Compose, or the Redis does not answer.
    pub fn start(root: &Path) -> Result<Self> {
        let compose = compose("--redis auto")?;
        let name = format!("seen-n-times-redis-{}", process::id());
        let project = Project::new(&compose, root, &name, Count::Forgotten, &[])?;
        let address = format!("127.0.0.1:{}", processes::free_port()?);
        terminal::progress(&format!("{compose} run redis"));
        let publish = format!("{address}:6379");
        project.run(&["run", "--detach", "--publish", &publish, "redis"])?;

        let url = format!("redis://{address}");
        let connect = || RedisClient::connect_url(&url, REDIS_TIMEOUT);
        // When it does not answer in the end, this says why.
        poll(REDIS_TIMEOUT, POLL_INTERVAL, || connect().ok())
            .map_or_else(connect, Ok)
            .context("the Redis in the container does not answer")?;
        Ok(Self {
            url,
            _project: Box::new(project),
        })
    }
}

/// The Compose to use, or one line that says what is missing and how to go on without it.
///
/// # Errors
///
/// When there is no engine or no Compose.
pub fn compose(instead: &str) -> Result<Compose> {
    if let Err(reason) = docker::engine_version() {
        bail!("no Docker Engine answers ({reason}); to go on without one: {instead}");
    }
    let Some(compose) = Compose::all().into_iter().next() else {
        let install = Tool::COMPOSE.install(Platform::here());
        bail!("Docker Compose is missing; {install} installs it; to go on without it: {instead}");
    };
    Ok(compose)
}
