//! Many visitors at once, each on a connection and in a thread of its own.

mod flaw;

use std::{
    io,
    net::SocketAddr,
    sync::{
        Barrier,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use crate::http::{ANSWER_TIMEOUT, Connection, Response};
pub(crate) use flaw::flaw;

/// How long a visitor who was turned away waits. `Retry-After` asks for longer; most are less patient.
const REFUSED_PAUSE: Duration = Duration::from_millis(100);

/// `clients` visitors make `visits` visits each, over connections that stay open. Returns their numbers;
/// or `None` if somebody was turned away, which a busy machine can be the reason for.
///
/// # Errors
///
/// The first visit that ended in any other way.
pub(crate) fn visits(
    addr: SocketAddr,
    clients: usize,
    visits: usize,
) -> Result<Option<Vec<u64>>, String> {
    let one = |client: usize| -> Result<Option<Vec<u64>>, String> {
        let error = |error| format!("client {client}: GET /: {error}");
        let mut connection = Connection::open(addr).map_err(error)?;
        let mut numbers = Vec::with_capacity(visits);
        for _ in 0..visits {
            let response = connection.ask("GET", "/").map_err(error)?;
            match response.seen() {
                Some(number) => numbers.push(number),
                None if response.turns_away() => return Ok(None),
                None => return Err(format!("client {client}: GET / answered\n{response}")),
            }
        }
        Ok(Some(numbers))
    };
    let numbers: Result<Vec<Option<Vec<u64>>>, String> =
        in_parallel(clients, one).into_iter().collect();
    let numbers: Option<Vec<Vec<u64>>> = numbers?.into_iter().collect();
    Ok(numbers.map(|numbers| numbers.concat()))
}

/// `clients` visitors ask for the page once, at the same moment. An error stands for no answer.
pub(crate) fn at_once(
    addr: SocketAddr,
    clients: usize,
    path: &str,
) -> Vec<Result<Response, String>> {
    at_once_within(addr, clients, path, ANSWER_TIMEOUT)
}

/// The same, for visitors who do not wait for longer than that.
pub(crate) fn at_once_within(
    addr: SocketAddr,
    clients: usize,
    path: &str,
    timeout: Duration,
) -> Vec<Result<Response, String>> {
    let barrier = Barrier::new(clients);
    in_parallel(clients, |_| {
        let connection = Connection::open(addr);
        barrier.wait();
        let response = connection.and_then(|mut connection| {
            connection.send("GET", path)?;
            connection.receive("GET", timeout)
        });
        response.map_err(|error| error.to_string())
    })
}

/// `clients` visitors connect at the same moment, and give up after `patience`.
pub(crate) fn connect(
    addr: SocketAddr,
    clients: usize,
    patience: Duration,
) -> Vec<io::Result<Connection>> {
    in_parallel(clients, |_| Connection::open_within(addr, patience))
}

/// What visitors got who kept coming.
pub(crate) struct Goodput {
    /// Visits that ended with a number, per second.
    pub(crate) per_second: f64,
    /// Visits that were turned away: 503 with `Retry-After`.
    pub(crate) turned_away: u32,
}

/// `clients` keep coming for `duration`. Whoever is turned away comes again a moment later.
///
/// # Errors
///
/// The first visit that ended with neither a number nor a 503 with `Retry-After`.
pub(crate) fn goodput(
    addr: SocketAddr,
    clients: usize,
    duration: Duration,
) -> Result<Goodput, String> {
    let barrier = Barrier::new(clients);
    let one = |client: usize| -> Result<(u32, u32), String> {
        let error = |error| format!("client {client}: GET /: {error}");
        let connection = Connection::open(addr);
        barrier.wait();
        let started = Instant::now();
        let mut connection = connection.map_err(error)?;
        let (mut served, mut turned_away) = (0, 0);
        while started.elapsed() < duration {
            let response = connection.ask("GET", "/").map_err(error)?;
            if response.seen().is_some() {
                served += 1;
            } else if response.turns_away() {
                turned_away += 1;
                thread::sleep(REFUSED_PAUSE);
            } else {
                return Err(format!("client {client}: GET / answered\n{response}"));
            }
        }
        Ok((served, turned_away))
    };
    let clients: Result<Vec<(u32, u32)>, String> = in_parallel(clients, one).into_iter().collect();
    let clients = clients?;
    let served: u32 = clients.iter().map(|(served, _)| served).sum();
    Ok(Goodput {
        per_second: f64::from(served) / duration.as_secs_f64(),
        turned_away: clients.iter().map(|(_, turned_away)| turned_away).sum(),
    })
}

/// A visit that was answered.
pub(crate) struct Answer {
    /// When it was asked for.
    pub(crate) sent: Instant,
    /// The number, or `None` if the visitor was turned away.
    pub(crate) number: Option<u64>,
}

/// `clients` keep coming while `meanwhile` runs. Whoever is turned away comes again a moment later.
///
/// # Errors
///
/// The first visit that ended with neither a number nor a 503 with `Retry-After`.
pub(crate) fn beside<T>(
    addr: SocketAddr,
    clients: usize,
    meanwhile: impl FnOnce() -> T,
) -> (Result<Vec<Answer>, String>, T) {
    let over = AtomicBool::new(false);
    let one = |client: usize| -> Result<Vec<Answer>, String> {
        let error = |error| format!("client {client}: GET /: {error}");
        let mut connection = Connection::open(addr).map_err(error)?;
        let mut answers = Vec::new();
        while !over.load(Ordering::Relaxed) {
            let sent = Instant::now();
            let response = connection.ask("GET", "/").map_err(error)?;
            let number = response.seen();
            if number.is_none() {
                if !response.turns_away() {
                    return Err(format!("client {client}: GET / answered\n{response}"));
                }
                thread::sleep(REFUSED_PAUSE);
            }
            answers.push(Answer { sent, number });
        }
        Ok(answers)
    };
    thread::scope(|scope| {
        let load = scope.spawn(|| in_parallel(clients, one));
        let result = meanwhile();
        over.store(true, Ordering::Relaxed);
        let answers = load.join().expect("a client does not panic");
        let answers: Result<Vec<Vec<Answer>>, String> = answers.into_iter().collect();
        let answers = answers.map(|answers| answers.into_iter().flatten().collect());
        (answers, result)
    })
}

/// A request on an open connection that was not answered.
pub(crate) struct Lost {
    /// When the last byte of it was sent; or, if it could not be sent, when that was tried.
    pub(crate) sent: Instant,
    /// Whether some of an answer came.
    pub(crate) is_cut: bool,
    /// What happened instead.
    pub(crate) why: String,
}

/// What visitors saw who came until the server was gone.
#[derive(Default)]
pub(crate) struct Visitors {
    /// Requests that were answered.
    pub(crate) answered: usize,
    /// The last request of everyone whose request was not answered.
    pub(crate) lost: Vec<Lost>,
}

/// `clients` visitors visit in a loop until they are refused a connection or an answer, each visit on a
/// new connection or all on one. `meanwhile` runs beside them; when it is over, or says so before, they
/// come no more.
pub(crate) fn until_the_end<T>(
    addr: SocketAddr,
    clients: usize,
    keeps_alive: bool,
    meanwhile: impl FnOnce(&AtomicBool) -> T,
) -> (Visitors, T) {
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let one = || visitor(addr, keeps_alive, &over);
        let clients: Vec<_> = (0..clients).map(|_| scope.spawn(one)).collect();
        let result = meanwhile(&over);
        over.store(true, Ordering::Relaxed);
        let mut all = Visitors::default();
        for client in clients {
            let (answered, lost) = client.join().expect("a client does not panic");
            all.answered += answered;
            all.lost.extend(lost);
        }
        (all, result)
    })
}

/// One of them: how many requests were answered, and the last one, if it was not. Whoever gets no
/// connection has lost nothing: nobody was there, and that is what it was told.
fn visitor(addr: SocketAddr, keeps_alive: bool, over: &AtomicBool) -> (usize, Option<Lost>) {
    let mut answered = 0;
    while let Ok(mut connection) = Connection::open(addr) {
        // The server may say that it closes the connection, and do it.
        while connection.is_open() {
            if over.load(Ordering::Relaxed) {
                return (answered, None);
            }
            let is_sent = connection.send("GET", "/");
            let sent = Instant::now();
            let answer = match &is_sent {
                Ok(()) => connection.receive("GET", ANSWER_TIMEOUT).map(drop),
                Err(error) => Err(io::Error::from(error.kind())),
            };
            if let Err(error) = answer {
                let lost = Lost {
                    sent,
                    is_cut: is_sent.is_ok() && connection.has_begun(),
                    why: error.to_string(),
                };
                return (answered, Some(lost));
            }
            answered += 1;
            if !keeps_alive {
                break;
            }
        }
    }
    (answered, None)
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
