//! One thread with one runtime for every core.
//!
//! A runtime that moves tasks between the cores keeps all of them busy, at a price: its queues need
//! locks, a wake-up may have to reach another core, and what one core has in its cache the other has
//! to fetch. Here a connection stays on the core that it was dealt to, and finds everything there: the
//! queue, the connection to Redis, the timers. What the cores share they only look at, or use once a
//! visit or less: [`Shared`], and the permits for connections.

use std::{
    error::Error,
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc,
    },
    thread,
    time::Instant,
};

use tokio::{
    runtime::{Builder, Handle},
    sync::{Mutex, Semaphore, oneshot},
};

use crate::{
    breaker::{Breaker, Unavailable},
    connection::{Answer, Ending},
    settings::Limits,
};

/// How many tasks a runtime runs before it asks the kernel what has arrived, if it does not run out of them
/// before. To ask is a system call, and tokio's own 61 are few where hundreds of visits wake up at once.
const TASKS_PER_LOOK: u32 = 1024;

/// What concerns all cores together.
pub struct Shared {
    /// Permits for the visits that are under way.
    pub in_flight: Semaphore,
    /// What is known of Redis.
    pub breaker: Breaker,
    /// How often Redis has failed a core. After that the others trust the connections they cache no longer.
    pub failures: AtomicU64,
    /// What the last probe of Redis found, and when.
    pub probed: Mutex<Option<(Instant, Result<(), Unavailable>)>>,
    /// Whether the service stops.
    pub is_stopping: AtomicBool,
}

impl Shared {
    /// As many permits as the limits say, and no bad news yet.
    pub fn new(limits: &Limits) -> Self {
        Self {
            in_flight: Semaphore::new(limits.max_in_flight),
            breaker: Breaker::new(limits.retry_pause),
            failures: AtomicU64::default(),
            probed: Mutex::default(),
            is_stopping: AtomicBool::default(),
        }
    }

    /// From now on no counter is ready: the service stops.
    pub fn stop(&self) {
        self.is_stopping.store(true, Ordering::Relaxed);
    }
}

/// A runtime that runs on a thread of its own, and the app that it serves.
pub struct Core<A> {
    runtime: Handle,
    app: A,
    ending: Arc<Ending>,
    /// The thread ends when this is dropped.
    _running: oneshot::Sender<()>,
}

impl<A: Answer> Core<A> {
    /// Starts a thread with a runtime, and builds the app for it there: the tasks that `app` spawns
    /// are at home on this core.
    ///
    /// # Errors
    ///
    /// When the system gives no thread, or `app` fails.
    pub fn start(app: impl FnOnce() -> Result<A, Box<dyn Error>>) -> Result<Self, Box<dyn Error>> {
        let (running, stopped) = oneshot::channel();
        let (started, handle) = mpsc::channel();
        thread::Builder::new()
            .name("core".to_owned())
            .spawn(move || {
                let runtime = Builder::new_current_thread()
                    .enable_all()
                    .event_interval(TASKS_PER_LOOK)
                    .build();
                // The other end waits for one of the two.
                let _ = match runtime {
                    Ok(runtime) => {
                        let sent = started.send(Ok(runtime.handle().clone()));
                        let _: Result<(), _> = runtime.block_on(stopped);
                        sent
                    }
                    Err(error) => started.send(Err(error)),
                };
            })?;
        let handle = handle.recv()??;
        let inside = handle.enter();
        let app = app()?;
        drop(inside);
        Ok(Self {
            runtime: handle,
            app,
            ending: Arc::default(),
            _running: running,
        })
    }

    /// The one with the fewest connections. Dealing in turn looks even, too, but is not when every second
    /// connection is a health check that leaves at once: the ones that stay would share one core.
    pub fn least_busy(cores: &[Self]) -> &Self {
        let least = cores.iter().min_by_key(|core| core.connections());
        least.expect("there is at least one core")
    }

    /// The one with the most connections.
    pub fn busiest(cores: &[Self]) -> &Self {
        let most = cores.iter().max_by_key(|core| core.connections());
        most.expect("there is at least one core")
    }

    /// The app of this core.
    pub fn app(&self) -> A {
        self.app.clone()
    }

    /// What tells the connections of this core to end. Each of them has a clone.
    pub fn ending(&self) -> &Arc<Ending> {
        &self.ending
    }

    /// Runs a task on this core.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.runtime.spawn(task);
    }

    fn connections(&self) -> usize {
        Arc::strong_count(&self.ending) - 1
    }
}
