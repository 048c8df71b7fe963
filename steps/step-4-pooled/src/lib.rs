//! # Step 4: connections that heal, limits, and honest failure
//!
//! Steps 2 and 3 die with their one connection to Redis: after a restart of Redis every visit fails
//! until the service restarts, too. This step takes a connection from a pool for each visit. The
//! pool tries every connection before it lends it and opens a new one where the old one is dead.
//!
//! Around that comes what a service needs that anybody may use: waits have time-outs and queues have
//! limits, a failure is an honest `503` with `Retry-After`, and a stop answers the visits under way
//! first. All the numbers are in [`settings`].
//!
//! Try it with `cargo xtask run step-4` and refresh <http://localhost:8000>:
//!
//! ```text
//! Hello World! I have been seen 1 times.
//! ```
//!
//! What it deliberately lacks: speed. To try a connection the pool sends `UNWATCH` and `PING` and
//! waits for the replies, so a visit costs three Redis commands and two round trips where step 2
//! needed one of each. This step is slower than step 2, on purpose. Step 5 wins it back.

pub mod breaker;
pub mod connection;
pub mod serve;
pub mod settings;
pub mod store;

use std::{
    error::Error,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use axum::{
    Router,
    extract::State,
    http::{StatusCode, header::RETRY_AFTER},
    response::{IntoResponse, Response},
    routing::get,
};
use redis::ConnectionInfo;
use tokio::sync::{Mutex, Semaphore};

use crate::{breaker::Unavailable, settings::Limits, store::Store};

/// When to come again after a `503`, in seconds.
const RETRY_AFTER_SECONDS: &str = "1";

/// How long the answer to "ready?" is good for everybody who asks.
const PROBE_INTERVAL: Duration = Duration::from_millis(100);

/// The whole service: one page, the counter behind it, and two pages for whoever watches over it.
///
/// axum answers `404` to every other path, `405` to every other method, and runs the `GET` handler
/// for `HEAD`, so a `HEAD /` counts as a visit.
pub fn app(counter: Arc<Counter>) -> Router {
    Router::new()
        .route("/", get(hello))
        .route("/livez", get(livez))
        .route("/readyz", get(readyz))
        .with_state(counter)
}

/// `GET /`: counts the visit and says which one it is.
async fn hello(State(counter): State<Arc<Counter>>) -> Result<String, AppError> {
    let seen = counter.visit().await?;
    tracing::debug!(seen, "visit");
    Ok(format!("Hello World! I have been seen {seen} times.\n"))
}

/// `GET /livez`: the process runs. Whoever gets no answer here should restart it.
async fn livez() -> &'static str {
    "alive\n"
}

/// `GET /readyz`: a visit could be counted now. Whoever gets a `503` here should send visitors elsewhere.
async fn readyz(State(counter): State<Arc<Counter>>) -> Result<&'static str, AppError> {
    counter.ready().await?;
    Ok("ready\n")
}

/// How often the page has been seen.
pub struct Counter {
    store: Store,
    in_flight: Semaphore,
    /// What the last probe of Redis found, and when.
    probed: Mutex<Option<(Instant, Result<(), Unavailable>)>>,
    is_stopping: AtomicBool,
}

impl Counter {
    /// A counter in the Redis that keeps the count. It connects when the first visit comes, so the
    /// service starts while Redis is away.
    ///
    /// # Errors
    ///
    /// When no pool can be built from these settings.
    pub fn new(info: ConnectionInfo, limits: Limits) -> Result<Self, Box<dyn Error>> {
        Ok(Self {
            store: Store::new(info, limits)?,
            in_flight: Semaphore::new(limits.max_in_flight),
            probed: Mutex::default(),
            is_stopping: AtomicBool::default(),
        })
    }

    /// From now on the counter is not ready: the service stops.
    pub fn stop(&self) {
        self.is_stopping.store(true, Ordering::Relaxed);
    }

    /// Counts one visit and returns its number; the first is 1.
    async fn visit(&self) -> Result<u64, AppError> {
        // Over the limit the answer is a fast no. Waiting in line would only make everybody late.
        let permit = self.in_flight.try_acquire();
        let _permit = permit.map_err(|_| AppError::Overloaded)?;
        Ok(self.store.increment().await?)
    }

    /// Whether a visit could be counted now. However many ask, Redis is asked by one at a time, and the
    /// others wait for what that one finds.
    async fn ready(&self) -> Result<(), AppError> {
        if self.is_stopping.load(Ordering::Relaxed) {
            return Err(AppError::Stopping);
        }
        let mut probed = self.probed.lock().await;
        if let Some((when, found)) = *probed
            && when.elapsed() < PROBE_INTERVAL
        {
            return Ok(found?);
        }
        let found = self.store.probe().await;
        *probed = Some((Instant::now(), found));
        Ok(found?)
    }
}

/// Why there is no number, or no visit could have one. The client sees a `503` and may come again.
enum AppError {
    /// As many visits as [`Limits::max_in_flight`] are under way.
    Overloaded,
    /// Redis, or the way to it, failed or took too long.
    Unavailable,
    /// The service stops. Another copy of it may go on.
    Stopping,
}

impl From<Unavailable> for AppError {
    fn from(_: Unavailable) -> Self {
        Self::Unavailable
    }
}

impl IntoResponse for AppError {
    fn into_response(self) -> Response {
        let reason = match self {
            Self::Overloaded => "Too many visitors at once. Please come again.\n",
            Self::Unavailable => "The count is out of reach. Please come again.\n",
            Self::Stopping => "This copy is stopping. Please ask another one.\n",
        };
        let retry_after = [(RETRY_AFTER, RETRY_AFTER_SECONDS)];
        (StatusCode::SERVICE_UNAVAILABLE, retry_after, reason).into_response()
    }
}
