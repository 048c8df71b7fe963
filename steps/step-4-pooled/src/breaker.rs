//! A circuit breaker: while Redis fails, few visits try it, and the others are refused at once.
//!
//! Without it every visit during an outage would open a connection, or wait for its time-out, to learn
//! what the visit before it has learnt. That costs visitors their time, and the machine its ports and
//! threads, which are then missing when Redis is back.

use std::{
    fmt::Display,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

/// So many failures in a row open the breaker. One alone may be the fault of one connection.
const FAILURES_MAX: u32 = 2;

/// How long after it has logged an outage the breaker logs no other one.
const LOG_PAUSE: Duration = Duration::from_secs(1);

/// Redis, or the way to it, failed or took too long. The cause is in the log.
#[derive(Clone, Copy)]
pub struct Unavailable;

/// What is known of Redis from the last commands that were sent to it.
pub struct Breaker {
    /// Failures since the last success.
    failures: AtomicU32,
    pause: Duration,
    outage: Mutex<Outage>,
}

struct Outage {
    next_try: Instant,
    /// When an outage was last logged.
    logged: Option<Instant>,
    /// Whether the end of it was logged, too.
    end_is_logged: bool,
}

impl Breaker {
    /// A closed breaker. Once it is open, it lets one try pass each `pause`.
    pub fn new(pause: Duration) -> Self {
        Self {
            failures: AtomicU32::new(0),
            pause,
            outage: Mutex::new(Outage {
                next_try: Instant::now(),
                logged: None,
                end_is_logged: true,
            }),
        }
    }

    /// Whether to try Redis now.
    pub fn lets_pass(&self) -> bool {
        if self.failures.load(Ordering::Relaxed) < FAILURES_MAX {
            return true;
        }
        let mut outage = self.outage.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let is_due = outage.next_try <= now;
        if is_due {
            outage.next_try = now + self.pause;
        }
        is_due
    }

    /// Redis has counted, or could have.
    pub fn succeeded(&self) {
        // Read before writing. If every visit wrote, the cores would fight over this one word.
        if self.failures.load(Ordering::Relaxed) == 0 {
            return;
        }
        self.failures.store(0, Ordering::Relaxed);
        let mut outage = self.outage.lock().unwrap_or_else(PoisonError::into_inner);
        if !outage.end_is_logged {
            outage.end_is_logged = true;
            tracing::warn!("Redis counts again");
        }
    }

    /// Redis, or the way to it, has failed. One line is logged for an outage, not one for each visit.
    pub fn failed(&self, cause: &impl Display) {
        tracing::debug!("not counted: {cause}");
        self.failures.fetch_add(1, Ordering::Relaxed);
        let mut outage = self.outage.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        outage.next_try = now + self.pause;
        let may_log = outage.logged.is_none_or(|last| last + LOG_PAUSE <= now);
        if outage.end_is_logged && may_log {
            outage.logged = Some(now);
            outage.end_is_logged = false;
            tracing::warn!("Redis does not count: {cause}");
        }
    }
}
