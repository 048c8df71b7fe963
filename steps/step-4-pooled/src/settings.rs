//! What the service reads from its environment: every limit with its variable, default and reason.

use std::{env, fmt::Display, net::SocketAddr, ops::RangeInclusive, str::FromStr, time::Duration};

use redis::ConnectionInfo;
use tracing_subscriber::filter::Targets;

/// What a count, a time and a length may be. Beyond that a value is a slip, and may be more than the
/// parts that it is passed on to can take. hyper accepts no shorter head.
const COUNTS: RangeInclusive<usize> = 1..=1_000_000;
const MILLISECONDS: RangeInclusive<u64> = 0..=86_400_000;
const BUFFER_BYTES: RangeInclusive<usize> = 8192..=1_048_576;

/// Open files that are no clients and no connections of the pool: the probe, the listener, the log, and
/// what the runtime and a name look-up need.
const OTHER_FILES: usize = 64;

/// What the environment says, or the defaults where it is silent.
pub struct Settings {
    /// `RUST_LOG`: what is logged, `warn` and worse unless you say more.
    pub log: Targets,
    /// `ADDR`: where the service listens.
    pub addr: SocketAddr,
    /// `REDIS_URL`: where the count is kept.
    pub redis: ConnectionInfo,
    /// How much of everything there may be, and for how long.
    pub limits: Limits,
}

/// How much of everything there may be, and for how long.
#[derive(Clone, Copy)]
pub struct Limits {
    /// `POOL_SIZE`, 16: connections to Redis. Few are enough, because Redis runs one command at a time.
    pub pool_size: usize,
    /// `POOL_WAIT_MS`, 300 milliseconds: how long a visit waits for a connection to become free.
    pub pool_wait: Duration,
    /// `POOL_CREATE_MS`, 300 milliseconds: how long opening a connection may take.
    pub pool_create: Duration,
    /// `POOL_RECYCLE_MS`, 200 milliseconds: how long a used connection may take to prove that it lives.
    pub pool_recycle: Duration,
    /// `VISIT_TIMEOUT_MS`, 800 milliseconds: how long a visit may take in all. Below a second, so
    /// that a visitor soon hears of a frozen Redis.
    pub visit_timeout: Duration,
    /// `RETRY_PAUSE_MS`, 200 milliseconds: while Redis fails, how long it is before it is tried again.
    /// Visits that come in between are refused at once.
    pub retry_pause: Duration,
    /// `MAX_IN_FLIGHT`, 2048 visits: how many may be under way at once, over all connections.
    pub max_in_flight: usize,
    /// `MAX_CONNECTIONS`, 4096: how many clients may be connected. Beyond that the oldest connection
    /// gives way to a new one.
    pub max_connections: usize,
    /// `LISTEN_BACKLOG`, 1024: how many new connections may wait to be accepted. Whoever finds no room
    /// tries again a second later, and tokio by itself asks for 128. Linux grants no more than its
    /// `net.core.somaxconn`.
    pub listen_backlog: usize,
    /// `MAX_HEAD_BYTES`, 16384 bytes: how long the head of a request may be. As many connections with
    /// as long a head take 64 MiB.
    pub max_head_bytes: usize,
    /// `SOCKET_BUFFER_BYTES`, 8192 bytes: how much the system keeps for a connection in each direction.
    /// Linux doubles it, for what it has to note besides.
    pub socket_buffer_bytes: usize,
    /// `HEADER_TIMEOUT_MS`, 5000 milliseconds: how long a client may take to send the head of a
    /// request, counted from the connection's start or from the last answer. So it is also how long
    /// a connection may be idle.
    pub header_timeout: Duration,
    /// `ANSWER_TIMEOUT_MS`, 5000 milliseconds: how long a client may take to take an answer.
    pub answer_timeout: Duration,
    /// `LAME_DUCK_MS`, 100 milliseconds: how long after the signal to stop new connections are accepted,
    /// and how long a connection that is told to end waits for a request that is on its way. A balancer
    /// that asks `/readyz` needs as long as it is between two of its questions.
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
        Ok(Self {
            log: setting("RUST_LOG", "warn", "a filter such as info or hyper=debug")?,
            addr: setting(
                "ADDR",
                "127.0.0.1:8000",
                "an address such as 127.0.0.1:8000",
            )?,
            redis: redis_url("redis://127.0.0.1:6379")?,
            limits: Limits {
                pool_size: count("POOL_SIZE", 16)?,
                pool_wait: milliseconds("POOL_WAIT_MS", 300)?,
                pool_create: milliseconds("POOL_CREATE_MS", 300)?,
                pool_recycle: milliseconds("POOL_RECYCLE_MS", 200)?,
                visit_timeout: milliseconds("VISIT_TIMEOUT_MS", 800)?,
                retry_pause: milliseconds("RETRY_PAUSE_MS", 200)?,
                max_in_flight: count("MAX_IN_FLIGHT", 2048)?,
                max_connections: count("MAX_CONNECTIONS", 4096)?,
                listen_backlog: count("LISTEN_BACKLOG", 1024)?,
                max_head_bytes: number("MAX_HEAD_BYTES", 16_384, BUFFER_BYTES)?,
                socket_buffer_bytes: number("SOCKET_BUFFER_BYTES", 8192, BUFFER_BYTES)?,
                header_timeout: milliseconds("HEADER_TIMEOUT_MS", 5000)?,
                answer_timeout: milliseconds("ANSWER_TIMEOUT_MS", 5000)?,
                lame_duck: milliseconds("LAME_DUCK_MS", 100)?,
                drain_timeout: milliseconds("DRAIN_TIMEOUT_MS", 5000)?,
            },
        })
    }
}

