//! Where a check happens: an engine, the base images, a project of its own.

use std::{
    env,
    path::Path,
    process::{self, Command},
    sync::{LazyLock, Mutex, PoisonError},
    time::Duration,
};

use docker::{Compose, Count, Project};

use crate::base_images;

/// How long a container may take to turn healthy. It asks every two seconds.
const HEALTHY_TIMEOUT: Duration = Duration::from_secs(60);

/// The name of the images that the checks build. Yours are called otherwise and stay as they are.
pub const IMAGE: &str = "seen-n-times-test";

/// The checks take turns: each wants the machine for itself.
static TURN: Mutex<()> = Mutex::new(());

/// The Composes to check with, or why there is nothing to check with.
static COMPOSES: LazyLock<Result<Vec<Compose>, String>> = LazyLock::new(prepare);

/// The repository.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .unwrap()
}

/// Runs a check once with each Compose, or says why not.
pub fn with_each_compose(check: impl Fn(&Compose)) {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    match &*COMPOSES {
        Ok(composes) => composes.iter().for_each(check),
        Err(reason) => assert!(
            !is_strict(),
            "SEEN_STRICT=1 allows nothing to be skipped: {reason}"
        ),
    }
}

/// Says that something was not checked, or fails if that is not allowed.
pub fn skip(reason: &str) {
    assert!(
        !is_strict(),
        "SEEN_STRICT=1 allows nothing to be skipped: {reason}"
    );
    println!("skipped: {reason}");
}

fn is_strict() -> bool {
    env::var_os("SEEN_STRICT").is_some_and(|value| value == "1")
}

fn prepare() -> Result<Vec<Compose>, String> {
    let prepared = try_to_prepare();
    // Once for all checks, and not again for each.
    if let Err(reason) = &prepared
        && !is_strict()
    {
        println!("skipped: {reason}");
    }
    prepared
}

fn try_to_prepare() -> Result<Vec<Compose>, String> {
    let engine = docker::engine_version().map_err(|error| format!("no Docker Engine: {error}"))?;
    let composes = Compose::all();
    if composes.is_empty() {
        return Err("no Docker Compose, neither `docker compose` nor `docker-compose`".into());
    }
    println!("Docker Engine {engine}");
    composes.iter().for_each(|compose| println!("{compose}"));
    base_images::ensure(root())?;
    Ok(composes)
}

/// A project that is built and may be started, with a port for its page.
pub struct Stage {
    /// The project. It is taken down when this is dropped.
    pub project: Project,
    /// The ports of this machine, on 127.0.0.1, at which web can be reached.
    pub ports: Vec<u16>,
}

impl Stage {
    /// A project for a step; with none, for the one that you get when you name none.
    pub fn new(compose: &Compose, step: Option<&str>) -> Self {
        Self::with_ports(compose, step, 1)
    }

    /// The same with several ports in a row, for several copies of web.
    pub fn with_ports(compose: &Compose, step: Option<&str>, count: u16) -> Self {
        // Ports of this machine only: a test invites no visitors from the network.
        let first = free_ports(count);
        let ports: Vec<u16> = (first..first + count).collect();
        let app_port = match count {
            1 => format!("127.0.0.1:{first}"),
            _ => format!("127.0.0.1:{first}-{}", first + count - 1),
        };
        let mut variables = vec![("IMAGE", IMAGE), ("APP_PORT", &app_port)];
        variables.extend(step.map(|step| ("STEP", step)));
        let name = format!("seen-test-{}-{first}", process::id());
        let project = Project::new(compose, root(), &name, Count::Forgotten, &variables).unwrap();
        Self { project, ports }
    }

    /// Builds, starts, and waits until all is healthy.
    pub fn up(&self) -> &Self {
        self.compose(&["up", "--detach", "--build"]);
        self.wait_until_healthy()
    }

    /// Waits until all is healthy.
    pub fn wait_until_healthy(&self) -> &Self {
        for service in ["redis", "web"] {
            let healthy = self.project.wait_until_healthy(service, HEALTHY_TIMEOUT);
            healthy.unwrap_or_else(|error| panic!("{error}"));
        }
        self
    }

    /// Runs a Compose command, which must not fail.
    pub fn compose(&self, arguments: &[&str]) -> String {
        self.project
            .run(arguments)
            .unwrap_or_else(|error| panic!("{error}"))
    }

    /// The one container of a service.
    pub fn container(&self, service: &str) -> String {
        let containers = self.project.containers(service).unwrap();
        assert_eq!(
            containers.len(),
            1,
            "{service} has these containers: {containers:?}"
        );
        containers[0].clone()
    }

    /// What Docker knows of the container of a service.
    pub fn inspect(&self, service: &str, template: &str) -> String {
        docker::inspect(&self.container(service), template)
            .unwrap_or_else(|error| panic!("{error}"))
    }
}

/// Runs a Docker command, which must not fail.
pub fn docker(arguments: &[&str]) -> String {
    let mut command = Command::new("docker");
    command.args(arguments);
    docker::run(command).unwrap_or_else(|error| panic!("{error}"))
}

/// The first of `count` ports in a row that are free.
fn free_ports(count: u16) -> u16 {
    loop {
        let ports: Vec<u16> = (0..count)
            .map(|_| processes::free_port().unwrap())
            .collect();
        if ports.windows(2).all(|pair| pair[1] == pair[0] + 1) {
            return ports[0];
        }
    }
}
