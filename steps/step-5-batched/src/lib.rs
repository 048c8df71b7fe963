//! # Step 5: visits that wait together are counted together
//!
//! Step 4 heals, and pays for it: three Redis commands and two round trips a visit. This step counts
//! many visits with one command. While one `INCRBY` is on its way to Redis and back, the visits that
//! arrive gather; the next `INCRBY` counts all of them, and each gets its own number. Databases call
//! this group commit. [`batcher`] is the whole idea.
//!
//! One connection is enough for that, so the batches keep theirs instead of taking one from the pool
//! each time. The pool proves it, and replaces it, when it fails or has been silent.
//!
//! Try it with `cargo xtask run step-5` and refresh <http://localhost:8000>:
//!
//! ```text
//! Hello World! I have been seen 1 times.
//! ```
//!
//! What it deliberately lacks: room on both sides. All cores share one queue and one runtime that
//! moves tasks between them, and there is one Redis. Step 6 gives every core its own, and takes a
//! cluster.

pub mod batcher;
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

use crate::{
    batcher::{BatchError, Batcher},
    breaker::Unavailable,
    settings::Limits,
    store::Store,
};

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
    store: Arc<Store>,
    batcher: Batcher,
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
    ///
    /// # Panics
    ///
    /// When called outside a Tokio runtime: the batches are counted in a task.
    pub fn new(info: ConnectionInfo, limits: Limits) -> Result<Self, Box<dyn Error>> {
        let store = Arc::new(Store::new(info, limits)?);
        let batches = store.clone();
        let add = move |visits, deadline| {
            let store = batches.clone();
            async move { store.add(visits, deadline).await.ok() }
        };
        let batcher = Batcher::start(limits.max_in_flight, limits.visit_timeout, add);
        Ok(Self {
            store,
            batcher,
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
        Ok(self.batcher.visit().await?)
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

impl From<BatchError> for AppError {
    fn from(error: BatchError) -> Self {
        match error {
            BatchError::Full => Self::Overloaded,
            BatchError::Failed => Self::Unavailable,
        }
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
