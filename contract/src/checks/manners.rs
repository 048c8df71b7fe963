//! Checks that are rude: a stop in the middle of the work, clients that dawdle, and a crowd.

use std::{
    process::ExitStatus,
    thread,
    time::{Duration, Instant},
};

use lab::{process::Signal, redis::RedisServer};

use crate::{
    Finding, Stop,
    bench::{Bench, Service, Visit},
    checks::broken,
    crowd::{self, Lost},
    expectations::but,
    http::{Connection, Response},
};

/// Visitors under way when the service is told to stop.
const CLIENTS: usize = 32;

/// How long the visitors come and go before that.
const WARM_UP: Duration = Duration::from_millis(300);

/// How long a stop may take: the drain time-out of 5 s, and 2 s for a busy machine.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(7);

/// The header time-out of a service that is told to stop: a patience that its deadline must cut short.
const PATIENCE: (&str, &str) = ("HEADER_TIMEOUT_MS", "60000");

/// How long a request is on the wire that was sent when the signal was, at least and at most: long
/// enough for the service to hear the signal, and half as long as our steps wait for such requests.
const WIRE: Duration = Duration::from_millis(20);
const WIRE_MAX: Duration = Duration::from_millis(50);

/// How long Redis is frozen around the signal, so that a visit is certainly under way.
const FROST: Duration = Duration::from_millis(200);

/// Clients that send half a request and wait.
const SLOW_CLIENTS: usize = 500;

/// How long they must be borne and may stay: the header time-out of 5 s, 1 s less for a clock that is
/// not ours, and 3 s more for a busy machine.
const SLOW_CLIENT_MIN: Duration = Duration::from_secs(4);
const SLOW_CLIENT_MAX: Duration = Duration::from_secs(8);

/// What a slow client sends.
const HALF_A_REQUEST: &[u8] = b"GET / HTTP/1.1\r\nhost: ";

/// The limit that `sheds` sets, and how many come beyond it.
const IN_FLIGHT: usize = 64;
const BEYOND: usize = 32;

/// How long a refusal may take when there are too many visits.
const SHED_TIMEOUT: Duration = Duration::from_millis(50);

/// The share of the peak that must be served when twice as many come.
const GOODPUT_MIN: f64 = 0.8;

/// How long each crowd comes.
const CROWD_TIME: Duration = Duration::from_millis(800);

/// How often a thing is tried that a busy machine can spoil.
const TRIES: usize = 3;

/// A request is under way when the service has read it. To be certain of that from outside, the service
/// is stopped while Redis is frozen for a moment and all visitors wait for their numbers: then all must
/// be answered. Two clients are in the way, one idle and one in the middle of a request, who would both
/// stay for ever; so a stop needs a deadline of its own. The lack is exactly that the signal itself ends
/// the process, which so has no time to answer.
///
/// Other requests are on the wire: sent by clients who cannot know of the signal yet, and not read. A
/// server that closes its idle connections at once loses them. HTTP allows that, and the client may ask
/// again (RFC 9112, section 9.3.1): the service drains, but not to the letter.
pub fn drains(bench: &Bench) -> Result<Finding, Stop> {
    if let Some(lack) = answers_what_it_read(bench)? {
        return Ok(Finding::Lacks(lack));
    }
    let mut is_certain = false;
    for _ in 0..TRIES {
        match lost_on_the_wire(bench)? {
            Some(0) => is_certain = true,
            Some(_) => return Ok(Finding::HasBut(but::LOST_ON_THE_WIRE)),
            None => {}
        }
    }
    if is_certain {
        Ok(Finding::Has)
    } else {
        let ms = WIRE_MAX.as_millis();
        broken(format!(
            "this machine cannot send {CLIENTS} requests within {ms} ms"
        ))
    }
}

/// Stops the service while visitors wait for Redis. All must be answered; or the lack is returned.
fn answers_what_it_read(bench: &Bench) -> Result<Option<String>, Stop> {
    let redis = bench.redis()?;
    let mut service = bench.start(&redis.url(), &[PATIENCE])?;
    let _in_the_way = in_the_way(&service)?;
    let (visitors, stopped) = crowd::until_the_end(service.addr, CLIENTS, || -> Result<_, Stop> {
        thread::sleep(WARM_UP);
        redis.freeze()?;
        thread::sleep(FROST / 2);
        let signalled = Instant::now();
        service.signal(Signal::Terminate)?;
        thread::sleep(FROST / 2);
        redis.thaw()?;
        Ok((signalled, service.ended_within(DRAIN_TIMEOUT)?))
    });
    let (signalled, status) = stopped?;
    if let Some(status) = status.filter(|status| status.code().is_none()) {
        return Ok(Some(format!("it ended at once ({status})")));
    }
    ended_well(&service, status)?;
    // A request that was sent after the signal may find the door closed: the client can see that it was
    // not heard. But an answer that has begun must be finished.
    let is_lost = |request: &&Lost| request.sent < signalled || request.is_cut;
    let lost: Vec<&Lost> = visitors.lost.iter().filter(is_lost).collect();
    match lost.first() {
        Some(Lost { why, .. }) => broken(format!(
            "{} of {CLIENTS} requests under way got no whole answer ({why}){}",
            lost.len(),
            service.log()
        )),
        None if visitors.answered == 0 => broken("no visitor was answered".to_owned()),
        None => Ok(None),
    }
}

