//! When the next request is due.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::Instant;

/// The times at which requests are due, handed out to the clients that are free.
#[derive(Debug)]
pub(super) struct Pace {
    start: Instant,
    duration: Duration,
    schedule: Option<Schedule>,
}

/// The schedule of an open loop.
#[derive(Debug)]
struct Schedule {
    /// The time between two requests, in seconds.
    interval_s: f64,
    /// How many requests there are.
    requests: u64,
    /// The number of the next request to be taken, from 0.
    next: AtomicU64,
    /// One permit for each request that is due and not yet taken.
    due: Semaphore,
}

impl Pace {
    /// A closed loop where there is no rate, else an open one.
    pub(super) fn new(start: Instant, duration: Duration, rate: Option<f64>) -> Pace {
        let schedule = rate.map(|rate| Schedule {
            interval_s: 1.0 / rate,
            requests: (rate * duration.as_secs_f64()).round() as u64,
            next: AtomicU64::new(0),
            due: Semaphore::new(0),
        });
        Pace {
            start,
            duration,
            schedule,
        }
    }

    /// When a closed loop ends. An open loop ends with its last response.
    pub(super) fn end(&self) -> Option<Instant> {
        match self.schedule {
            Some(_) => None,
            None => Some(self.start + self.duration),
        }
    }

    /// Waits until a request is due, and returns since when. `None` when there are no more.
    pub(super) async fn next(&self) -> Option<Instant> {
        let Some(schedule) = &self.schedule else {
            let now = Instant::now();
            return (now < self.start + self.duration).then_some(now);
        };
        // The semaphore is never closed; if it were, that would be the end.
        schedule.due.acquire().await.ok()?.forget();
        let number = schedule.next.fetch_add(1, Ordering::Relaxed);
        (number < schedule.requests).then(|| schedule.due_at(self.start, number))
    }

    /// Declares each request due at its time, and the end to each of `clients`. Blocks until then.
    pub(super) fn drive(&self, clients: usize) {
        let Some(schedule) = &self.schedule else {
            return;
        };
        for number in 0..schedule.requests {
            let wait = schedule
                .due_at(self.start, number)
                .saturating_duration_since(Instant::now());
            if !wait.is_zero() {
                std::thread::sleep(wait);
            }
            schedule.due.add_permits(1);
        }
        schedule.due.add_permits(clients);
    }
}

impl Schedule {
    fn due_at(&self, start: Instant, number: u64) -> Instant {
        // Not a sum of intervals: their rounding errors would add up.
        start + Duration::from_secs_f64(self.interval_s * number as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[tokio::test]
    async fn an_open_loop_hands_out_every_time_once_even_to_a_late_client() {
        let start = Instant::now();
        let pace = Arc::new(Pace::new(start, Duration::from_millis(50), Some(1000.0)));
        let driver = Arc::clone(&pace);
        std::thread::spawn(move || driver.drive(1));
        tokio::time::sleep(Duration::from_millis(20)).await;
        let mut due = Vec::new();
        while let Some(instant) = pace.next().await {
            due.push(instant.duration_since(start).as_millis());
        }
        assert_eq!(due, (0..50).collect::<Vec<_>>(), "not the intended times");
    }

    #[tokio::test]
    async fn a_closed_loop_asks_at_once_and_ends_on_time() {
        let pace = Pace::new(Instant::now(), Duration::from_millis(20), None);
        assert!(pace.next().await.is_some());
        tokio::time::sleep(Duration::from_millis(25)).await;
        assert!(pace.next().await.is_none());
    }
}
