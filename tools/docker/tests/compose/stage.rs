//! Where a check happens: an engine, the base images, a project of its own.

use std::{
    array,
    collections::HashSet,
    env, io,
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    process::{self, Command},
    sync::{
        LazyLock, Mutex, PoisonError, RwLock,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use docker::{Compose, Count, Project};
use load::{Connection, Response};

/// How long a container may take to turn healthy. It asks every two seconds.
const HEALTHY_TIMEOUT: Duration = Duration::from_secs(300);

/// How long a page may take.
const PAGE_TIMEOUT: Duration = Duration::from_secs(5);

/// The name of the images that the checks build. Yours are called otherwise and stay as they are.
const IMAGE: &str = "seen-n-times-test";

/// Checks of two containers mostly wait, and share the machine; one of ten has it for itself.
static MACHINE: RwLock<()> = RwLock::new(());

/// The Composes to check with, or why there is nothing to check with.
static COMPOSES: LazyLock<Result<Vec<Compose>, String>> = LazyLock::new(prepare);

/// The images that were built, each by the first check that needs it. One after the other: two builds that
/// reach the same step at once both do it, and a third one finds only one of the two in the cache, which
/// may be the one whose next step is that of another image.
static BUILT: LazyLock<Mutex<HashSet<String>>> = LazyLock::new(Mutex::default);

/// The repository.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .unwrap()
}

/// Runs a check once with each Compose, or says why not.
pub fn with_each_compose(check: impl Fn(&Compose)) {
    let _machine = MACHINE.read().unwrap_or_else(PoisonError::into_inner);
    check_each(check);
}

/// The same for a check that takes the whole machine: no other runs beside it.
pub fn alone_with_each_compose(check: impl Fn(&Compose)) {
    let _machine = MACHINE.write().unwrap_or_else(PoisonError::into_inner);
    check_each(check);
}

fn check_each(check: impl Fn(&Compose)) {
    match &*COMPOSES {
        Ok(composes) => composes.iter().for_each(check),
        Err(reason) => assert!(
            !is_strict(),
            "SEEN_STRICT=1 allows nothing to be skipped: {reason}"
        ),
    }
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
    docker::ensure_base_images(root(), |line| println!("{line}"))
        .map_err(|error| format!("{error:#}"))?;
    Ok(composes)
}

/// A project that may be built and started, with a port for its page.
pub struct Stage {
    /// The project. It is taken down when this is dropped.
    pub project: Project,
    /// The addresses of this machine at which web can be reached, one for each copy of it. In the profile
    /// `scale`, that of the proxy and that of its statistics.
    pub pages: Vec<SocketAddr>,
    /// The image of web.
    pub image: String,
    /// The services that stay, in the order in which they get healthy.
    services: &'static [&'static str],
}

/// The services that stay in the profile `scale`, in the order in which they get healthy.
pub const SCALED: [&str; 10] = [
    "redis-1", "redis-2", "redis-3", "redis-4", "redis-5", "redis-6", "web-1", "web-2", "web-3",
    "proxy",
];

impl Stage {
    /// A project for a step; with none, for the one that you get when you name none.
    pub fn new(compose: &Compose, step: Option<&str>) -> Self {
        Self::with_copies(compose, step, 1)
    }

    /// The same with an address for each of several copies of web.
    pub fn with_copies(compose: &Compose, step: Option<&str>, copies: u16) -> Self {
        // Ports of this machine only: a test invites no clients from the network.
        let first = free_ports(copies);
        let ports = first..first + copies;
        let app_port = match copies {
            1 => format!("127.0.0.1:{first}"),
            _ => format!("127.0.0.1:{first}-{}", ports.end - 1),
        };
        // Each generation of Compose builds in its own way, and runs what it has built.
        let image = image_of(compose);
        let net = free_net();
        let mut variables = vec![("APP_PORT", app_port.as_str()), ("CLUSTER_NET", &net)];
        variables.extend(step.map(|step| ("STEP", step)));
        Self {
            project: project(compose, &image, first, &variables),
            pages: ports.map(local).collect(),
            image: format!("{image}:{}", step.unwrap_or("latest")),
            services: &["redis", "web"],
        }
    }

