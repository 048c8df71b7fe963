//! What a check needs: a service to check, and a Redis to do things to.

use std::{
    process::{Command, ExitStatus},
    time::Duration,
};

use private_redis::{Durability, RedisClient, RedisServer};
use processes::{Output, Process};
use steps::{Program, Source};

use crate::{
    finding::{Checked, broken, lacks, left_out},
    service::Service,
    subject::Subject,
};

/// How many of the last lines of a service that ended are looked at.
const LINES_MAX: usize = 20;

/// How long a service may take until it says where it listens.
const START_TIMEOUT: Duration = Duration::from_secs(15);

/// What one check works with.
#[derive(Clone, Copy)]
pub(crate) struct Testbed<'a> {
    pub(crate) subject: &'a Subject,
    pub(crate) redis: &'a Source,
    /// What a shell does before it starts the service, which is `"$0" "$@"`. Without it there is no shell.
    pub(crate) script: Option<&'static str>,
}

impl<'a> Testbed<'a> {
    pub(crate) fn new(subject: &'a Subject, redis: &'a Source) -> Self {
        Self {
            subject,
            redis,
            script: None,
        }
    }

    /// A service, and the Redis that it is on. Neither is anybody else's, as far as that can be had.
    pub(crate) fn service(&self) -> Checked<(Option<RedisServer>, Service)> {
        match (self.subject, self.redis) {
            (Subject::Url { addr, .. }, _) => Ok((None, Service::new(None, *addr))),
            (_, Source::Private(_)) => self.own(&[]).map(|(redis, service)| (Some(redis), service)),
            (_, Source::Running(url)) => Ok((None, self.start(url, &[])?)),
            (_, Source::Docker(redis)) => Ok((None, self.start(&redis.url, &[])?)),
        }
    }

    /// A service with these settings, and a Redis of its own to which anything can be done.
    pub(crate) fn own(&self, settings: &[(&str, &str)]) -> Checked<(RedisServer, Service)> {
        let redis = self.redis()?;
        let service = self.start(&redis.url(), settings)?;
        Ok((redis, service))
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
            (_, Source::Private(program)) => {
                Ok(RedisServer::reserve(program, Durability::AppendOnly)?)
            }
            _ => left_out(
                "the suite cannot stop a Redis that it did not start; without --redis and REDIS_URL it \
                 starts its own",
            ),
        }
    }

    /// Starts the step on that Redis, with these settings. It must come up.
    pub(crate) fn start(&self, redis_url: &str, settings: &[(&str, &str)]) -> Checked<Service> {
        let started = self.launch(redis_url, settings)?;
        started.or_else(|Ended { status, output }| {
            let name = self.subject.name();
            broken(format!(
                "{name} ended ({status}) instead of serving:\n{output}"
            ))
        })
    }

    /// Starts the step on that Redis, until it says that it serves or ends by itself.
    pub(crate) fn launch(
        &self,
        redis_url: &str,
        settings: &[(&str, &str)],
    ) -> Checked<Result<Service, Ended>> {
        let Subject::Step { name, program, .. } = self.subject else {
            return left_out("the suite did not start this server, and cannot start another");
        };
        let Program { path, arguments } = program;
        let mut command = Command::new(path);
        if let Some(script) = self.script {
            command = Command::new("sh");
            command.args(["-c", script]).arg(path);
        }
        command
            .args(arguments)
            .env("ADDR", "127.0.0.1:0")
            .env("REDIS_URL", redis_url)
            .env_remove("RUST_LOG")
            .envs(settings.iter().copied());
        let mut process = Process::spawn(name, command, Output::Capture)?;
        let line = process.wait_for_line(START_TIMEOUT, |line| line.contains("http://"));
        if line.is_err()
            && let Some(status) = process.try_wait()?
        {
            let output = process.output_tail(LINES_MAX);
            return Ok(Err(Ended { status, output }));
        }
        let line = line?;
        let addr = line
            .split("http://")
            .nth(1)
            .and_then(|rest| rest.split_whitespace().next()?.parse().ok());
        match addr {
            Some(addr) => Ok(Ok(Service::new(Some(process), addr))),
            None => broken(format!("{name} does not say where it listens: {line:?}")),
        }
    }
}

/// A service that ended by itself.
pub(crate) struct Ended {
    /// How.
    pub(crate) status: ExitStatus,
    /// Its last words.
    pub(crate) output: String,
}

impl Ended {
    /// What it means that it ended because of its Redis: the one certain lack, if it failed and named one
    /// of these.
    pub(crate) fn gave_up(self, when: &str, names: &[&str]) -> Checked {
        let Self { status, output } = self;
        let says_why = names.iter().any(|name| output.contains(name));
        let seen = format!("{when} it ended ({status}):\n{output}");
        match status.code() {
            Some(1..) if says_why => lacks(seen),
            _ => broken(seen),
        }
    }
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
