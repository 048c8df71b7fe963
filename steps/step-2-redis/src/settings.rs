//! What the service reads from its environment.

use std::{env, net::SocketAddr, str::FromStr};

use redis::ConnectionInfo;
use tracing_subscriber::filter::Targets;

/// What the environment says, or the defaults where it is silent.
pub struct Settings {
    /// `RUST_LOG`: what is logged, `warn` and worse unless you say more.
    pub log: Targets,
    /// `ADDR`: where the service listens.
    pub addr: SocketAddr,
    /// `REDIS_URL`: where the count is kept.
    pub redis: ConnectionInfo,
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
        })
    }
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
    let parsed = value.parse();
    parsed.map_err(|_| format!("{name} is {value:?}, but must be {expected}"))
}

fn value(name: &str, default: &str) -> String {
    env::var_os(name).map_or(default.into(), |v| v.to_string_lossy().into_owned())
}
