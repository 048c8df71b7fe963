//! # Step 6: as far as one count can go
//!
//! Step 5 keeps all cores busy with one queue and one runtime, which moves tasks between the cores and
//! makes them wait for each other. This step goes up: every core has a runtime of its own, with its own
//! queue and its own connection to Redis ([`cores`]), and answers the page before it asks the router
//! ([`App`]). And it goes out: `REDIS_URL` may name several nodes of a Redis Cluster, and the count
//! outlives the one that keeps it ([`cluster`]).
//!
//! Try it with `cargo xtask run step-6` and refresh <http://localhost:8000>:
//!
//! ```text
//! Hello World! I have been seen 1 times.
//! ```
//!
//! What it deliberately lacks: nothing that more code would bring. One count is one key, which lives on
//! one node, and one number after the other is all that it gives. Who needs more than that counts in
//! several places and adds up, and then nobody is visitor number N any more.

pub mod batcher;
pub mod breaker;
pub mod cluster;
pub mod connection;
pub mod cores;
pub mod serve;
pub mod settings;
pub mod store;

use std::{
    error::Error,
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use axum::{
    Router,
    extract::State,
    http::{Method, Request, StatusCode, header::RETRY_AFTER},
    response::{IntoResponse, Response},
    routing::get,
};
use hyper::body::Incoming;

use crate::{
    batcher::{BatchError, Batcher},
    breaker::Unavailable,
    connection::Answer,
    cores::Shared,
    settings::{Limits, Nodes},
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

/// The service, and a short way to the page that nearly everybody asks for: the router clones itself, its
/// handler and its state for each request, and puts them on the heap.
#[derive(Clone)]
pub struct App {
    counter: Arc<Counter>,
    router: Router,
}

impl App {
    /// The service around this counter.
    pub fn new(counter: Arc<Counter>) -> Self {
        Self {
            router: app(counter.clone()),
            counter,
        }
    }
}

impl Answer for App {
    async fn answer(&self, request: Request<Incoming>) -> Response {
        if request.method() == Method::GET && request.uri().path() == "/" {
            let counter = State(self.counter.clone());
            hello(counter).await.into_response()
        } else {
            self.router.answer(request).await
        }
    }
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

/// How often the page has been seen, for the visitors of one core.
pub struct Counter {
    store: Arc<Store>,
    batcher: Batcher,
    shared: Arc<Shared>,
}

impl Counter {
    /// A counter in the Redis that keeps the count, for one of the cores that share `shared`. It connects
    /// when the first visit comes, so the service starts while Redis is away.
    ///
    /// # Errors
    ///
    /// When no pool can be built from these settings.
    ///
    /// # Panics
    ///
    /// When called outside a Tokio runtime: the batches are counted in a task.
    pub fn new(nodes: Nodes, limits: Limits, shared: Arc<Shared>) -> Result<Self, Box<dyn Error>> {
        let store = Arc::new(Store::new(nodes, limits, shared.clone())?);
        let batches = store.clone();
        let add = move |visits, deadline| {
            let store = batches.clone();
            async move { store.add(visits, deadline).await.ok() }
        };
        let batcher = Batcher::start(limits.max_in_flight, limits.visit_timeout, add);
        Ok(Self {
            store,
            batcher,
            shared,
        })
    }

    /// Counts one visit and returns its number; the first is 1.
    async fn visit(&self) -> Result<u64, AppError> {
        // Over the limit the answer is a fast no. Waiting in line would only make everybody late.
        let permit = self.shared.in_flight.try_acquire();
        let _permit = permit.map_err(|_| AppError::Overloaded)?;
        Ok(self.batcher.visit().await?)
    }

    /// Whether a visit could be counted now. However many ask, Redis is asked by one at a time, and the
    /// others wait for what that one finds.
    async fn ready(&self) -> Result<(), AppError> {
        if self.shared.is_stopping.load(Ordering::Relaxed) {
            return Err(AppError::Stopping);
        }
        let mut probed = self.shared.probed.lock().await;
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
