//! Checks in which more come than there is room for.

use std::{fs, io};

use load::{ANSWER_TIMEOUT, Connection, Response, ledger};
use private_redis::RedisServer;
use processes::Signal;

use super::prelude::*;

/// Clients that connect in the same moment.
const BURST: usize = 500;

/// How long they wait for that. Who finds room in the listen backlog is connected at once, and who finds
/// none is not at all while the service is frozen: how long this is decides nothing.
const BURST_TIMEOUT: Duration = Duration::from_secs(3);

/// How many of them ask at once afterwards. One after the other, the last would still be silent when a
/// service on a busy machine rightly closes an idle connection; all at once would be a flood.
const GROUP: usize = 32;

/// How long it may take until a signal has frozen every thread of the service.
const FREEZE_TIME: Duration = Duration::from_millis(100);

/// Where Linux says how long a listen backlog may be, whatever a service asks for.
const BACKLOG_MAX: &str = "/proc/sys/net/core/somaxconn";

/// The limit that `sheds` sets, and how many come beyond it.
const IN_FLIGHT: usize = 64;
const BEYOND: usize = 32;

/// How long a refusal may take when there are too many visits.
const SHED_TIMEOUT: Duration = Duration::from_millis(50);

/// The share of the peak that must be served when twice as many come.
const GOODPUT_MIN: f64 = 0.8;

/// How long each load lasts, and how often two are compared: on a busy machine, one of them may
/// have all the luck.
const LOAD_TIME: Duration = Duration::from_millis(400);
const COMPARISONS: usize = 12;

/// How often the rest is refused until that is in time, and how long the service may take in between to
/// come to itself.
const TRIES: usize = 3;
const CALM: Duration = Duration::from_secs(2);

/// The kernel completes a connection before the service accepts it, and lets it wait in the listen backlog.
/// How many have room there shows when the service is frozen and accepts none. The lack is exactly that
/// some clients find no room: whoever does must be served as soon as the service goes on.
pub fn queues_a_burst(testbed: &Testbed) -> Checked {
    let (_redis, service) = testbed.service()?;
    // A server that is not ours cannot be frozen. `signal` leaves it out.
    service.signal(Signal::Continue)?;
    ensure_room_for_a_burst()?;
    let before = service.visit()?;
    service.signal(Signal::Stop)?;
    thread::sleep(FREEZE_TIME);
    let burst = load::in_parallel(BURST, |_| {
        Connection::open_within(service.addr, BURST_TIMEOUT)
    });
    service.signal(Signal::Continue)?;
    let mut connected = Vec::with_capacity(BURST);
    for connection in burst {
        match connection {
            Err(error) if error.kind() == io::ErrorKind::TimedOut => {}
            connection => connected.push(connection?),
        }
    }
    let mut numbers = Vec::with_capacity(BURST);
    for group in connected.chunks_mut(GROUP) {
        let sent: Vec<_> = group.iter_mut().map(|one| one.send("GET", "/")).collect();
        for (connection, sent) in group.iter_mut().zip(sent) {
            let answer = sent.and_then(|()| connection.receive("GET", ANSWER_TIMEOUT));
            let answer = service.logged(answer, "of the clients that found room, one saw")?;
            numbers.push(service.number(answer)?);
        }
    }
    let count = numbers.len();
    match ledger::flaw(&numbers, before + 1, 0) {
        Some(flaw) => broken(flaw),
        None if count == BURST => Ok(()),
        None => lacks(format!(
            "{count} of {BURST} connections found room in the listen backlog; the other clients have to \
             connect again"
        )),
    }
}

/// A system that lets fewer visitors wait tells nothing about the service.
fn ensure_room_for_a_burst() -> Checked {
    let max = fs::read_to_string(BACKLOG_MAX).ok();
    match max.and_then(|max| max.trim().parse().ok()) {
        Some(BURST..) => Ok(()),
        _ => left_out(format!(
            "{BACKLOG_MAX} does not say that {BURST} connections may wait; on Linux, set it to {BURST} or more"
        )),
    }
}

/// The lack is exactly that no visit is refused.
pub fn sheds(testbed: &Testbed) -> Checked {
    let limit = IN_FLIGHT.to_string();
    let (redis, service) = testbed.own(&[("MAX_IN_FLIGHT", &limit)])?;
    retry(TRIES, || refuses_the_rest(&service, &redis))?;
    retry(COMPARISONS, || keeps_serving(&service))
}

/// Sends more visits at once than the limit while Redis is frozen, so that none of them can end. Those
/// beyond the limit must be refused at once.
fn refuses_the_rest(service: &Service, redis: &RedisServer) -> Checked {
    // Be it served or not: what matters comes now.
    _ = service.visit_within(CALM)?;
    let visits = IN_FLIGHT + BEYOND;
    redis.freeze()?;
    let answers = service.ask_at_once(visits, "/", "beyond the limit");
    redis.thaw()?;
    let answers = answers?;
    let is_odd = |answer: &&Response| answer.seen().is_none() && !answer.is_failure();
    if let Some(odd) = answers.iter().find(is_odd) {
        return broken(format!("of {visits} visits at once, one saw\n{odd}"));
    }
    if answers.iter().all(|answer| answer.status != 503) {
        return lacks(format!("no visit is refused when {visits} come at once"));
    }
    let is_shed = |answer: &&Response| answer.turns_away() && answer.took <= SHED_TIMEOUT;
    match answers.iter().filter(is_shed).count() {
        BEYOND => Ok(()),
        shed => unless_busy(broken(format!(
            "of {visits} visits at once with a limit of {IN_FLIGHT}, {shed} got a 503 with Retry-After \
             within {SHED_TIMEOUT:?}; expected: {BEYOND}"
        ))),
    }
}

/// The visits within the limit must all be served, and nearly as many when twice as many come.
fn keeps_serving(service: &Service) -> Checked {
    let load = |clients| -> Checked<_> {
        let (answers, ()) = load::beside(service.addr, clients, || thread::sleep(LOAD_TIME));
        let answers = answers.or_else(|error| broken(format!("of {clients} clients, {error}")))?;
        let (numbers, refused) = load::numbers(&answers);
        Ok((numbers.len() as f64 / LOAD_TIME.as_secs_f64(), refused))
    };
    let ((peak, refused), (doubled, _)) = (load(IN_FLIGHT)?, load(2 * IN_FLIGHT)?);
    if doubled > 0.0 && refused == 0 && doubled >= GOODPUT_MIN * peak {
        return Ok(());
    }
    unless_busy(broken(format!(
        "as many clients as the limit make {peak:.0} visits a second, and {refused} are refused; twice as \
         many make {doubled:.0}"
    )))
}
