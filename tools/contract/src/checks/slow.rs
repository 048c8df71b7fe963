//! Checks with clients that are slow: to ask, and to take their answers.

use std::{
    io, thread,
    time::{Duration, Instant},
};

use load::{ANSWER_TIMEOUT, Connection, HALF_A_REQUEST, Response};
use processes::Signal;

use crate::{
    Checked, Finding,
    bench::Bench,
    checks::{HEADER_PATIENCE, broken},
    expectations::but,
    hostile::Client,
    service::{Service, Visit},
};

/// Clients that send half a request and wait.
const SLOW_CLIENTS: usize = 500;

/// How long they must be borne and may stay: the header time-out of 5 s, 1 s less for a clock that is
/// not ours, and 3 s more for a busy machine.
const SLOW_CLIENT_MIN: Duration = Duration::from_secs(4);
const SLOW_CLIENT_MAX: Duration = Duration::from_secs(8);

/// How soon somebody else must be served.
const OTHERS_TIMEOUT: Duration = Duration::from_secs(1);

/// The lack is exactly that all the slow clients are still connected at the end. To fail to serve
/// others meanwhile is no known lack, and to close a connection early is no way to have it.
pub fn outlasts_slow_clients(bench: &Bench) -> Checked {
    let (service, _redis) = bench.service()?;
    // To a stranger's server this is an attack. `signal` leaves it out there.
    service.signal(Signal::Continue)?;
    let mut idle = service.connect()?;
    idle.ask("GET", "/")?;
    let mut slow = Vec::with_capacity(SLOW_CLIENTS);
    for _ in 0..SLOW_CLIENTS {
        let mut connection = service.connect()?;
        connection.send_bytes(HALF_A_REQUEST)?;
        slow.push((connection, Instant::now()));
    }
    let deadline = Instant::now() + SLOW_CLIENT_MAX;
    let mut idle_is_closed = false;
    while Instant::now() < deadline && !(slow.is_empty() && idle_is_closed) {
        if let Visit::Refused(last) = service.visit_within(OTHERS_TIMEOUT)? {
            return broken(format!(
                "with {SLOW_CLIENTS} slow clients connected, GET / answered\n{last}"
            ));
        }
        let mut open = Vec::with_capacity(slow.len());
        for (mut connection, since) in slow {
            if !connection.is_closed()? {
                open.push((connection, since));
            } else if since.elapsed() < SLOW_CLIENT_MIN {
                let ms = since.elapsed().as_millis();
                return broken(format!("a half-sent request was closed after {ms} ms"));
            }
        }
        slow = open;
        idle_is_closed = idle_is_closed || idle.is_closed()?;
        thread::sleep(Duration::from_millis(50));
    }
    let (seconds, open) = (SLOW_CLIENT_MAX.as_secs(), slow.len());
    let seen =
        format!("after {seconds} s, {open} of {SLOW_CLIENTS} half-sent requests are still open");
    match open {
        SLOW_CLIENTS => Ok(Finding::lacks(seen)),
        0 if idle_is_closed => answers_half_closed(&service),
        0 => broken(format!(
            "after {seconds} s, an idle connection is still open"
        )),
        _ => broken(seen),
    }
}

/// Clients who have said all that they have to say, and wait for the answer.
const HALF_CLOSED: usize = 32;

/// To end one's own side of a connection is no way to leave it (RFC 9112, section 9.6).
fn answers_half_closed(service: &Service) -> Checked {
    let answers = load::in_parallel(HALF_CLOSED, |_| {
        let mut connection = Connection::open(service.addr)?;
        connection.send("GET", "/")?;
        connection.close_own_side()?;
        connection.receive("GET", ANSWER_TIMEOUT)
    });
    let is_served =
        |answer: &io::Result<Response>| answer.as_ref().is_ok_and(|answer| answer.seen().is_some());
    match answers.iter().filter(|answer| !is_served(answer)).count() {
        0 => Ok(Finding::has()),
        lost => broken(format!(
            "of {HALF_CLOSED} clients that closed their side after a request, {lost} got no number"
        )),
    }
}

/// Clients that ask and ask and never read an answer; and how many are enough to hold up a stop.
const SLOW_READERS: usize = 16;
const SLOW_READERS_AT_STOP: usize = 2;

