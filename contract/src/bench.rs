//! What a check needs: a service to look at, and a Redis to do things to.

use std::{
    ffi::OsString,
    fmt,
    net::{SocketAddr, ToSocketAddrs},
    path::PathBuf,
    process::{Command, ExitStatus},
    time::{Duration, Instant},
};

use lab::{
    process::{Output, Process, Signal},
    redis::{Durability, RedisClient, RedisProgram, RedisServer},
};

use crate::{
    Stop,
    http::{Connection, Response},
};

/// How long a service may take until it says where it listens.
const START_TIMEOUT: Duration = Duration::from_secs(15);

/// How long a service may take to end when it is asked to, before it is killed.
const STOP_TIMEOUT: Duration = Duration::from_secs(10);

/// How many lines of a service's log stand in an error.
const LOG_LINES: usize = 12;

/// What is checked.
pub enum Subject {
    /// A step, started by the suite.
    Step {
        /// Such as `step-2-redis`.
        name: String,
        /// Such as 2.
        number: u32,
        /// The program to start.
        program: PathBuf,
        /// Its arguments.
        arguments: Vec<OsString>,
    },
    /// A server that runs already, in whichever language.
    Url {
        /// As it was typed.
        url: String,
        /// Where that leads.
        addr: SocketAddr,
    },
}

impl Subject {
    /// A server that runs already.
    ///
    /// # Errors
    ///
    /// When the URL is not of the form `http://host[:port]`, or the host is not known.
    pub fn url(url: &str) -> Result<Self, String> {
        let expected = "expected a URL such as http://localhost:8000";
        let rest = url
            .strip_prefix("http://")
            .ok_or_else(|| format!("{url:?} is no http:// URL; {expected}"))?;
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        if host.is_empty() || !path.is_empty() {
            return Err(format!(
                "{url:?} names no server, or more than a server; {expected}"
            ));
        }
        let with_port = if host.rsplit(']').next().is_some_and(|end| end.contains(':')) {
            host.to_owned()
        } else {
            format!("{host}:80")
        };
        let mut addrs: Vec<SocketAddr> = with_port
            .to_socket_addrs()
            .map_err(|error| format!("{url:?} leads nowhere: {error}; {expected}"))?
            .collect();
        // `localhost` is often ::1 first, where most development servers do not listen.
        addrs.sort_by_key(SocketAddr::is_ipv6);
        let addr = *addrs
            .first()
            .ok_or_else(|| format!("{url:?} leads nowhere; {expected}"))?;
        Ok(Self::Url {
            url: url.to_owned(),
            addr,
        })
    }

    /// What it is called.
    pub fn name(&self) -> &str {
        match self {
            Self::Step { name, .. } => name,
            Self::Url { url, .. } => url,
        }
    }
}

/// Where the checks get a Redis from.
pub enum RedisSource {
    /// They start one of their own, each.
    Program(RedisProgram),
    /// One that runs already. It cannot be stopped, and may not be empty.
    Url(String),
}

impl fmt::Display for RedisSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Program(program) => {
                write!(f, "{program} {}", program.version().unwrap_or_default())
            }
            Self::Url(_) => f.write_str("a Redis that runs already"),
        }
    }
}

/// What one check works with.
pub(crate) struct Bench<'a> {
    pub(crate) subject: &'a Subject,
    pub(crate) redis: &'a RedisSource,
}

impl Bench<'_> {
    /// A service on a Redis. Neither is anybody else's, as far as that can be had.
    pub(crate) fn service(&self) -> Result<(Service, Option<RedisServer>), Stop> {
        match (self.subject, self.redis) {
            (Subject::Url { addr, .. }, _) => Ok((Service::running(*addr), None)),
            (Subject::Step { .. }, RedisSource::Url(url)) => Ok((self.start(url, &[])?, None)),
            (Subject::Step { .. }, RedisSource::Program(_)) => {
                let redis = self.redis()?;
                Ok((self.start(&redis.url(), &[])?, Some(redis)))
            }
        }
    }

    /// A Redis that can be stopped, killed and frozen, and is empty.
    pub(crate) fn redis(&self) -> Result<RedisServer, Stop> {
        let mut redis = self.absent_redis()?;
        redis.start_again()?;
        Ok(redis)
    }

    /// The same, before it is started.
    pub(crate) fn absent_redis(&self) -> Result<RedisServer, Stop> {
        match (self.subject, self.redis) {
            (Subject::Url { .. }, _) => {
                left_out("the suite did not start this server, and cannot do things to its Redis")
            }
            (_, RedisSource::Url(_)) => {
                left_out("this Redis is not the suite's, which so cannot stop it")
            }
            (_, RedisSource::Program(program)) => {
                Ok(RedisServer::reserve(program, Durability::AppendOnly)?)
            }
        }
    }

    /// Starts the step on that Redis, with more in its environment.
    pub(crate) fn start(
        &self,
        redis_url: &str,
        environment: &[(&str, &str)],
    ) -> Result<Service, Stop> {
        let Subject::Step {
            name,
            program,
            arguments,
            ..
        } = self.subject
        else {
            return left_out("the suite did not start this server, and cannot start another");
        };
        let mut command = Command::new(program);
        command
            .args(arguments)
            .env("ADDR", "127.0.0.1:0")
            .env("REDIS_URL", redis_url)
            .env_remove("RUST_LOG");
        command.envs(environment.iter().copied());
        let mut process = Process::spawn(name, command, Output::Capture)?;
        let line = process.wait_for_line(START_TIMEOUT, |line| line.contains("http://"))?;
        let addr = line
            .split("http://")
            .nth(1)
            .and_then(|rest| rest.split_whitespace().next()?.parse().ok());
        let addr = addr.ok_or_else(|| {
            Stop::Broken(format!("{name} does not say where it listens: {line:?}"))
        })?;
        Ok(Service {
            process: Some(process),
            addr,
        })
    }
}

