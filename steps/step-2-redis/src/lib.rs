//! # Step 2: the count in Redis
//!
//! Step 1 forgets its count when it restarts, and two copies of it disagree. So the count moves out
//! of the process, into Redis, a server that keeps values in memory and that every copy can ask.
//! All visits share one connection: redis-rs sends each `INCR` at once and hands every reply to the
//! visit that waits for it. This is called multiplexing.
//!
//! Try it with `cargo xtask run step-2` and refresh <http://localhost:8000>:
//!
//! ```text
//! Hello World! I have been seen 1 times.
//! ```
//!
//! What it deliberately lacks: a second chance. When Redis restarts, the one connection is dead for
//! ever and every later visit is a `500`. There are no time-outs of its own and no limits, and when
//! it is told to stop it drops the visits that are under way. Step 4 mends all of that.

pub mod settings;

use axum::{
    Router,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};
use redis::{AsyncTypedCommands, Client, ConnectionInfo, RedisError, aio::MultiplexedConnection};

/// The Redis key that holds the count.
const KEY: &str = "seen";

/// The whole service: one page, and the counter behind it.
///
/// axum answers `404` to every other path, `405` to every other method, and runs the `GET` handler
/// for `HEAD`, so a `HEAD /` counts as a visit.
pub fn app(counter: Counter) -> Router {
    Router::new().route("/", get(hello)).with_state(counter)
}

/// `GET /`: counts the visit and says which one it is.
async fn hello(State(counter): State<Counter>) -> Result<String, AppError> {
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

impl IntoResponse for AppError {
    fn into_response(self) -> Response {
        tracing::error!("Redis did not count the visit: {}", self.0);
        (
            StatusCode::INTERNAL_SERVER_ERROR,
            "The count is out of reach.\n",
        )
            .into_response()
    }
}
