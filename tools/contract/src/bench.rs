//! What a check needs: a service to look at, and a Redis to do things to.

use std::{
    process::{Command, ExitStatus},
    time::Duration,
};

use private_redis::{Durability, RedisClient, RedisServer};
use processes::{Output, Process};

use crate::{Checked, Finding, RedisSource, Subject, service::Service};

/// How long a service may take until it says where it listens.
const START_TIMEOUT: Duration = Duration::from_secs(15);

/// What one check works with.
pub(crate) struct Bench<'a> {
    pub(crate) subject: &'a Subject,
    pub(crate) redis: &'a RedisSource,
}

impl Bench<'_> {
    /// A service on a Redis. Neither is anybody else's, as far as that can be had.
    pub(crate) fn service(&self) -> Checked<(Service, Option<RedisServer>)> {
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
    pub(crate) fn redis(&self) -> Checked<RedisServer> {
        let mut redis = self.absent_redis()?;
        redis.start_again()?;
        Ok(redis)
    }

    /// The same, before it is started.
    pub(crate) fn absent_redis(&self) -> Checked<RedisServer> {
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
    pub(crate) fn start(&self, redis_url: &str, environment: &[(&str, &str)]) -> Checked<Service> {
        match self.launch(redis_url, environment)? {
            Launch::Serves(service) => Ok(service),
            Launch::Ended { status, output } => Err(Finding::broken(format!(
                "{} ended ({status}) instead of serving:\n{output}",
                self.subject.name()
            ))),
        }
    }

    /// Starts the step on that Redis and looks whether it serves or ends by itself.
    pub(crate) fn launch(&self, redis_url: &str, environment: &[(&str, &str)]) -> Checked<Launch> {
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
            Err(processes::Error::NoLine {
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
            Finding::broken(format!("{name} does not say where it listens: {line:?}"))
        })?;
        Ok(Launch::Serves(Service::started(process, addr)))
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

fn left_out<T>(why: &str) -> Checked<T> {
    Err(Finding::left_out(why.to_owned()))
}

/// Whether a visit costs Redis no command at all.
pub(crate) fn needs_no_redis(service: &Service, redis: &RedisServer) -> Checked<bool> {
    let mut client = redis.client()?;
    let before = commands(&mut client)?;
    service.visit()?;
    Ok(commands(&mut client)? == before)
}

/// Redis commands since the start, of all kinds but the ones that the suite itself sends.
pub(crate) fn commands(redis: &mut RedisClient) -> Checked<u64> {
    let info = redis.command(&["INFO", "commandstats"])?;
    Ok(load::redis_commands(info.as_text().unwrap_or_default()))
}
