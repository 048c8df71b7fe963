//! The built-in load generator: a closed loop where wrk is missing, and the open loop.
//!
//! The open loop is for latency. Clients do not wait for each other, so request number *i* is due
//! at *i* ÷ rate after the start, whatever became of those before it. Its latency counts from the
//! moment it was due, not from the moment a connection was free to send it: a server that stops for
//! a second delays every request that is due in that second, and all of them are counted.
//!
//! Every number that comes back is kept, and at the end each must be there only once.

mod connection;
mod pace;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use hdrhistogram::Histogram;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use crate::engine::{Order, RESPONSE_TIMEOUT};
use crate::results::{Failure, Latency, LoadReport};
use connection::Client;
use pace::Pace;

/// How long all connections together may take to be made before the load begins. Those that are
/// not ready then are made when they are needed.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// How long a client that could not connect waits before the next try.
const RETRY_INTERVAL: Duration = Duration::from_millis(10);

/// The longest latency that is told from longer ones, in microseconds.
const LATENCY_MAX_US: u64 = 60_000_000;

/// How exact percentiles are: 3 significant digits.
const LATENCY_DIGITS: u8 = 3;

/// What one connection saw.
#[derive(Debug, Default)]
struct Tally {
    /// The number on each page, and how long it took in microseconds.
    visits: Vec<(u64, u64)>,
    failures: Vec<Failure>,
}

/// Generates a load and reports what was seen.
///
/// # Errors
///
/// When the system gives no threads.
pub(crate) fn run(order: &Order) -> Result<LoadReport> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(order.threads as usize)
        .enable_all()
        .build()
        .context("cannot start the threads of the load generator")?;
    Ok(runtime.block_on(generate(order)))
}

async fn generate(order: &Order) -> LoadReport {
    let clients = connect(order).await;
    let start = Instant::now();
    let pace = Arc::new(Pace::new(start, order.duration, order.rate));
    if order.rate.is_some() {
        let pace = Arc::clone(&pace);
        let clients = clients.len();
        // A thread of its own: the timer of the runtime is only exact to a millisecond.
        std::thread::spawn(move || pace.drive(clients));
    }
    let mut tasks = JoinSet::new();
    for client in clients {
        tasks.spawn(visit_until_done(client, Arc::clone(&pace)));
    }
    let tallies = tasks.join_all().await;
    // An open loop that lags behind needs longer, and so is seen to have a lower rate.
    report(&tallies, start.elapsed().max(order.duration))
}

/// Makes all connections before the load begins: a thousand handshakes at once are a load of their
/// own, and not the one to measure.
async fn connect(order: &Order) -> Vec<Client> {
    let mut tasks = JoinSet::new();
    let deadline = Instant::now() + CONNECT_TIMEOUT;
    for _ in 0..order.connections {
        let mut client = Client::new(order.page.clone());
        tasks.spawn(async move {
            // A failure shows again when the client needs the connection, and is counted then.
            let _ = tokio::time::timeout_at(deadline, client.connect()).await;
            client
        });
    }
    tasks.join_all().await
}

/// Visits the page whenever it is time, until there is nothing more to do.
async fn visit_until_done(mut client: Client, pace: Arc<Pace>) -> Tally {
    let mut tally = Tally::default();
    while let Some(due) = pace.next().await {
        let remaining = match pace.end() {
            // A closed loop ends on time. What is under way then is no response.
            Some(end) => end.saturating_duration_since(Instant::now()),
            None => Duration::MAX,
        };
        match timeout(RESPONSE_TIMEOUT.min(remaining), client.visit()).await {
            Ok(Ok(number)) => tally
                .visits
                .push((number, due.elapsed().as_micros() as u64)),
            Ok(Err(failure)) => {
                tally.failures.push(failure);
                if failure == Failure::Connect {
                    sleep(RETRY_INTERVAL).await;
                }
            }
            Err(_) if remaining < RESPONSE_TIMEOUT => break,
            Err(_) => tally.failures.push(Failure::Timeout),
        }
    }
    tally
}

/// Adds up what all connections saw.
fn report(tallies: &[Tally], duration: Duration) -> LoadReport {
    let mut latencies = Histogram::<u64>::new_with_max(LATENCY_MAX_US, LATENCY_DIGITS)
        .expect("the limits are constants that fit each other");
    let mut numbers = Vec::new();
    for (number, latency_us) in tallies.iter().flat_map(|tally| &tally.visits) {
        numbers.push(number);
        latencies.saturating_record(*latency_us);
    }
    let given = numbers.len();
    numbers.sort_unstable();
    numbers.dedup();
    let mut errors = BTreeMap::from([(Failure::Duplicate, (given - numbers.len()) as u64)]);
    for failure in tallies.iter().flat_map(|tally| &tally.failures) {
        *errors.entry(*failure).or_default() += 1;
    }
    let is_answer = |failure: &Failure| matches!(failure, Failure::Status | Failure::Body);
    let others = errors.iter().filter(|(failure, _)| is_answer(failure));
    let percentile = |percent| latencies.value_at_quantile(percent / 100.0) as f64;
    LoadReport {
        // What is not the page is a response, too.
        responses: given as u64 + others.map(|(_, number)| number).sum::<u64>(),
        duration_us: duration.as_micros() as u64,
        latency_us: Latency {
            p50: percentile(50.0),
            p90: percentile(90.0),
            p99: percentile(99.0),
            max: latencies.max() as f64,
        },
        errors,
    }
}

#[cfg(test)]
mod tests {
    use std::ops::Range;

    use super::*;

    /// What is reported of two connections with these visits, and a failure.
    fn reported(visits: [Vec<(u64, u64)>; 2]) -> LoadReport {
        let tallies = visits.map(|visits| Tally {
            visits,
            failures: vec![Failure::Read],
        });
        report(&tallies, Duration::from_secs(2))
    }

    #[test]
    fn a_number_that_was_given_twice_is_found_across_connections() {
        let visits = |numbers: &[u64]| numbers.iter().map(|number| (*number, 100)).collect();
        let honest = reported([visits(&[1, 3, 5]), visits(&[2, 4])]);
        assert_eq!(
            (honest.responses, honest.failed(Failure::Duplicate)),
            (5, 0)
        );
        assert_eq!(
            honest.failed(Failure::Read),
            2,
            "a failure of each connection"
        );
        let lying = reported([visits(&[1, 3, 5]), visits(&[2, 5, 5])]);
        assert_eq!((lying.responses, lying.failed(Failure::Duplicate)), (6, 2));
    }

    #[test]
    fn percentiles_are_those_of_all_connections() {
        let visits = |latencies: Range<u64>| latencies.map(|latency| (latency, latency)).collect();
        let report = reported([visits(1..501), visits(501..1001)]);
        let Latency { p50, p90, p99, max } = report.latency_us;
        assert_eq!((p50, p90, p99, max), (500.0, 900.0, 990.0, 1000.0));
        assert_eq!(report.per_second(), 500.0);
    }
}