/// Stops the service while requests are on a long wire: they come a moment after the signal. Returns
/// how many were not answered, or `None` if the moment was too long to tell.
fn lost_on_the_wire(bench: &Bench) -> Result<Option<usize>, Stop> {
    let redis = bench.redis()?;
    let mut service = bench.start(&redis.url(), &[PATIENCE])?;
    let mut visitors = Vec::with_capacity(CLIENTS);
    for _ in 0..CLIENTS {
        let mut connection = service.connect()?;
        connection.ask("GET", "/")?;
        visitors.push(connection);
    }
    let signalled = Instant::now();
    service.signal(Signal::Terminate)?;
    thread::sleep(WIRE);
    let sent: Vec<bool> = visitors
        .iter_mut()
        .map(|connection| connection.send("GET", "/").is_ok())
        .collect();
    let is_in_time = signalled.elapsed() <= WIRE_MAX;
    let mut lost = 0;
    for (connection, is_sent) in visitors.iter_mut().zip(sent) {
        match connection.receive("GET", DRAIN_TIMEOUT) {
            Ok(_) if is_sent => {}
            Err(error) if connection.has_begun() => {
                return broken(format!("an answer was cut: {error}{}", service.log()));
            }
            _ => lost += 1,
        }
    }
    let status = service.ended_within(DRAIN_TIMEOUT)?;
    ended_well(&service, status)?;
    Ok(is_in_time.then_some(lost))
}

/// The service must have ended in time and by itself.
fn ended_well(service: &Service, status: Option<ExitStatus>) -> Result<(), Stop> {
    let log = service.log();
    match status {
        Some(status) if status.success() => Ok(()),
        Some(status) => broken(format!("told to stop, it ended with {status}{log}")),
        None => {
            let seconds = DRAIN_TIMEOUT.as_secs();
            broken(format!("it still ran {seconds} s after SIGTERM{log}"))
        }
    }
}

/// A client between two visits, and one in the middle of a request.
fn in_the_way(service: &Service) -> Result<[Connection; 2], Stop> {
    let (mut idle, mut slow) = (service.connect()?, service.connect()?);
    idle.ask("GET", "/")?;
    slow.send_bytes(HALF_A_REQUEST)?;
    Ok([idle, slow])
}

/// The lack is exactly that all the slow clients are still connected at the end. To fail to serve
/// others meanwhile is no known lack, and to close a connection early is no way to have it.
pub fn outlasts_slow_clients(bench: &Bench) -> Result<Finding, Stop> {
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
        if let Visit::Refused(last) = service.visit_within(Duration::from_secs(1))? {
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
        SLOW_CLIENTS => Ok(Finding::Lacks(seen)),
        0 if idle_is_closed => Ok(Finding::Has),
        0 => broken(format!(
            "after {seconds} s, an idle connection is still open"
        )),
        _ => broken(seen),
    }
}

/// The lack is exactly that nobody is turned away.
pub fn sheds(bench: &Bench) -> Result<Finding, Stop> {
    let redis = bench.redis()?;
    let limit = IN_FLIGHT.to_string();
    let service = bench.start(&redis.url(), &[("MAX_IN_FLIGHT", &limit)])?;
    service.visit()?;
    match turned_away(&service, &redis)? {
        0 => Ok(Finding::Lacks(format!(
            "nobody is turned away when {} come at once",
            IN_FLIGHT + BEYOND
        ))),
        _ => keeps_serving(&service),
    }
}

/// Sends more visits at once than the limit while Redis is frozen, so that none of them can end.
/// Returns how many were turned away at once: as many as there were beyond the limit, or none.
fn turned_away(service: &Service, redis: &RedisServer) -> Result<usize, Stop> {
    let visits = IN_FLIGHT + BEYOND;
    let mut seen = String::new();
    for _ in 0..TRIES {
        redis.freeze()?;
        let answers = crowd::at_once(service.addr, visits, "/");
        redis.thaw()?;
        let answers: Result<Vec<Response>, String> = answers.into_iter().collect();
        let answers = answers.map_err(|error| {
            Stop::Broken(format!("of {visits} visits at once, one saw: {error}"))
        })?;
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
fn keeps_serving(service: &Service) -> Result<Finding, Stop> {
    let crowd = |visitors| {
        let harvest = crowd::harvest(service.addr, visitors, CROWD_TIME);
        harvest.map_err(|error| Stop::Broken(format!("of {visitors} visitors, {error}")))
    };
    let mut seen = String::new();
    for _ in 0..TRIES {
        let (peak, crowded) = (crowd(IN_FLIGHT)?, crowd(2 * IN_FLIGHT)?);
        let is_served = crowded.per_second > 0.0 && peak.turned_away == 0;
        if is_served && crowded.per_second >= GOODPUT_MIN * peak.per_second {
            return Ok(Finding::Has);
        }
        seen = format!(
            "as many visitors as the limit make {:.0} visits a second, and {} are turned away; twice \
             as many make {:.0}",
            peak.per_second, peak.turned_away, crowded.per_second
        );
    }
    broken(seen)
}
