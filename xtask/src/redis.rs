//! Which Redis keeps the count: one that runs already, a private one, or the one inside this tool.

use std::{
    env,
    net::TcpListener,
    process::{ExitCode, ExitStatus},
    time::Duration,
};

use anyhow::{Context, Result};
use private_redis::{Durability, RedisClient, RedisProgram, RedisServer};

use crate::{
    cli::{EmbeddedRedisOptions, RedisChoice},
    docker,
    tools::{Platform, Tool},
};

/// How long a Redis that is said to run already may take to answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(2);

/// Where a Redis comes from.
pub enum Source {
    /// It runs already, at this URL.
    Running(String),
    /// This program serves as one, for as long as it is needed.
    Private(RedisProgram),
    /// It runs in a container, for as long as this lives.
    Docker(docker::Redis),
}

impl Source {
    /// What the choice means on this machine.
    ///
    /// # Errors
    ///
    /// When a Redis that is said to run already does not answer.
    pub fn choose(choice: &RedisChoice) -> Result<Self> {
        match choice {
            RedisChoice::Url(url) => Self::running(url, "--redis"),
            RedisChoice::Embedded => Self::embedded(),
            RedisChoice::Docker => Ok(Self::Docker(docker::Redis::start()?)),
            RedisChoice::Auto => match (env::var("REDIS_URL"), RedisProgram::find()) {
                (Ok(url), _) => Self::running(&url, "REDIS_URL"),
                (Err(_), Some(program)) => Ok(Self::Private(program)),
                (Err(_), None) => Self::embedded(),
            },
        }
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
            Self::Private(RedisProgram::Embedded { .. }) => format!(
                "the embedded one: a dictionary inside xtask. Its count goes when it stops, and it \
                 is no measure of speed. For a real one: {}",
                Tool::Redis.install(Platform::here()),
            ),
        }
    }

    /// Whether this is a real Redis, not the embedded one.
    pub fn is_real(&self) -> bool {
        !matches!(self, Self::Private(RedisProgram::Embedded { .. }))
    }

    /// Starts it, if it does not run already.
    pub fn start(&self) -> Result<Running> {
        match self {
            Self::Running(url) | Self::Docker(docker::Redis { url, .. }) => Ok(Running {
                url: url.clone(),
                server: None,
            }),
            Self::Private(program) => {
                let server = RedisServer::start(program, Durability::None)?;
                Ok(Running {
                    url: server.url(),
                    server: Some(server),
                })
            }
        }
    }

    fn running(url: &str, name: &str) -> Result<Self> {
        RedisClient::connect_url(url, ANSWER_TIMEOUT)
            .with_context(|| format!("{name} is {}", without_password(url)))?;
        Ok(Self::Running(url.to_owned()))
    }

    fn embedded() -> Result<Self> {
        let program = env::current_exe().context("cannot find out where xtask lies")?;
        Ok(Self::Private(RedisProgram::Embedded {
            program,
            arguments: vec!["embedded-redis".into()],
        }))
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
    pub fn has_ended(&mut self) -> Result<Option<ExitStatus>> {
        match &mut self.server {
            Some(server) => Ok(server.has_ended()?),
            None => Ok(None),
        }
    }
}

/// Serves the embedded Redis until it is stopped. It is a process of its own, so that it can be
/// killed and frozen like a real one.
pub fn serve_embedded(options: &EmbeddedRedisOptions) -> Result<ExitCode> {
    let addr = options.addr;
    let listener = TcpListener::bind(addr).with_context(|| format!("cannot listen on {addr}"))?;
    private_redis::embedded::serve(listener).with_context(|| format!("cannot serve {addr}"))?;
    Ok(ExitCode::SUCCESS)
}

/// A URL, or what was meant to be one, that can be shown: `redis://***@host`. All before the last `@`
/// may be secret: people forget colons, and to encode what a password is made of.
pub fn without_password(url: &str) -> String {
    let Some((credentials, address)) = url.rsplit_once('@') else {
        return url.to_owned();
    };
    let scheme = ["redis://", "rediss://"]
        .into_iter()
        .find(|scheme| credentials.starts_with(scheme));
    format!("{}***@{address}", scheme.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terminal;

    #[test]
    fn no_error_shows_a_password() {
        for url in ["redis:secret@host", ":secret@host", "redis://me:secret/x@h"] {
            let choice: RedisChoice = url.parse().expect("it is not for clap to quote it");
            let Err(error) = Source::choose(&choice) else {
                panic!("{url} is no URL of a Redis");
            };
            let shown = terminal::one_line(&error);
            assert!(
                !shown.contains("secret") && shown.contains("***@h"),
                "{shown}"
            );
        }
    }

    #[test]
    fn a_password_is_not_shown() {
        for (url, shown) in [
            ("redis://host:1", "redis://host:1"),
            ("nonsense", "nonsense"),
            ("redis://:secret@host", "redis://***@host"),
            ("redis://me:secret@host:1/2", "redis://***@host:1/2"),
            // The password without its colon, or with characters that ought to be percent-encoded.
            ("redis://secret@host", "redis://***@host"),
            ("redis://:sec@ret@host", "redis://***@host"),
            ("rediss://:sec/ret?x@host", "rediss://***@host"),
            // Several nodes of a cluster.
            ("redis://:secret@a,redis://:secret@b", "redis://***@b"),
            // What was meant to be a URL.
            ("redis:secret@host", "***@host"),
            ("secret//secret@host", "***@host"),
        ] {
            assert_eq!(without_password(url), shown);
        }
    }
}
