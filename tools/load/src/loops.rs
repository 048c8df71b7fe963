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

/// The same, beside `meanwhile`. When that is over, or says so before by setting what both are given, the
/// clients are to end. Returns the results of both.
pub fn until<T: Send, U>(
    clients: usize,
    one: impl Fn(usize, &AtomicBool) -> T + Sync,
    meanwhile: impl FnOnce(&AtomicBool) -> U,
) -> (Vec<T>, U) {
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let clients = scope.spawn(|| in_parallel(clients, |client| one(client, &over)));
        let result = meanwhile(&over);
        over.store(true, Relaxed);
        (clients.join().expect("a client does not panic"), result)
    })
}

/// `clients` ask for a page once, at the same moment, and wait no longer than `timeout`. An error stands
/// for no answer.
pub fn at_once(
    addr: SocketAddr,
    clients: usize,
    path: &str,
    timeout: Duration,
) -> Vec<io::Result<Response>> {
    let barrier = Barrier::new(clients);
    in_parallel(clients, |_| {
        let connection = Connection::open(addr);
        barrier.wait();
        connection?.ask_within("GET", path, timeout)
    })
}

/// A visit that was answered.
pub struct Answer {
    /// When it was asked for.
    pub sent: Instant,
    /// Its number, or `None` if it was refused.
    pub number: Option<u64>,
}

/// The numbers among the answers, and how many visits were refused.
pub fn numbers<'a>(answers: impl IntoIterator<Item = &'a Answer>) -> (Vec<u64>, usize) {
    let (served, refused): (Vec<&Answer>, Vec<&Answer>) = answers
        .into_iter()
        .partition(|answer| answer.number.is_some());
    let numbers = served.iter().filter_map(|answer| answer.number);
    (numbers.collect(), refused.len())
}

/// `clients` make `visits` visits each. A client that is refused, with whatever 5xx, makes its next one a
/// moment later.
///
/// # Errors
///
/// The first visit that ended with neither a number nor a 5xx.
pub fn visits(addr: SocketAddr, clients: usize, visits: usize) -> Result<Vec<Answer>, String> {
    let barrier = Barrier::new(clients);
    let one = |_| visit(addr, &barrier, Response::is_failure, |made| made < visits);
    flatten(in_parallel(clients, one))
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
    let barrier = Barrier::new(clients + 1);
    let one = |_, over: &AtomicBool| {
        visit(addr, &barrier, Response::turns_away, |_| {
            !over.load(Relaxed)
        })
    };
    let (answers, result) = until(clients, one, |_| {
        barrier.wait();
        meanwhile()
    });
    (flatten(answers), result)
}

fn flatten(answers: Vec<Result<Vec<Answer>, String>>) -> Result<Vec<Answer>, String> {
    let answers: Result<Vec<_>, String> = answers.into_iter().collect();
    Ok(answers?.into_iter().flatten().collect())
}

/// One of them, who visits for as long as `goes_on` says, which is told how many visits were made.
fn visit(
    addr: SocketAddr,
    barrier: &Barrier,
    is_refusal: fn(&Response) -> bool,
    goes_on: impl Fn(usize) -> bool,
) -> Result<Vec<Answer>, String> {
    let failed = |error: io::Error| format!("GET /: {error}");
    let connection = Connection::open(addr);
    barrier.wait();
    let mut connection = connection.map_err(failed)?;
    let mut answers = Vec::new();
    while goes_on(answers.len()) {
        let sent = Instant::now();
        let response = connection.ask("GET", "/").map_err(failed)?;
        let number = response.seen();
        answers.push(Answer { sent, number });
        if is_refusal(&response) {
            thread::sleep(REFUSED_PAUSE);
        } else if number.is_none() {
            return Err(format!("GET / answered\n{response}"));
        }
    }
    Ok(answers)
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

/// `clients` visit in a loop until they are refused a connection or an answer, each visit on a new
/// connection or all on one. `meanwhile` runs beside them; when it is over, or says so before by setting
/// what it is given, they come no more. Returns how many requests were answered, the last request of
/// everyone whose request was not, and what `meanwhile` did.
pub fn until_gone<T>(
    addr: SocketAddr,
    clients: usize,
    keeps_alive: bool,
    meanwhile: impl FnOnce(&AtomicBool) -> T,
) -> (usize, Vec<Lost>, T) {
    let one = |_, over: &AtomicBool| visit_until_gone(addr, keeps_alive, over);
    let (clients, result) = until(clients, one, meanwhile);
    let (answered, lost): (Vec<usize>, Vec<Option<Lost>>) = clients.into_iter().unzip();
    let lost = lost.into_iter().flatten().collect();
    (answered.into_iter().sum(), lost, result)
}

/// One of them: how many requests were answered, and the last one, if it was not. Whoever gets no
/// connection has lost nothing: nobody was there, and that is what it was told.
fn visit_until_gone(
    addr: SocketAddr,
    keeps_alive: bool,
    over: &AtomicBool,
) -> (usize, Option<Lost>) {
    let mut answered = 0;
    while let Ok(mut connection) = Connection::open(addr) {
        // The server may say that it closes the connection, and do it.
        while connection.is_open() {
            if over.load(Relaxed) {
                return (answered, None);
            }
            let is_sent = connection.send("GET", "/");
            let sent = Instant::now();
            let answer = is_sent.and_then(|()| connection.receive("GET", ANSWER_TIMEOUT));
            if let Err(error) = answer {
                let (is_cut, why) = (connection.has_begun(), error.to_string());
                return (answered, Some(Lost { sent, is_cut, why }));
            }
            answered += 1;
            if !keeps_alive {
                break;
            }
        }
    }
    (answered, None)
}