/// How long it may take until there is no room left for their answers, and how long nothing moves then.
const FILL_TIMEOUT: Duration = Duration::from_secs(30);
const STALL: Duration = Duration::from_secs(1);

/// How long they must be borne and may stay after that: the answer time-out of 5 s, 1 s less for a clock
/// that is not ours, and 3 s more for a busy machine.
const SLOW_READER_MIN: Duration = Duration::from_secs(4);
const SLOW_READER_MAX: Duration = Duration::from_secs(8);

/// A stop in which nobody is waited for but such clients: 1 s and 100 ms, and 3 s for a busy machine.
const STOP_SETTINGS: [(&str, &str); 3] = [
    HEADER_PATIENCE,
    ("ANSWER_TIMEOUT_MS", "60000"),
    ("DRAIN_TIMEOUT_MS", "1000"),
];
const STOP_TIMEOUT: Duration = Duration::from_secs(4);

/// The lack is exactly that all the slow readers are still connected at the end.
pub fn outlasts_slow_readers(bench: &Bench) -> Checked {
    let redis = bench.redis()?;
    let service = bench.start(&redis.url(), &[])?;
    let mut first = service.connect()?;
    first.ask("GET", "/")?;
    if !first.is_open() {
        return Ok(Finding::has_but(but::ONE_ANSWER));
    }
    let started = Instant::now();
    let mut readers = slow_readers(&service, SLOW_READERS)?;
    let deadline = Instant::now() + SLOW_READER_MAX;
    while Instant::now() < deadline && !readers.is_empty() {
        if let Visit::Refused(last) = service.visit_within(OTHERS_TIMEOUT)? {
            return broken(format!(
                "beside {SLOW_READERS} slow readers, GET / answered\n{last}"
            ));
        }
        readers.retain_mut(|reader| !reader.is_closed());
        if readers.len() < SLOW_READERS && started.elapsed() < SLOW_READER_MIN {
            let ms = started.elapsed().as_millis();
            return broken(format!("a slow reader was closed after {ms} ms"));
        }
        thread::sleep(Duration::from_millis(50));
    }
    let (seconds, open) = (SLOW_READER_MAX.as_secs(), readers.len());
    let seen =
        format!("after {seconds} s, {open} of {SLOW_READERS} slow readers are still connected");
    match open {
        SLOW_READERS => Ok(Finding::lacks(seen)),
        0 => stops_beside_slow_readers(bench),
        _ => broken(seen),
    }
}

/// Whoever never reads must not hold up a stop.
fn stops_beside_slow_readers(bench: &Bench) -> Checked {
    let redis = bench.redis()?;
    let mut service = bench.start(&redis.url(), &STOP_SETTINGS)?;
    let _readers = slow_readers(&service, SLOW_READERS_AT_STOP)?;
    service.signal(Signal::Terminate)?;
    service.ends_well_within(STOP_TIMEOUT)?;
    Ok(Finding::has())
}

/// Slow readers who are no longer answered, because there is no room left for their answers.
fn slow_readers(service: &Service, count: usize) -> Checked<Vec<Client>> {
    // No visit: an answer is an answer, and this one costs least. And a long request, so that no
    // thousands of them wait to be read.
    let pad = "x".repeat(500);
    let request = format!("GET /none HTTP/1.1\r\nhost: slow\r\nx-pad: {pad}\r\n\r\n");
    let requests = request.repeat(100).into_bytes();
    let readers = (0..count).map(|_| Client::open_narrow(service.addr));
    let mut readers = readers.collect::<Result<Vec<_>, _>>()?;
    let deadline = Instant::now() + FILL_TIMEOUT;
    let mut last_progress = Instant::now();
    while last_progress.elapsed() < STALL {
        for reader in &mut readers {
            if reader.send(&requests[reader.sent % requests.len()..]) > 0 {
                last_progress = Instant::now();
            }
        }
        if Instant::now() > deadline {
            return broken(format!(
                "{count} clients that do not read are answered for {FILL_TIMEOUT:?}"
            ));
        }
        thread::sleep(Duration::from_millis(2));
    }
    Ok(readers)
}