    /// A project for the last step in the profile `scale`.
    pub fn scaled(compose: &Compose) -> Self {
        let ports: [u16; 2] = array::from_fn(|_| processes::free_port().unwrap());
        let image = image_of(compose);
        let net = free_net();
        let page = format!("127.0.0.1:{}", ports[0]);
        let statistics = ports[1].to_string();
        let variables = [
            ("COMPOSE_PROFILES", "scale"),
            ("APP_PORT", &page),
            ("STATS_PORT", &statistics),
            ("CLUSTER_NET", &net),
        ];
        Self {
            project: project(compose, &image, ports[0], &variables),
            pages: ports.map(local).to_vec(),
            image: format!("{image}:latest"),
            services: &SCALED,
        }
    }

    /// Builds the image, unless another check has done so.
    pub fn build(&self) -> &Self {
        let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
        if !built.contains(&self.image) {
            let output = docker::one_at_a_time(root(), || self.project.run(&["build"]));
            output.unwrap_or_else(|error| panic!("{error:#}"));
            built.insert(self.image.clone());
        }
        self
    }

    /// Builds, starts, and waits until all is healthy.
    pub fn up(&self) -> &Self {
        self.build();
        self.compose(&["up", "--detach"]);
        self.wait_until_healthy()
    }

    /// Waits until all is healthy.
    pub fn wait_until_healthy(&self) -> &Self {
        for service in self.services {
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

    /// Opens the page and returns the number on it.
    pub fn visit(&self) -> u64 {
        visit(self.pages[0])
    }
}

/// A project that is gone with its count when it is dropped.
fn project(compose: &Compose, image: &str, port: u16, variables: &[(&str, &str)]) -> Project {
    let name = format!("seen-test-{}-{port}", process::id());
    let variables = [&[("IMAGE", image)], variables].concat();
    Project::new(compose, root(), &name, Count::Forgotten, &variables).unwrap()
}

/// A network that no other check has, and not yours, should the profile be running. An older Compose makes
/// that of the profile `scale` for the plain services, too.
fn free_net() -> String {
    static NETS: AtomicU32 = AtomicU32::new(0);
    let net = process::id() + NETS.fetch_add(1, Ordering::Relaxed);
    format!("198.19.{}", net % 256)
}

/// A port of this machine.
fn local(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

/// The name of the images that a Compose builds.
fn image_of(compose: &Compose) -> String {
    let name = |character: char| {
        if character.is_ascii_alphanumeric() {
            character
        } else {
            '-'
        }
    };
    let compose: String = compose.to_string().chars().map(name).collect();
    format!("{IMAGE}-{compose}")
}

/// Opens the page at an address and returns the number on it.
pub fn visit(page: SocketAddr) -> u64 {
    let response = request(page).and_then(|mut connection| answer(&mut connection));
    let response = response.unwrap_or_else(|error| panic!("no answer from {page}: {error}"));
    let number = response.seen();
    number.unwrap_or_else(|| panic!("there is no number in this answer:\n{response}"))
}

/// Asks for the page on a connection of its own, and does not wait for the answer.
pub fn request(page: SocketAddr) -> io::Result<Connection> {
    let mut connection = Connection::open(page)?;
    connection.send("GET", "/")?;
    Ok(connection)
}

/// Waits for the whole answer.
pub fn answer(connection: &mut Connection) -> io::Result<Response> {
    connection.receive("GET", PAGE_TIMEOUT)
}

/// What Docker knows of a container or an image, which must be there.
pub fn inspect(thing: &str, template: &str) -> String {
    docker::inspect(thing, template).unwrap_or_else(|error| panic!("{error}"))
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
