//! # Step 3: the same service in Rocket
//!
//! Steps 1 and 2 are written with axum. This one does what step 2 does, word for word, in another
//! framework. Whatever differs between the two crates is the framework; whatever does not is the
//! service. `cargo xtask diff 2 3` shows which is which.
//!
//! Try it with `cargo xtask run step-3` and refresh <http://localhost:8000>:
//!
//! ```text
//! Hello World! I have been seen 1 times.
//! ```
//!
//! Rocket brings some things that step 2 lacks: security headers, a `catch_unwind` around the
//! handler, and a stop on SIGTERM that is kinder than death, though it still loses requests that are on
//! their way.
//!
//! What it deliberately lacks: the same as step 2. The one connection to Redis is still dead for
//! ever once Redis restarts. No framework mends that; step 4 does.

pub mod settings;

use redis::{AsyncTypedCommands, Client, ConnectionInfo, RedisError, aio::MultiplexedConnection};
use rocket::{
    Build, Config, Request, Rocket, State, get,
    http::Status,
    response::{Responder, Result as Response},
    routes,
};

/// The Redis key that holds the count.
const KEY: &str = "seen";

/// The whole service: one page, and the counter behind it.
///
/// Rocket answers `404` to every other path and also to every other method, and runs the `GET`
/// handler for `HEAD`, so a `HEAD /` counts as a visit. It also owns the socket, which is why `app`
/// takes the configuration.
pub fn app(counter: Counter, config: Config) -> Rocket<Build> {
    rocket::custom(config)
        .mount("/", routes![hello])
        .manage(counter)
}

/// `GET /`: counts the visit and says which one it is.
#[get("/")]
async fn hello(counter: &State<Counter>) -> Result<String, AppError> {
    let seen = counter.visit().await?;
    tracing::debug!(seen, "visit");
    Ok(format!("Hello World! I have been seen {seen} times.\n"))
}

/// How often the page has been seen. Clones share one connection to Redis.
#[derive(Clone)]
pub struct Counter {
    redis: MultiplexedConnection,
}

impl Counter {
    /// Connects to the Redis that keeps the count.
    ///
    /// # Errors
    ///
    /// When nothing answers there, when what answers is not Redis, or when it asks for a password.
    pub async fn connect(info: ConnectionInfo) -> Result<Self, RedisError> {
        let mut redis = Client::open(info)?
            .get_multiplexed_async_connection()
            .await?;
        // A Redis that wants a password accepts the connection and refuses the commands. Ask now,
        // so that you hear of it at the start and not from the first visitor.
        redis.ping().await?;
        Ok(Self { redis })
    }

    /// Counts one visit and returns its number; the first is 1.
    async fn visit(&self) -> Result<u64, AppError> {
        let increment = redis::cmd("INCR").arg(KEY).take();
        // A clone of the connection is a handle to it: both send over the same socket.
        // As a `u64`, the client would take -1 for 18446744073709551615.
        let number: i64 = increment.query_async(&mut self.redis.clone()).await?;
        match u64::try_from(number) {
            Ok(number @ 1..) => Ok(number),
            _ => Err(AppError(format!(
                "{number} cannot be the number of a visit"
            ))),
        }
    }
}

/// Redis did not give a number. The visitor sees a `500`; the cause goes to the log.
struct AppError(String);

impl From<RedisError> for AppError {
    fn from(error: RedisError) -> Self {
        Self(error.to_string())
    }
}

impl<'r> Responder<'r, 'static> for AppError {
    fn respond_to(self, request: &'r Request<'_>) -> Response<'static> {
        tracing::error!("Redis did not count the visit: {}", self.0);
        (Status::InternalServerError, "The count is out of reach.\n").respond_to(request)
    }
}
