//! Containers instead of programs: `cargo xtask run --docker` and `--redis docker`.

use std::{
    path::Path,
    process::{self, ExitCode},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use docker::{Compose, Count, Project};
use private_redis::RedisClient;
use processes::{Output, Process, Signal};

use crate::{
    interrupt::{self, Interrupted},
    step::Step,
    terminal::{self, BOLD, DIM, RESET},
    tools::{Platform, Tool},
};

/// How long the containers may take until they are healthy.
const HEALTHY_TIMEOUT: Duration = Duration::from_secs(60);

/// How long a Redis in a container may take to answer.
const REDIS_TIMEOUT: Duration = Duration::from_secs(10);

/// How often we look whether there is something to do.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// Builds a step's image, starts it and its Redis, and takes both down at Ctrl-C. The count stays.
pub fn run(root: &Path, step: &Step, port: u16) -> Result<ExitCode> {
    let compose = compose(&format!("cargo xtask run {}", step.name))?;
    let interrupted = interrupt::catch()?;
    let port = if port == 0 {
        processes::free_port()?
    } else {
        port
    };
    // A name for each port: two of them side by side do not get into each other's way.
    let name = format!("seen-n-times-{port}");
    let published = format!("127.0.0.1:{port}");
    let variables = [("STEP", step.name.as_str()), ("APP_PORT", &published)];
    let project = Project::new(&compose, root, &name, Count::Kept, &variables)?;
    for arguments in [&["build"][..], &["up", "--detach"]] {
        if let Some(status) = show(&project, arguments, &interrupted)? {
            return Ok(status);
        }
    }
    for service in ["redis", "web"] {
        project.wait_until_healthy(service, HEALTHY_TIMEOUT)?;
    }

    anstream::println!();
    anstream::println!(
        "  {BOLD}{}{RESET}  {}, in a container",
        step.name,
        step.description()?
    );
    anstream::println!("  {DIM}page{RESET}   {BOLD}http://localhost:{port}{RESET}");
    anstream::println!("  {DIM}count{RESET}  on the volume {name}_count; it stays when you stop");
    anstream::println!(
        "  {DIM}logs{RESET}   docker logs --follow {}",
        web_name(&project)?
    );
    anstream::println!("  {DIM}stop{RESET}   Ctrl-C");
    anstream::println!();
    while !interrupted.yet() {
        thread::sleep(POLL_INTERVAL);
    }
    terminal::progress("taking the containers down");
    Ok(ExitCode::SUCCESS)
}

/// The name of web's container. The two generations of Compose name it differently.
fn web_name(project: &Project) -> Result<String> {
    let web = project.containers("web")?;
    let web = web.first().context("the container of web is gone")?;
    let name = docker::inspect(web, "{{.Name}}")?;
    Ok(name.trim_start_matches('/').to_owned())
}

/// Only the Redis of docker-compose.yml, reachable from this machine. When it is dropped it is
/// taken down, and its count with it.
pub struct Redis {
    /// Where it is.
    pub url: String,
    _project: Project,
}

impl Redis {
    /// Starts it, on a free port of this machine.
    pub fn start() -> Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
        let root = root.context("xtask lies in the workspace")?;
        let compose = compose("--redis auto")?;
        let name = format!("seen-n-times-redis-{}", process::id());
        let project = Project::new(&compose, root, &name, Count::Forgotten, &[])?;
        let address = format!("127.0.0.1:{}", processes::free_port()?);
        terminal::progress(&format!("{compose} run redis"));
        project.run(&[
            "run",
            "--detach",
            "--publish",
            &format!("{address}:6379"),
            "redis",
        ])?;

        let url = format!("redis://{address}");
        let deadline = Instant::now() + REDIS_TIMEOUT;
        while let Err(error) = RedisClient::connect_url(&url, REDIS_TIMEOUT) {
            if Instant::now() >= deadline {
                bail!("the Redis in the container does not answer: {error}");
            }
            thread::sleep(POLL_INTERVAL);
        }
        Ok(Self {
            url,
            _project: project,
        })
    }
}

/// The Compose to use, or one line that says what is missing and how to go on without it.
fn compose(instead: &str) -> Result<Compose> {
    if let Err(reason) = docker::engine_version() {
        bail!("no Docker Engine answers ({reason}); to go on without one: {instead}");
    }
    let Some(compose) = Compose::all().into_iter().next() else {
        let install = Tool::Compose.install(Platform::here());
        bail!("there is no Docker Compose; {install}, or to go on without: {instead}");
    };
    Ok(compose)
}

/// Runs a Compose command and shows what it prints. When it fails, or at Ctrl-C, all has been said:
/// then there is an exit status to end with.
fn show(
    project: &Project,
    arguments: &[&str],
    interrupted: &Interrupted,
) -> Result<Option<ExitCode>> {
    terminal::progress(&format!("docker-compose {}", arguments.join(" ")));
    let command = project.command(arguments);
    let mut process = Process::spawn("docker-compose", command, Output::Inherit)?;
    loop {
        if let Some(status) = process.try_wait()? {
            return Ok((!status.success()).then_some(ExitCode::FAILURE));
        }
        if interrupted.yet() {
            process.signal(Signal::Interrupt)?;
            process.wait_timeout(HEALTHY_TIMEOUT)?;
            return Ok(Some(interrupt::STATUS.into()));
        }
        thread::sleep(POLL_INTERVAL);
    }
}
