//! What the service reads from its environment: every limit with its variable, default and reason.

use std::{env, net::SocketAddr, num::NonZeroUsize, str::FromStr, thread, time::Duration};

use redis::{ConnectionInfo, RedisError};
use tracing_subscriber::filter::Targets;

/// What the environment says, or the defaults where it is silent.
pub struct Settings {
    /// `RUST_LOG`: what is logged, `warn` and worse unless you say more.
    pub log: Targets,
    /// `ADDR`: where the service listens.
    pub addr: SocketAddr,
    /// `REDIS_URL`: where the count is kept. One Redis, or some nodes of a cluster.
    pub redis: Nodes,
    /// How much of everything there may be, and for how long.
    pub limits: Limits,
}

/// One Redis, or the nodes of a cluster that are asked for the way to the others.
#[derive(Clone)]
pub struct Nodes(pub Vec<ConnectionInfo>);

impl FromStr for Nodes {
    type Err = RedisError;

    fn from_str(urls: &str) -> Result<Self, RedisError> {
        let nodes = urls.split(',').map(|url| url.trim().parse());
        nodes.collect::<Result<_, _>>().map(Self)
    }
}

/// How much of everything there may be, and for how long.
#[derive(Clone, Copy)]
pub struct Limits {
    /// `CORES`, as many as the machine has: how many threads share the visitors.
    pub cores: usize,
    /// `REPLICAS`, 0: how many replicas must have a count before its numbers are handed out. With 0,
    /// a failover may forget the last counts and hand out their numbers again. With 1 it may not, if
    /// there is one replica; but while that one is away, nobody is counted.
    pub replicas: usize,
    /// `POOL_SIZE`, 16: connections of one core to one Redis. Few are enough, because Redis runs one
    /// command at a time.
    pub pool_size: usize,
    /// `POOL_WAIT_MS`, 300 milliseconds: how long a visit waits for a connection to become free.
    pub pool_wait: Duration,
    /// `POOL_CREATE_MS`, 300 milliseconds: how long opening a connection may take.
    pub pool_create: Duration,
    /// `POOL_RECYCLE_MS`, 200 milliseconds: how long a used connection may take to prove that it lives.
    pub pool_recycle: Duration,
    /// `TRUSTED_FOR_MS`, 1000 milliseconds: how long after its last reply a connection is used
    /// without a proof that it lives.
    pub trusted_for: Duration,
    /// `VISIT_TIMEOUT_MS`, 800 milliseconds: how long a visit may take in all. Below a second, so
    /// that a visitor hears of a frozen Redis before losing patience.
    pub visit_timeout: Duration,
    /// `MAX_IN_FLIGHT`, 2048 visits: how many may be under way at once, over all connections.
    pub max_in_flight: usize,
    /// `MAX_CONNECTIONS`, 4096: how many visitors may be connected. Others wait in the kernel's queue.
    pub max_connections: usize,
    /// `ACCEPT_QUEUE`, 1024: how many visitors may wait there. Whoever finds no room knocks again a second
    /// later, and tokio by itself asks for 128. Linux grants no more than its `net.core.somaxconn`.
    pub accept_queue: usize,
    /// `HEADER_TIMEOUT_MS`, 5000 milliseconds: how long a client may take to send the head of a
    /// request, counted from the connection's start or from the last answer. So it is also how long
    /// a connection may be idle.
    pub header_timeout: Duration,
    /// `LAME_DUCK_MS`, 100 milliseconds: how long after the signal to stop visitors are still let in.
    /// Long enough for the requests that are on their way, short enough for whoever waits for the stop.
    pub lame_duck: Duration,
    /// `DRAIN_TIMEOUT_MS`, 5000 milliseconds: how long a stop waits for the visits under way. Half of
    /// the 10 seconds after which `docker stop` kills.
    pub drain_timeout: Duration,
}

impl Settings {
    /// Reads the environment.
    ///
    /// # Errors
    ///
    /// When a value does not parse: one line with the variable, the value and what it must be.
    pub fn from_env() -> Result<Self, String> {
        let local = "redis://127.0.0.1:6379";
        let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
        Ok(Self {
            log: setting("RUST_LOG", "warn", "a filter such as info or hyper=debug")?,
            addr: setting(
                "ADDR",
                "127.0.0.1:8000",
                "an address such as 127.0.0.1:8000",
            )?,
            redis: setting(
                "REDIS_URL",
                local,
                &format!("a URL such as {local}, or several with commas between them"),
            )?,
            limits: Limits {
                cores: count("CORES", cores)?,
                replicas: setting("REPLICAS", "0", "a whole number")?,
                pool_size: count("POOL_SIZE", 16)?,
                pool_wait: milliseconds("POOL_WAIT_MS", 300)?,
                pool_create: milliseconds("POOL_CREATE_MS", 300)?,
                pool_recycle: milliseconds("POOL_RECYCLE_MS", 200)?,
                trusted_for: milliseconds("TRUSTED_FOR_MS", 1000)?,
                visit_timeout: milliseconds("VISIT_TIMEOUT_MS", 800)?,
                max_in_flight: count("MAX_IN_FLIGHT", 2048)?,
                max_connections: count("MAX_CONNECTIONS", 4096)?,
                accept_queue: count("ACCEPT_QUEUE", 1024)?,
                header_timeout: milliseconds("HEADER_TIMEOUT_MS", 5000)?,
                lame_duck: milliseconds("LAME_DUCK_MS", 100)?,
                drain_timeout: milliseconds("DRAIN_TIMEOUT_MS", 5000)?,
            },
        })
    }
}

fn count(name: &str, default: usize) -> Result<usize, String> {
    setting(name, &default.to_string(), "a whole number from 1").map(NonZeroUsize::get)
}

fn milliseconds(name: &str, default: u64) -> Result<Duration, String> {
    setting(name, &default.to_string(), "a number of milliseconds").map(Duration::from_millis)
}

/// The value of an environment variable, or `default`; one that does not parse stops the start.
fn setting<T: FromStr>(name: &str, default: &str, expected: &str) -> Result<T, String> {
    let value = env::var_os(name).map_or(default.into(), |v| v.to_string_lossy().into_owned());
    let parsed = value.parse();
    parsed.map_err(|_| format!("{name} is {value:?}, but must be {expected}"))
}