fn left_out<T>(why: &str) -> Result<T, Stop> {
    Err(Stop::LeftOut(why.to_owned()))
}

/// A service that runs. It ends with this.
pub(crate) struct Service {
    process: Option<Process>,
    pub(crate) addr: SocketAddr,
}

impl Service {
    fn running(addr: SocketAddr) -> Self {
        Self {
            process: None,
            addr,
        }
    }

    /// A new connection.
    pub(crate) fn connect(&self) -> Result<Connection, Stop> {
        Connection::open(self.addr).map_err(|error| self.broken("cannot connect", &error))
    }

    /// Asks on a new connection.
    pub(crate) fn ask(&self, method: &str, path: &str) -> Result<Response, Stop> {
        let answer = self.connect()?.ask(method, path);
        answer.map_err(|error| self.broken(&format!("{method} {path}"), &error))
    }

    /// Visits the page, which must work.
    pub(crate) fn visit(&self) -> Result<u64, Stop> {
        let response = self.ask("GET", "/")?;
        response.seen().ok_or_else(|| {
            Stop::Broken(format!(
                "GET / answered\n{response}\nexpected: the page with its number{}",
                self.log()
            ))
        })
    }

    /// Visits until the page comes, for at most `patience`. The error is the last answer.
    pub(crate) fn visit_within(&self, patience: Duration) -> Result<u64, String> {
        let deadline = Instant::now() + patience;
        loop {
            let last = match Connection::open(self.addr)
                .and_then(|mut connection| connection.ask("GET", "/"))
            {
                Ok(response) => match response.seen() {
                    Some(number) => return Ok(number),
                    None => format!("GET / answered\n{response}"),
                },
                Err(error) => format!("GET /: {error}"),
            };
            if Instant::now() >= deadline {
                return Err(last);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Sends a signal to the process.
    pub(crate) fn signal(&self, signal: Signal) -> Result<(), Stop> {
        match &self.process {
            Some(process) => Ok(process.signal(signal)?),
            None => left_out("the suite did not start this server, and cannot stop it"),
        }
    }

    /// How the process ended, or `None` if it still runs after `timeout`.
    pub(crate) fn ended_within(&mut self, timeout: Duration) -> Result<Option<ExitStatus>, Stop> {
        match &mut self.process {
            Some(process) => Ok(process.wait_timeout(timeout)?),
            None => left_out("the suite did not start this server, and cannot stop it"),
        }
    }

    /// Stops the process, politely at first.
    pub(crate) fn stop(mut self) -> Result<(), Stop> {
        match &mut self.process {
            Some(process) => Ok(process.stop(STOP_TIMEOUT).map(drop)?),
            None => left_out("the suite did not start this server, and cannot stop it"),
        }
    }

    /// The end of the log, to be put behind a message.
    pub(crate) fn log(&self) -> String {
        let tail = self
            .process
            .as_ref()
            .map(|process| process.output_tail(LOG_LINES))
            .unwrap_or_default();
        if tail.is_empty() {
            String::new()
        } else {
            format!("\nits log ends:\n{tail}")
        }
    }

    fn broken(&self, what: &str, error: &std::io::Error) -> Stop {
        Stop::Broken(format!("{what}: {error}{}", self.log()))
    }
}

/// Redis commands since the start, of all kinds but the ones that the suite itself sends.
pub(crate) fn commands(redis: &mut RedisClient) -> Result<u64, Stop> {
    let info = redis.command(&["INFO", "commandstats"])?;
    let text = info.as_text().unwrap_or_default();
    let calls = text
        .lines()
        .filter(|line| !line.starts_with("cmdstat_info"))
        .filter_map(|line| {
            let rest = line.strip_prefix("cmdstat_")?.split_once("calls=")?.1;
            rest.split(',').next()?.parse::<u64>().ok()
        });
    Ok(calls.sum())
}
