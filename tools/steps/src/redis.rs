//! Which Redis keeps the count: one that runs already, a private one, one in a container, or the embedded one.

use std::{env, path::Path, process::ExitStatus, str::FromStr, time::Duration};

use anyhow::{Context, Result};
use private_redis::{Durability, RedisClient, RedisProgram, RedisServer, without_password};
use processes::programs::{Platform, Tool};

use crate::{Profile, build, container};

/// How long a Redis that is said to run already may take to answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(2);

/// Which Redis keeps the count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RedisChoice {
    /// `REDIS_URL` if set, else a private `redis-server` or `valkey-server`, else the embedded one.
    Auto,
    /// The small one of this repository.
    Embedded,
    /// The one of docker-compose.yml.
    Docker,
    /// One that runs already.
    Url(String),
}

impl RedisChoice {
    /// What can be chosen.
    pub const EXPECTED: &str = "auto, embedded, docker, or a URL such as redis://127.0.0.1:6379";
}

impl FromStr for RedisChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            "embedded" => Ok(Self::Embedded),
            "docker" => Ok(Self::Docker),
            // What has an @ may have a password in front of it, which clap would quote.
            url if url.contains("://") || url.contains('@') => Ok(Self::Url(url.to_owned())),
            _ => Err(format!("expected {}", Self::EXPECTED)),
        }
    }
}

/// Where a Redis comes from.
pub enum Source {
    /// It runs already, at this URL.
    Running(String),
    /// This program serves as one, for as long as it is needed.
    Private(RedisProgram),
    /// It runs in a container, for as long as this lives.
    Docker(container::Redis),
}

impl Source {
    /// What the choice means on this machine.
    ///
    /// # Errors
    ///
    /// When a Redis that is said to run already does not answer.
    pub fn choose(root: &Path, choice: &RedisChoice) -> Result<Self> {
        match choice {
            RedisChoice::Url(url) => Self::running(url, "--redis"),
            RedisChoice::Embedded => Self::embedded(root),
            RedisChoice::Docker => Ok(Self::Docker(container::Redis::start(root)?)),
            RedisChoice::Auto => match (env::var("REDIS_URL"), RedisProgram::find()) {
                (Ok(url), _) => Self::running(&url, "REDIS_URL"),
                (Err(_), Some(program)) => Ok(Self::Private(program)),
                (Err(_), None) => Self::embedded(root),
            },
        }
    }

    /// The same for a step that is started: it may be told several nodes of a cluster, behind commas.
    ///
    /// # Errors
    ///
    /// When a Redis that is said to run already does not answer; of several, when none does.
    pub fn choose_nodes(root: &Path, choice: &RedisChoice) -> Result<Self> {
        let named = match choice {
            RedisChoice::Url(urls) => Some((urls.clone(), "--redis")),
            RedisChoice::Auto => env::var("REDIS_URL").ok().map(|urls| (urls, "REDIS_URL")),
            RedisChoice::Embedded | RedisChoice::Docker => None,
        };
        let Some((urls, name)) = named.filter(|(urls, _)| urls.contains(',')) else {
            return Self::choose(root, choice);
        };
        let mut answers = urls.split(',').map(|url| Self::running(url, name));
        let first = answers.next().context("there is at least one")?;
        // One is enough: it knows the others.
        if first.is_err() && !answers.any(|answer| answer.is_ok()) {
            return first.context("none of the nodes answers");
        }
        Ok(Self::Running(urls))
    }

    /// What was chosen, for people.
    pub fn description(&self) -> String {
        match self {
            Self::Running(url) => format!("{} (running already)", without_password(url)),
            Self::Docker(_) => {
                "the Redis of docker-compose.yml; its count goes when it stops".to_owned()
            }
            Self::Private(program @ RedisProgram::Server(_)) => {
                let version = program.version().unwrap_or_default();
                format!("a private {program} {version}; its count goes when it stops")
            }
            Self::Private(RedisProgram::Embedded(_)) => format!(
                "the embedded one: a dictionary behind a socket. Its count goes when it stops, and it \
                 is no measure of speed. For a real one: {}",
                Tool::REDIS.install(Platform::here()),
            ),
        }
    }

    /// Whether this is a real Redis, not the embedded one.
    pub fn is_real(&self) -> bool {
        !matches!(self, Self::Private(RedisProgram::Embedded(_)))
    }

    /// Starts it, if it does not run already.
    ///
    /// # Errors
    ///
    /// When it does not start.
    pub fn start(&self) -> Result<Running> {
        match self {
            Self::Running(url) | Self::Docker(container::Redis { url, .. }) => {
                let (url, server) = (url.clone(), None);
                Ok(Running { url, server })
            }
            Self::Private(program) => {
                let server = RedisServer::start(program, Durability::None)?;
                let (url, server) = (server.url(), Some(server));
                Ok(Running { url, server })
            }
        }
    }

    fn running(url: &str, name: &str) -> Result<Self> {
        RedisClient::connect_url(url, ANSWER_TIMEOUT)
            .with_context(|| format!("{name} is {}", without_password(url)))?;
        Ok(Self::Running(url.to_owned()))
    }

    /// It is compiled only where it is needed, which is where there is no other.
    fn embedded(root: &Path) -> Result<Self> {
        let program = build::tool(root, "private-redis", "embedded-redis", Profile::Debug)?
            .context("the embedded Redis cannot be built; see above")?;
        Ok(Self::Private(RedisProgram::Embedded(program)))
    }
}

/// A Redis that runs, for as long as this lives if it is ours.
pub struct Running {
    /// Where it is.
    pub url: String,
    server: Option<RedisServer>,
}

impl Running {
    /// How it ended, if it is ours and somebody else ended it.
    ///
    /// # Errors
    ///
    /// When the operating system cannot say.
    pub fn has_ended(&mut self) -> Result<Option<ExitStatus>> {
        let status = self.server.as_mut().map(RedisServer::has_ended);
        Ok(status.transpose()?.flatten())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use output::terminal;

    #[test]
    fn no_error_shows_a_password() {
        for url in ["redis:secret@host", ":secret@host", "redis://me:secret/x@h"] {
            let choice: RedisChoice = url.parse().expect("it is not for clap to quote it");
            let Err(error) = Source::choose(Path::new(""), &choice) else {
                panic!("{url} is no URL of a Redis");
            };
            let shown = terminal::one_line(&error);
            assert!(!shown.contains("secret"), "{shown}");
            assert!(shown.contains("***@h"), "{shown}");
        }
    }
}
