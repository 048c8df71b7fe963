//! # Step 1: the count in a variable
//!
//! The smallest service that counts its visitors: one route, one [`AtomicU64`].
//! There is nothing to install, and a visit waits for nothing.
//! Every later step is measured against it.
//!
//! Try it with `cargo xtask run step-1` and refresh <http://localhost:8000>:
//!
//! ```text
//! Hello World! I have been seen 1 times.
//! ```
//!
//! What it deliberately lacks: a memory. The count lives inside this one process, so a restart
//! forgets it, and two copies side by side each count for themselves. Step 2 mends both.

pub mod settings;

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use axum::{Router, extract::State, routing::get};

/// The whole service: one page, and the counter behind it.
///
/// axum answers `404` to every other path, `405` to every other method, and runs the `GET` handler
/// for `HEAD`, so a `HEAD /` counts as a visit.
pub fn app(counter: Counter) -> Router {
    Router::new().route("/", get(hello)).with_state(counter)
}

/// `GET /`: counts the visit and says which one it is.
async fn hello(State(counter): State<Counter>) -> String {
    let seen = counter.visit();
    tracing::debug!(seen, "visit");
    format!("Hello World! I have been seen {seen} times.\n")
}

/// How often the page has been seen. Clones share one count.
#[derive(Clone, Default)]
pub struct Counter {
    seen: Arc<AtomicU64>,
}

impl Counter {
    /// Counts one visit and returns its number; the first is 1.
    fn visit(&self) -> u64 {
        // `fetch_add` gives every caller a number of its own, whatever the ordering. No other memory
        // depends on the count, so the cheapest ordering is enough.
        self.seen.fetch_add(1, Ordering::Relaxed) + 1
    }
}
