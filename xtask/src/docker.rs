//! Containers instead of programs: `cargo xtask run --docker` and `cargo xtask build --docker`.

use std::{path::Path, process::ExitCode, thread, time::Duration};

use anyhow::{Context, Result};
use docker::{Count, Project};
use output::terminal::{self, BOLD, RESET};
use processes::{
    Output, Process, Signal,
    interrupt::{self, Interrupted},
};
use steps::{Step, compose};

use crate::block;

/// How long the containers may take until they are healthy.
const HEALTHY_TIMEOUT: Duration = Duration::from_secs(60);

/// How often we look whether there is something to do.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// Builds a step's image, starts it and its Redis, and takes both down at Ctrl-C. The count stays.
pub fn run(root: &Path, step: &Step, port: u16) -> Result<ExitCode> {
    let compose = compose(&format!("cargo xtask run {}", step.name))?;
    let interrupted = interrupt::catch()?;
    let port = match port {
        0 => processes::free_port()?,
        port => port,
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

    let description = step.description()?;
    let title = format!("{BOLD}{}{RESET}  {description}, in a container", step.name);
    let count = format!("on the volume {name}_count; it stays when you stop");
    let logs = format!("docker logs --follow {}", web_name(&project)?);
    let page = format!("http://localhost:{port}");
    block::print(&title, &page, &[("count", &count), ("logs", &logs)]);
    while !interrupted.yet() {
        thread::sleep(POLL_INTERVAL);
    }
    terminal::progress("taking the containers down");
    Ok(ExitCode::SUCCESS)
}

/// Builds the images of steps, once those are here that they are built on and run with.
pub fn build(root: &Path, steps: &[Step]) -> Result<ExitCode> {
    let compose = compose("cargo xtask build")?;
    let interrupted = interrupt::catch()?;
    let base = docker::ensure_base_images(root, terminal::progress);
    if interrupted.yet() {
        return Ok(interrupt::STATUS.into());
    }
    base?;
    for step in steps {
        let variables = [("STEP", step.name.as_str())];
        let name = "seen-n-times-build";
        let project = Project::new(&compose, root, name, Count::Kept, &variables)?;
        let built = docker::one_at_a_time(root, || show(&project, &["build"], &interrupted));
        if let Some(status) = built? {
            return Ok(status);
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The name of web's container. The two generations of Compose name it differently.
fn web_name(project: &Project) -> Result<String> {
    let web = project.containers("web")?;
    let web = web.first().context("the container of web is gone")?;
    let name = docker::inspect(web, "{{.Name}}")?;
    Ok(name.trim_start_matches('/').to_owned())
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
            // Not SIGINT: Python would show where it was.
            process.signal(Signal::Terminate)?;
            process.wait_timeout(HEALTHY_TIMEOUT)?;
            return Ok(Some(interrupt::STATUS.into()));
        }
        thread::sleep(POLL_INTERVAL);
    }
}
