//! Many clients at once, each on a connection and in a thread of its own.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Barrier,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant},
};

use crate::http::{ANSWER_TIMEOUT, Connection, Response};

/// How long a client waits that was refused. `Retry-After` asks for longer; most wait for less.
const REFUSED_PAUSE: Duration = Duration::from_millis(100);

/// Runs `one` for each of `clients`, all at once, and returns the results in order.
pub fn in_parallel<T: Send>(clients: usize, one: impl Fn(usize) -> T + Sync) -> Vec<T> {
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

/// `clients` ask for a page once, at the same moment, and wait no longer than `timeout`. An error stands
/// for no answer.
pub fn at_once(
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

/// `clients` connect at the same moment, and give up after `timeout`.
pub fn connect_at_once(
    addr: SocketAddr,
    clients: usize,
    timeout: Duration,
) -> Vec<io::Result<Connection>> {
    in_parallel(clients, |_| Connection::open_within(addr, timeout))
}

/// One visit: its number, or `None` if it was refused with a 503 and `Retry-After`.
fn visit(connection: &mut Connection) -> Result<Option<u64>, String> {
    let response = connection.ask("GET", "/");
    let response = response.map_err(|error| format!("GET /: {error}"))?;
    match response.seen() {
        None if !response.turns_away() => Err(format!("GET / answered\n{response}")),
        number => Ok(number),
    }
}

/// `clients` make `visits` visits each, over connections that stay open. Returns their numbers; or `None`
/// if a visit was refused, which a busy machine can be the reason for.
///
/// # Errors
///
/// The first visit that ended in any other way.
pub fn visits(addr: SocketAddr, clients: usize, visits: usize) -> Result<Option<Vec<u64>>, String> {
    let one = |client: usize| -> Result<Option<Vec<u64>>, String> {
        let error = |error| format!("client {client}: {error}");
        let connection = Connection::open(addr);
        let mut connection = connection.map_err(|what| error(format!("GET /: {what}")))?;
        (0..visits)
            .map(|_| visit(&mut connection).map_err(error).transpose())
            .collect::<Option<_>>()
            .transpose()
    };
    let numbers: Result<Vec<Option<Vec<u64>>>, String> =
        in_parallel(clients, one).into_iter().collect();
    let numbers: Option<Vec<Vec<u64>>> = numbers?.into_iter().collect();
    Ok(numbers.map(|numbers| numbers.concat()))
}

/// A visit that was answered.
pub struct Answer {
    /// When it was asked for.
    pub sent: Instant,
    /// Its number, or `None` if it was refused: 503 with `Retry-After`.
    pub number: Option<u64>,
}

/// `clients` visit again and again while `meanwhile` runs, which begins when all are connected. A client
/// that is refused comes again a moment later. Returns what they were answered, and what `meanwhile` did.
///
/// # Errors
///
/// The first visit that ended with neither a number nor a 503 with `Retry-After`.
pub fn beside<T>(
    addr: SocketAddr,
    clients: usize,
    meanwhile: impl FnOnce() -> T,
) -> (Result<Vec<Answer>, String>, T) {
    let over = AtomicBool::new(false);
    let barrier = Barrier::new(clients + 1);
    let one = |client: usize| -> Result<Vec<Answer>, String> {
        let error = |error| format!("client {client}: {error}");
        let connection = Connection::open(addr);
        barrier.wait();
        let mut connection = connection.map_err(|what| error(format!("GET /: {what}")))?;
        let mut answers = Vec::new();
        while !over.load(Relaxed) {
            let sent = Instant::now();
            let number = visit(&mut connection).map_err(error)?;
            answers.push(Answer { sent, number });
            if number.is_none() {
                thread::sleep(REFUSED_PAUSE);
            }
        }
        Ok(answers)
    };
    thread::scope(|scope| {
        let load = scope.spawn(|| in_parallel(clients, one));
        barrier.wait();
        let result = meanwhile();
        over.store(true, Relaxed);
        let answers = load.join().expect("a client does not panic");
        let answers: Result<Vec<Vec<Answer>>, String> = answers.into_iter().collect();
        let answers = answers.map(|answers| answers.into_iter().flatten().collect());
        (answers, result)
    })
}

/// What clients got that kept coming.
pub struct Goodput {
    /// Visits that ended with a number, per second.
    pub per_second: f64,
    /// Visits that were refused: 503 with `Retry-After`.
    pub refused: usize,
}

/// `clients` visit again and again for `duration`.
///
/// # Errors
///
/// The first visit that ended with neither a number nor a 503 with `Retry-After`.
pub fn goodput(addr: SocketAddr, clients: usize, duration: Duration) -> Result<Goodput, String> {
    let (answers, ()) = beside(addr, clients, || thread::sleep(duration));
    let answers = answers?;
    let refused = answers.iter().filter(|answer| answer.number.is_none());
    let refused = refused.count();
    Ok(Goodput {
        per_second: (answers.len() - refused) as f64 / duration.as_secs_f64(),
        refused,
    })
}

/// A request on an open connection that was not answered.
pub struct Lost {
    /// When the last byte of it was sent; or, if it could not be sent, when that was tried.
    pub sent: Instant,
    /// Whether some of an answer came.
    pub is_cut: bool,
    /// What happened instead.
    pub why: String,
}

/// What visitors saw who came until the server was gone.
#[derive(Default)]
pub struct Visitors {
    /// Requests that were answered.
    pub answered: usize,
    /// The last request of everyone whose request was not answered.
    pub lost: Vec<Lost>,
}

/// `clients` visit in a loop until they are refused a connection or an answer, each visit on a new
/// connection or all on one. `meanwhile` runs beside them; when it is over, or says so before by setting
/// what it is given, they come no more.
pub fn until_gone<T>(
    addr: SocketAddr,
    clients: usize,
    keeps_alive: bool,
    meanwhile: impl FnOnce(&AtomicBool) -> T,
) -> (Visitors, T) {
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let load = scope.spawn(|| in_parallel(clients, |_| visitor(addr, keeps_alive, &over)));
        let result = meanwhile(&over);
        over.store(true, Relaxed);
        let mut all = Visitors::default();
        for (answered, lost) in load.join().expect("a client does not panic") {
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
            if over.load(Relaxed) {
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
