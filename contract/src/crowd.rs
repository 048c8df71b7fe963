//! Many visitors at once, each on a connection and in a thread of its own.

use std::{
    net::SocketAddr,
    sync::{
        Barrier,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use crate::http::{ANSWER_TIMEOUT, Connection, Response};

/// How long a refused visitor waits. `Retry-After` asks for longer; most visitors are less patient.
const REFUSED_PAUSE: Duration = Duration::from_millis(100);

/// `clients` visitors make `visits` visits each, over connections that stay open.
///
/// # Errors
///
/// The first visit that did not end with a number.
pub(crate) fn visits(
    addrs: &[SocketAddr],
    clients: usize,
    visits: usize,
) -> Result<Vec<u64>, String> {
    let one = |client: usize| -> Result<Vec<u64>, String> {
        let addr = addrs[client % addrs.len()];
        let error = |error| format!("client {client}: GET /: {error}");
        let mut connection = Connection::open(addr).map_err(error)?;
        let mut numbers = Vec::with_capacity(visits);
        for _ in 0..visits {
            let response = connection.ask("GET", "/").map_err(error)?;
            let number = response
                .seen()
                .ok_or_else(|| format!("client {client}: GET / answered\n{response}"))?;
            numbers.push(number);
        }
        Ok(numbers)
    };
    let results = in_parallel(clients, one);
    let numbers: Result<Vec<Vec<u64>>, String> = results.into_iter().collect();
    Ok(numbers?.concat())
}

/// What is wrong with numbers that must be exactly those from `first` on, in any order.
pub(crate) fn flaw(numbers: &[u64], first: u64) -> Option<String> {
    let mut sorted = numbers.to_vec();
    sorted.sort_unstable();
    let twice: Vec<u64> = sorted
        .windows(2)
        .filter(|pair| pair[0] == pair[1])
        .map(|pair| pair[0])
        .collect();
    let last = first + numbers.len() as u64 - 1;
    let missing: Vec<u64> = (first..=last)
        .filter(|number| sorted.binary_search(number).is_err())
        .collect();
    let strange: Vec<u64> = sorted
        .iter()
        .copied()
        .filter(|number| !(first..=last).contains(number))
        .collect();
    if twice.is_empty() && missing.is_empty() && strange.is_empty() {
        return None;
    }
    let list = |name: &str, numbers: &[u64]| {
        let some: Vec<String> = numbers.iter().take(5).map(u64::to_string).collect();
        let dots = if numbers.len() > 5 { ", …" } else { "" };
        format!("{} {name} ({}{dots})", numbers.len(), some.join(", "))
    };
    let kinds = [
        ("given twice", twice),
        ("missing", missing),
        ("out of range", strange),
    ];
    let kinds = kinds
        .iter()
        .filter(|(_, numbers)| !numbers.is_empty())
        .map(|(name, numbers)| list(name, numbers));
    Some(format!(
        "of the numbers {first} to {last}: {}",
        kinds.collect::<Vec<_>>().join(", ")
    ))
}

/// `clients` visitors ask for the page once, at the same moment. An error stands for no answer.
pub(crate) fn at_once(
    addr: SocketAddr,
    clients: usize,
    path: &str,
) -> Vec<Result<Response, String>> {
    let barrier = Barrier::new(clients);
    in_parallel(clients, |_| {
        let connection = Connection::open(addr);
        barrier.wait();
        let response = connection.and_then(|mut connection| connection.ask("GET", path));
        response.map_err(|error| error.to_string())
    })
}

/// How many visits per second end with a number while `clients` keep coming for `duration`. Whoever
/// is refused comes again a moment later.
pub(crate) fn goodput(addr: SocketAddr, clients: usize, duration: Duration) -> f64 {
    let started = Instant::now();
    let counts = in_parallel(clients, |_| {
        let Ok(mut connection) = Connection::open(addr) else {
            return 0;
        };
        let mut served = 0_u32;
        while started.elapsed() < duration {
            match connection.ask("GET", "/") {
                Ok(response) if response.seen().is_some() => served += 1,
                Ok(_) => thread::sleep(REFUSED_PAUSE),
                Err(_) => break,
            }
        }
        served
    });
    f64::from(counts.iter().sum::<u32>()) / started.elapsed().as_secs_f64()
}

/// What became of the last request of a visitor who saw the server stop.
pub(crate) struct LastRequest {
    /// When the last byte of it was sent.
    pub(crate) sent: Instant,
    /// What happened instead of an answer.
    pub(crate) lost: String,
}

/// `clients` visitors visit in a loop until they are refused a connection or an answer. Returns the
/// last request of everyone whose request was sent and not answered. `meanwhile` runs beside them.
pub(crate) fn until_the_end<T>(
    addr: SocketAddr,
    clients: usize,
    meanwhile: impl FnOnce() -> T,
) -> (Vec<LastRequest>, T) {
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let one = || -> Option<LastRequest> {
            while !over.load(Ordering::Relaxed) {
                let mut connection = Connection::open(addr).ok()?;
                loop {
                    // A connection that is closed before a request went out loses nothing.
                    connection.send("GET", "/").ok()?;
                    let sent = Instant::now();
                    match connection.receive("GET", ANSWER_TIMEOUT) {
                        Ok(_) if connection.is_open() => {}
                        // The server said that it would close, and did.
                        Ok(_) => break,
                        Err(error) => {
                            return Some(LastRequest {
                                sent,
                                lost: error.to_string(),
                            });
                        }
                    }
                    if over.load(Ordering::Relaxed) {
                        return None;
                    }
                }
            }
            None
        };
        let clients: Vec<_> = (0..clients).map(|_| scope.spawn(one)).collect();
        let result = meanwhile();
        over.store(true, Ordering::Relaxed);
        let lost = clients
            .into_iter()
            .filter_map(|client| client.join().expect("a client does not panic"));
        (lost.collect(), result)
    })
}

/// Runs `one` for each of `clients`, all at once, and returns the results in order.
pub(crate) fn in_parallel<T: Send>(clients: usize, one: impl Fn(usize) -> T + Sync) -> Vec<T> {
    thread::scope(|scope| {
        let one = &one;
        let clients: Vec<_> = (0..clients)
            .map(|client| scope.spawn(move || one(client)))
            .collect();
        clients
            .into_iter()
            .map(|client| client.join().expect("a client does not panic"))
            .collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_flaw_is_named() {
        assert_eq!(flaw(&[3, 1, 2], 1), None);
        assert_eq!(
            flaw(&[1, 2, 2, 9], 1).unwrap(),
            "of the numbers 1 to 4: 1 given twice (2), 2 missing (3, 4), 1 out of range (9)"
        );
        assert_eq!(
            flaw(&[1, 3], 1).unwrap(),
            "of the numbers 1 to 2: 1 missing (2), 1 out of range (3)"
        );
    }
}
