//! Checks in which more come than there is room for.

use std::{fs, io, thread, time::Duration};

use load::{ANSWER_TIMEOUT, Response};
use private_redis::RedisServer;
use processes::Signal;

use crate::{
    Checked, Finding,
    bench::Bench,
    checks::broken,
    service::{Service, Visit},
};

/// Visitors who arrive in the same moment.
const BURST: usize = 500;

/// How long they wait to be let in. Who finds room in the queue is in at once, and who finds none is not
/// let in at all while the service is frozen: how long this is decides nothing.
const BURST_PATIENCE: Duration = Duration::from_secs(3);

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
pub fn queues_a_burst(bench: &Bench) -> Checked {
    let (service, _redis) = bench.service()?;
    // A stranger's server cannot be frozen. `signal` leaves it out.
    service.signal(Signal::Continue)?;
    ensure_room_for_a_burst()?;
    let before = service.visit()?;
    service.signal(Signal::Stop)?;
    thread::sleep(FREEZE_TIME);
    let burst = load::connect_at_once(service.addr, BURST, BURST_PATIENCE);
    service.signal(Signal::Continue)?;
    let mut numbers = Vec::with_capacity(BURST);
    for visitor in burst {
        let mut visitor = match visitor {
            Err(error) if error.kind() == io::ErrorKind::TimedOut => continue,
            visitor => visitor?,
        };
        let answer = visitor.ask("GET", "/").map_err(|error| error.to_string());
        let number = answer.and_then(|answer| Visit::of(answer)?.number());
        numbers.push(number.map_err(|what| {
            let log = service.log();
            Finding::broken(format!("of the visitors who got in, one saw: {what}{log}"))
        })?);
    }
    let count = numbers.len();
    match load::ledger::flaw(&numbers, before + 1) {
        Some(flaw) => broken(flaw),
        None if count == BURST => Ok(Finding::has()),
        None => Ok(Finding::lacks(format!(
            "{count} of {BURST} visitors got in; the others have to connect again"
        ))),
    }
}

/// A system that lets fewer visitors wait tells nothing about the service.
fn ensure_room_for_a_burst() -> Checked<()> {
    let max = fs::read_to_string(QUEUE_MAX)
        .ok()
        .and_then(|text| text.trim().parse::<usize>().ok());
    match max {
        Some(max) if max >= BURST => Ok(()),
        Some(max) => Err(Finding::left_out(format!(
            "this system lets at most {max} visitors wait ({QUEUE_MAX}), and {BURST} come"
        ))),
        None => Err(Finding::left_out(format!(
            "this system does not say how many visitors may wait: there is no {QUEUE_MAX}"
        ))),
    }
}

/// The lack is exactly that nobody is turned away.
pub fn sheds(bench: &Bench) -> Checked {
    let redis = bench.redis()?;
    let limit = IN_FLIGHT.to_string();
    let service = bench.start(&redis.url(), &[("MAX_IN_FLIGHT", &limit)])?;
    service.visit()?;
    match turned_away(&service, &redis)? {
        0 => Ok(Finding::lacks(format!(
            "nobody is turned away when {} come at once",
            IN_FLIGHT + BEYOND
        ))),
        _ => keeps_serving(&service),
    }
}

/// Sends more visits at once than the limit while Redis is frozen, so that none of them can end.
/// Returns how many were turned away at once: as many as there were beyond the limit, or none.
fn turned_away(service: &Service, redis: &RedisServer) -> Checked<usize> {
    let visits = IN_FLIGHT + BEYOND;
    let mut seen = String::new();
    for _ in 0..TRIES {
        redis.freeze()?;
        let answers = load::at_once(service.addr, visits, "/", ANSWER_TIMEOUT);
        redis.thaw()?;
        let answers: Result<Vec<Response>, String> = answers.into_iter().collect();
        let answers = answers.map_err(|error| {
            Finding::broken(format!("of {visits} visits at once, one saw: {error}"))
        })?;
        let is_odd = |answer: &&Response| answer.seen().is_none() && !answer.is_failure();
        if let Some(odd) = answers.iter().find(is_odd) {
            return broken(format!("of {visits} visits at once, one saw\n{odd}"));
        }
        if answers.iter().all(|answer| answer.status != 503) {
            return Ok(0);
        }
        let is_shed = |answer: &&Response| answer.turns_away() && answer.took <= SHED_TIMEOUT;
        let shed = answers.iter().filter(is_shed).count();
        if shed == BEYOND {
            return Ok(shed);
        }
        let ms = SHED_TIMEOUT.as_millis();
        seen = format!(
            "of {visits} visits at once with a limit of {IN_FLIGHT}, {shed} got a 503 with \
             Retry-After within {ms} ms; expected: {BEYOND}"
        );
        service.visit_within(Duration::from_secs(2))?;
    }
    broken(seen)
}

/// The visits within the limit must all be served, and nearly as many when twice as many come.
fn keeps_serving(service: &Service) -> Checked {
    let load = |visitors| {
        let goodput = load::goodput(service.addr, visitors, LOAD_TIME);
        goodput.map_err(|error| Finding::broken(format!("of {visitors} visitors, {error}")))
    };
    let mut seen = String::new();
    for _ in 0..COMPARISONS {
        let (peak, doubled) = (load(IN_FLIGHT)?, load(2 * IN_FLIGHT)?);
        let is_served = doubled.per_second > 0.0 && peak.refused == 0;
        if is_served && doubled.per_second >= GOODPUT_MIN * peak.per_second {
            return Ok(Finding::has());
        }
        seen = format!(
            "as many visitors as the limit make {:.0} visits a second, and {} are turned away; twice \
             as many make {:.0}",
            peak.per_second, peak.refused, doubled.per_second
        );
    }
    broken(seen)
}
