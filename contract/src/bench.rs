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
    Stop, crowd,
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

    /// Starts the step on that Redis, with more in its environment. It must come up.
    pub(crate) fn start(
        &self,
        redis_url: &str,
        environment: &[(&str, &str)],
    ) -> Result<Service, Stop> {
        match self.launch(redis_url, environment)? {
            Launch::Serves(service) => Ok(service),
            Launch::Ended { status, output } => Err(Stop::Broken(format!(
                "{} ended ({status}) instead of serving:\n{output}",
                self.subject.name()
            ))),
        }
    }

    /// Starts the step on that Redis and looks whether it serves or ends by itself.
    pub(crate) fn launch(
        &self,
        redis_url: &str,
        environment: &[(&str, &str)],
    ) -> Result<Launch, Stop> {
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
        let line = match process.wait_for_line(START_TIMEOUT, |line| line.contains("http://")) {
            Err(lab::Error::NoLine {
                status: Some(status),
                output,
                ..
            }) => return Ok(Launch::Ended { status, output }),
            line => line?,
        };
        let addr = line
            .split("http://")
            .nth(1)
            .and_then(|rest| rest.split_whitespace().next()?.parse().ok());
        let addr = addr.ok_or_else(|| {
            Stop::Broken(format!("{name} does not say where it listens: {line:?}"))
        })?;
        Ok(Launch::Serves(Service {
            process: Some(process),
            addr,
        }))
    }
}

/// What a start leads to.
pub(crate) enum Launch {
    /// It says where it serves.
    Serves(Service),
    /// It ended by itself.
    Ended {
        /// How.
        status: ExitStatus,
        /// Its last words.
        output: String,
    },
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

    /// Visits the page. Only a number and an answer that admits a failure (5xx) are in order.
    pub(crate) fn try_visit(&self) -> Result<Visit, Stop> {
        let response = self.ask("GET", "/")?;
        Visit::of(response).map_err(|what| Stop::Broken(format!("{what}{}", self.log())))
    }

    /// Visits the page, which must work.
    pub(crate) fn visit(&self) -> Result<u64, Stop> {
        let number = self.try_visit()?.number();
        number.map_err(|what| Stop::Broken(format!("{what}{}", self.log())))
    }

    /// Visits until there is a number, for at most `patience`; or the last refusal.
    pub(crate) fn visit_within(&self, patience: Duration) -> Result<Visit, Stop> {
        let deadline = Instant::now() + patience;
        loop {
            let visit = self.try_visit()?;
            if matches!(visit, Visit::Number(_)) || Instant::now() >= deadline {
                return Ok(visit);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Visits by so many at once, who must all be served. Returns their numbers.
    pub(crate) fn visit_at_once(&self, visitors: usize) -> Result<Vec<u64>, Stop> {
        let answers = crowd::at_once(self.addr, visitors, "/").into_iter();
        let numbers = answers.map(|answer| Visit::of(answer?)?.number());
        let numbers: Result<Vec<u64>, String> = numbers.collect();
        numbers.map_err(|what| {
            let log = self.log();
            Stop::Broken(format!(
                "of {visitors} visitors at once, one saw: {what}{log}"
            ))
        })
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

/// What comes of a visit that is in order.
pub(crate) enum Visit {
    /// The page, with this number.
    Number(u64),
    /// An answer that admits a failure (5xx).
    Refused(Response),
}

impl Visit {
    /// What an answer means. The error says why it is not in order.
    pub(crate) fn of(response: Response) -> Result<Self, String> {
        match response.seen() {
            Some(number) => Ok(Self::Number(number)),
            None if (500..=599).contains(&response.status) => Ok(Self::Refused(response)),
            None => Err(format!(
                "GET / answered\n{response}\nexpected: the page with its number"
            )),
        }
    }

    /// The number, or why there is none.
    pub(crate) fn number(self) -> Result<u64, String> {
        match self {
            Self::Number(number) => Ok(number),
            Self::Refused(response) => Err(format!(
                "GET / answered\n{response}\nexpected: the page with its number"
            )),
        }
    }
}

/// Whether a visit costs Redis no command at all.
pub(crate) fn needs_no_redis(service: &Service, redis: &RedisServer) -> Result<bool, Stop> {
    let mut client = redis.client()?;
    let before = commands(&mut client)?;
    service.visit()?;
    Ok(commands(&mut client)? == before)
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
