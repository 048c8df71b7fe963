//! Checks in which more come than there is room for.

use std::{fs, io, thread, time::Duration};

use load::{ANSWER_TIMEOUT, Response, ledger};
use private_redis::RedisServer;
use processes::Signal;

use super::retry;
use crate::{
    finding::{Checked, Finding, broken, left_out},
    service::{Service, Visit},
    testbed::Testbed,
};

/// Visitors who arrive in the same moment.
const BURST: usize = 500;

/// How long they wait to be let in. Who finds room in the queue is in at once, and who finds none is not
/// let in at all while the service is frozen: how long this is decides nothing.
const BURST_TIMEOUT: Duration = Duration::from_secs(3);

/// How long it may take until a signal has frozen every thread of the service.
const FREEZE_TIME: Duration = Duration::from_millis(100);

/// Where Linux says how many visitors may wait at most, whatever a service asks for.
const QUEUE_MAX: &str = "/proc/sys/net/core/somaxconn";

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

/// How often a thing is tried that a busy machine can spoil.
const TRIES: usize = 3;

/// The kernel lets visitors in before the service does, into a queue. How many have room there shows when
/// the service is frozen and takes none out. The lack is exactly that some of the visitors have no room:
/// whoever is in must be served as soon as the service goes on.
pub fn queues_a_burst(testbed: &Testbed) -> Checked {
    let (_redis, service) = testbed.service()?;
    // A server that is not ours cannot be frozen. `signal` leaves it out.
    service.signal(Signal::Continue)?;
    ensure_room_for_a_burst()?;
    let before = service.visit()?;
    service.signal(Signal::Stop)?;
    thread::sleep(FREEZE_TIME);
    let burst = load::connect_at_once(service.addr, BURST, BURST_TIMEOUT);
    service.signal(Signal::Continue)?;
    let mut numbers = Vec::with_capacity(BURST);
    for visitor in burst {
        let mut visitor = match visitor {
            Err(error) if error.kind() == io::ErrorKind::TimedOut => continue,
            visitor => visitor?,
        };
        let answer = visitor.ask("GET", "/").map_err(|error| error.to_string());
        let number = answer.and_then(|answer| Visit::of(answer)?.number());
        numbers.push(service.logged(number, "of the visitors who got in, one saw")?);
    }
    let count = numbers.len();
    match ledger::flaw(&numbers, before + 1) {
        Some(flaw) => broken(flaw),
        None if count == BURST => Ok(Finding::has()),
        None => Ok(Finding::lacks(format!(
            "{count} of {BURST} visitors got in; the others have to connect again"
        ))),
    }
}

/// A system that lets fewer visitors wait tells nothing about the service.
fn ensure_room_for_a_burst() -> Checked<()> {
    let max = fs::read_to_string(QUEUE_MAX).ok();
    match max.and_then(|max| max.trim().parse::<usize>().ok()) {
        Some(max) if max >= BURST => Ok(()),
        Some(max) => left_out(format!(
            "this system lets at most {max} connections wait ({QUEUE_MAX}), and {BURST} come"
        )),
        None => left_out(format!(
            "this system does not say how many connections may wait: there is no {QUEUE_MAX}"
        )),
    }
}

/// The lack is exactly that no visit is refused.
pub fn sheds(testbed: &Testbed) -> Checked {
    let limit = IN_FLIGHT.to_string();
    let (redis, service) = testbed.own(&[("MAX_IN_FLIGHT", &limit)])?;
    service.visit()?;
    if !retry(TRIES, || refuses_the_rest(&service, &redis))? {
        let visits = IN_FLIGHT + BEYOND;
        let seen = format!("no visit is refused when {visits} come at once");
        return Ok(Finding::lacks(seen));
    }
    retry(COMPARISONS, || keeps_serving(&service))
}

/// Sends more visits at once than the limit while Redis is frozen, so that none of them can end. Returns
/// whether those beyond the limit are refused at once, or else none is.
fn refuses_the_rest(service: &Service, redis: &RedisServer) -> Checked<Result<bool, String>> {
    let visits = IN_FLIGHT + BEYOND;
    redis.freeze()?;
    let answers = load::at_once(service.addr, visits, "/", ANSWER_TIMEOUT);
    redis.thaw()?;
    let one_saw = format!("of {visits} visits at once, one saw");
    let answers: Result<Vec<Response>, String> = answers.into_iter().collect();
    let answers = answers.or_else(|error| broken(format!("{one_saw}: {error}")))?;
    let is_odd = |answer: &&Response| answer.seen().is_none() && !answer.is_failure();
    if let Some(odd) = answers.iter().find(is_odd) {
        return broken(format!("{one_saw}\n{odd}"));
    }
    if answers.iter().all(|answer| answer.status != 503) {
        return Ok(Ok(false));
    }
    let is_shed = |answer: &&Response| answer.turns_away() && answer.took <= SHED_TIMEOUT;
    let shed = answers.iter().filter(is_shed).count();
    if shed == BEYOND {
        return Ok(Ok(true));
    }
    service.visit_within(Duration::from_secs(2))?;
    Ok(Err(format!(
        "of {visits} visits at once with a limit of {IN_FLIGHT}, {shed} got a 503 with Retry-After within \
         {SHED_TIMEOUT:?}; expected: {BEYOND}"
    )))
}

/// The visits within the limit must all be served, and nearly as many when twice as many come.
fn keeps_serving(service: &Service) -> Checked<Result<Finding, String>> {
    let load = |visitors| {
        let goodput = load::goodput(service.addr, visitors, LOAD_TIME);
        goodput.or_else(|error| broken(format!("of {visitors} visitors, {error}")))
    };
    let (peak, doubled) = (load(IN_FLIGHT)?, load(2 * IN_FLIGHT)?);
    let is_served = doubled.per_second > 0.0 && peak.refused == 0;
    if is_served && doubled.per_second >= GOODPUT_MIN * peak.per_second {
        return Ok(Ok(Finding::has()));
    }
    Ok(Err(format!(
        "as many visitors as the limit make {:.0} visits a second, and {} are refused; twice as many \
         make {:.0}",
        peak.per_second, peak.refused, doubled.per_second
    )))
}
