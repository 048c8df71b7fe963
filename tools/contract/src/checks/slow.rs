//! Checks with clients that are slow: to ask, and to take their answers.

use load::{ANSWER_TIMEOUT, Connection, HALF_A_REQUEST};
use processes::{Signal, poll};

use super::prelude::*;
use crate::hostile::Client;

/// How long slow clients must be kept and may stay: the header or the answer time-out of 5 s, 1 s less
/// for a clock that is not ours, and 3 s more for a busy machine.
const SLOW_MIN: Duration = Duration::from_secs(4);
const SLOW_MAX: Duration = Duration::from_secs(8);

/// How long it is between two counts of those that are closed.
const WATCH_INTERVAL: Duration = Duration::from_millis(50);

/// Clients that send half a request and wait.
const SLOW_CLIENTS: usize = 500;

/// The lack is exactly that all the slow clients are still connected at the end. To fail to serve
/// others meanwhile is no known lack, and to close a connection early is no way to have it.
pub fn outlasts_slow_clients(testbed: &Testbed) -> Checked {
    let (_redis, service) = testbed.service()?;
    // To a server that is not ours this is an attack. `signal` leaves it out there.
    service.signal(Signal::Continue)?;
    let mut idle = service.connect()?;
    idle.ask("GET", "/")?;
    let slow = (0..SLOW_CLIENTS).map(|_| {
        let mut connection = service.connect()?;
        connection.send_bytes(HALF_A_REQUEST)?;
        Ok((connection, Instant::now()))
    });
    let slow = slow.collect::<Checked<Vec<_>>>()?;
    let deadline = Instant::now() + SLOW_MAX;
    let is_closed = |connection: &mut Connection| Ok(connection.is_closed()?);
    outlast(&service, slow, is_closed, ("half-sent requests", "open"))?;
    let rest = deadline.saturating_duration_since(Instant::now());
    let is_closed = || idle.is_closed().ok()?.then_some(());
    if poll(rest, WATCH_INTERVAL, is_closed).is_none() {
        return unless_busy(broken(format!(
            "after {SLOW_MAX:?}, an idle connection is still open"
        )));
    }
    answers_half_closed(&service)
}

/// Waits until all of these clients are closed, none of them too early, while others are served. It is the
/// lack if not one of them is closed in time.
fn outlast<C>(
    service: &Service,
    mut clients: Vec<(C, Instant)>,
    mut is_closed: impl FnMut(&mut C) -> Checked<bool>,
    (what, still): (&str, &str),
) -> Checked {
    let (all, deadline) = (clients.len(), Instant::now() + SLOW_MAX);
    while Instant::now() < deadline && !clients.is_empty() {
        service.serves_within(OTHERS_TIMEOUT, format_args!("beside {all} {what}"))?;
        let mut open = Vec::with_capacity(clients.len());
        for (mut client, since) in clients {
            if !is_closed(&mut client)? {
                open.push((client, since));
            } else if since.elapsed() < SLOW_MIN {
                let ms = since.elapsed().as_millis();
                return broken(format!("one of {all} {what} was closed after {ms} ms"));
            }
        }
        clients = open;
        thread::sleep(WATCH_INTERVAL);
    }
    let (open, seconds) = (clients.len(), SLOW_MAX.as_secs());
    let seen = format!("after {seconds} s, {open} of {all} {what} are still {still}");
    match open {
        0 => Ok(()),
        _ if open == all => lacks(seen),
        _ => unless_busy(broken(seen)),
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
    let pages = answers
        .iter()
        .flatten()
        .filter(|page| page.seen().is_some());
    match HALF_CLOSED - pages.count() {
        0 => Ok(()),
        lost => unless_busy(broken(format!(
            "of {HALF_CLOSED} clients that closed their side after a request, {lost} got no number"
        ))),
    }
}

/// Clients that ask and ask and never read an answer; and how many are enough to hold up a stop.
const SLOW_READERS: usize = 16;
const SLOW_READERS_AT_STOP: usize = 2;

/// How long it may take until there is no room left for their answers, and how long nothing moves then.
const FILL_TIMEOUT: Duration = Duration::from_secs(30);
const STALL: Duration = Duration::from_secs(1);

/// A stop in which nobody is waited for but such clients: 1 s and 100 ms, and 3 s for a busy machine.
const STOP_SETTINGS: [(&str, &str); 3] = [
    LONG_HEADER_TIMEOUT,
    ("ANSWER_TIMEOUT_MS", "60000"),
    ("DRAIN_TIMEOUT_MS", "1000"),
];
const STOP_TIMEOUT: Duration = Duration::from_secs(4);

/// The lack is exactly that all the slow readers are still connected at the end.
pub fn outlasts_slow_readers(testbed: &Testbed) -> Checked {
    let (_redis, service) = testbed.own(&[])?;
    let mut first = service.connect()?;
    first.ask("GET", "/")?;
    if !first.is_open() {
        return has_but(but::ONE_ANSWER);
    }
    let readers = slow_readers(&service, SLOW_READERS)?;
    let is_closed = |reader: &mut Client| Ok(reader.is_closed());
    outlast(&service, readers, is_closed, ("slow readers", "connected"))?;
    stops_beside_slow_readers(testbed)
}

/// Whoever never reads must not hold up a stop.
fn stops_beside_slow_readers(testbed: &Testbed) -> Checked {
    let (_redis, mut service) = testbed.own(&STOP_SETTINGS)?;
    let _readers = slow_readers(&service, SLOW_READERS_AT_STOP)?;
    service.signal(Signal::Terminate)?;
    service.ends_well_within(STOP_TIMEOUT)
}

/// Slow readers who are no longer answered, because there is no room left for their answers.
fn slow_readers(service: &Service, count: usize) -> Checked<Vec<(Client, Instant)>> {
    // No visit: an answer is an answer, and this one costs least. And a long request, so that no
    // thousands of them wait to be read.
    let pad = "x".repeat(500);
    let request = format!("GET /none HTTP/1.1\r\nhost: slow\r\nx-pad: {pad}\r\n\r\n");
    let requests = request.repeat(100).into_bytes();
    let readers = (0..count).map(|_| Ok((Client::open_narrow(service.addr)?, Instant::now())));
    let mut readers = readers.collect::<Checked<Vec<_>>>()?;
    let deadline = Instant::now() + FILL_TIMEOUT;
    let mut last_progress = Instant::now();
    while last_progress.elapsed() < STALL {
        for (reader, _) in &mut readers {
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
