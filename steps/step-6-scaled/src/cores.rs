//! One thread with one runtime for every core.
//!
//! A runtime that moves tasks between the cores keeps all of them busy, at a price: its queues need
//! locks, a wake-up may have to reach another core, and what one core has in its cache the other has
//! to fetch. Here a visitor stays on the core that it was dealt to, and finds everything there: the
//! queue, the connection to Redis, the timers. What the cores share they only look at, or use once a
//! visit: [`Shared`], the places for visitors, and the signal to stop.

use std::{
    error::Error,
    future::Future,
    sync::atomic::{AtomicBool, AtomicU64},
    thread,
};

use axum::Router;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::{
    runtime::{Builder, Handle},
    sync::{Semaphore, oneshot},
};

use crate::settings::Limits;

/// What concerns all cores together.
pub struct Shared {
    /// Places for the visits that are under way.
    pub in_flight: Semaphore,
    /// Whether the last command to Redis failed.
    pub away: AtomicBool,
    /// How often Redis has failed a core. The others trust the connections they keep no longer then.
    pub failures: AtomicU64,
}

impl Shared {
    /// As many places as the limits say, and no bad news yet.
    pub fn new(limits: &Limits) -> Self {
        Self {
            in_flight: Semaphore::new(limits.max_in_flight),
            away: AtomicBool::new(false),
            failures: AtomicU64::new(0),
        }
    }
}

/// A runtime that runs on a thread of its own, and the app that it serves.
pub struct Core {
    runtime: Handle,
    app: Router,
    connections: GracefulShutdown,
    /// The thread ends when this is dropped.
    running: oneshot::Sender<()>,
}

impl Core {
    /// Starts a thread with a runtime, and builds the app for it there: the tasks that `app` spawns
    /// are at home on this core.
    ///
    /// # Errors
    ///
    /// When the system gives no thread, or `app` fails.
    pub fn start(
        app: impl FnOnce() -> Result<Router, Box<dyn Error>>,
    ) -> Result<Self, Box<dyn Error>> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (running, stopped) = oneshot::channel();
        thread::Builder::new()
            .name("core".to_owned())
            .spawn(move || runtime.block_on(stopped))?;
        let inside = handle.enter();
        let app = app()?;
        drop(inside);
        Ok(Self {
            runtime: handle,
            app,
            connections: GracefulShutdown::new(),
            running,
        })
    }

    /// The one with the fewest visitors. Dealing in turn looks even, too, but is not when every second
    /// visitor is a health check that leaves at once: the ones that stay would share one core.
    pub fn least_busy(cores: &[Self]) -> &Self {
        let least = cores.iter().min_by_key(|core| core.connections.count());
        least.expect("there is at least one core")
    }

    /// The app of this core.
    pub fn app(&self) -> Router {
        self.app.clone()
    }

    /// Counts a visitor of this core from now on, and tells its connection when to end.
    pub fn watcher(&self) -> Watcher {
        self.connections.watcher()
    }

    /// Runs a task on this core.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.runtime.spawn(task);
    }

    /// Answers what is under way, then ends the thread.
    pub async fn drain(self) {
        let Self {
            connections,
            running,
            ..
        } = self;
        connections.shutdown().await;
        drop(running);
    }
}