impl Limits {
    /// Raises the number of files that this process may open to what the limits add up to: every
    /// connection is one. Where the system allows fewer, fewer connections are accepted, and the log
    /// says so.
    ///
    /// # Errors
    ///
    /// When the system allows too few for a single connection.
    pub fn fit_open_files(mut self) -> Result<Self, String> {
        let others = self.pool_size + OTHER_FILES;
        let wanted = self.max_connections + others;
        let allowed = rlimit::increase_nofile_limit(wanted as u64).unwrap_or(0);
        let allowed = usize::try_from(allowed).unwrap_or(usize::MAX);
        if allowed <= others {
            return Err(format!(
                "{allowed} open files are allowed (ulimit -Hn), but {others} are needed besides those \
                 of the clients"
            ));
        }
        if allowed < wanted {
            self.max_connections = allowed - others;
            let max = self.max_connections;
            tracing::warn!(
                "{allowed} open files allowed, {wanted} wanted: MAX_CONNECTIONS is {max}"
            );
        }
        Ok(self)
    }
}

fn count(name: &str, default: usize) -> Result<usize, String> {
    number(name, default, COUNTS)
}

fn milliseconds(name: &str, default: u64) -> Result<Duration, String> {
    number(name, default, MILLISECONDS).map(Duration::from_millis)
}

/// A setting that is a number in this range.
fn number<N>(name: &str, default: N, range: RangeInclusive<N>) -> Result<N, String>
where
    N: Copy + Display + FromStr + PartialOrd,
{
    let expected = format!("a whole number from {} to {}", range.start(), range.end());
    let number: N = setting(name, &default.to_string(), &expected)?;
    if !range.contains(&number) {
        return Err(wrong(name, &number.to_string(), &expected));
    }
    Ok(number)
}

/// `REDIS_URL`. It may hold a password, so its value is in no error.
fn redis_url(default: &str) -> Result<ConnectionInfo, String> {
    value("REDIS_URL", default).parse().map_err(|_| {
        format!(
            "REDIS_URL must be a URL such as {default}; its value is not shown, as it may hold a \
             password; rediss:// needs TLS, which this build lacks"
        )
    })
}

/// The value of an environment variable, or `default`; one that does not parse stops the start.
fn setting<T: FromStr>(name: &str, default: &str, expected: &str) -> Result<T, String> {
    let value = value(name, default);
    value.parse().map_err(|_| wrong(name, &value, expected))
}

fn value(name: &str, default: &str) -> String {
    env::var_os(name).map_or(default.into(), |v| v.to_string_lossy().into_owned())
}

fn wrong(name: &str, value: &str, expected: &str) -> String {
    format!("{name} is {value:?}, but must be {expected}")
}
