//! Checks that are rude: a stop in the middle of the work, clients that dawdle, and a crowd.

use std::{
    thread,
    time::{Duration, Instant},
};

use lab::process::Signal;

use crate::{Finding, Stop, bench::Bench, crowd, http::Connection};

/// Visitors under way when the service is told to stop.
const DRAIN_CLIENTS: usize = 32;

/// How long the visitors come and go before that.
const WARM_UP: Duration = Duration::from_millis(300);

/// How long a stop may take: the drain time-out of 5 s, and 2 s for a busy machine.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(7);

/// How long Redis is frozen around the signal, so that a visit is certainly under way.
const FROST: Duration = Duration::from_millis(200);

/// Clients that send half a request and wait.
const SLOW_CLIENTS: usize = 500;

/// How long they may stay: the header time-out of 5 s, and 3 s for a busy machine.
const SLOW_CLIENT_TIMEOUT: Duration = Duration::from_secs(8);

/// The limit that `sheds` sets, and how many come beyond it.
const IN_FLIGHT: usize = 64;
const BEYOND: usize = 32;

/// How long a refusal may take when there are too many visits.
const SHED_TIMEOUT: Duration = Duration::from_millis(50);

/// The share of the peak that must be served when twice as many come.
const GOODPUT_MIN: f64 = 0.8;

/// How long each crowd comes, and how often it is tried before a slow answer counts.
const CROWD_TIME: Duration = Duration::from_millis(800);
const TRIES: usize = 3;

/// A request counts as under way if its last byte was sent before the signal. One that is sent later
/// may find the door closed: that is no loss, the client can see that it was not heard.
///
/// The service is stopped twice. Once in full swing, when some requests are still on the wire; and
/// once while Redis is frozen for a moment, when all of them are certainly inside.
pub fn drains(bench: &Bench) -> Result<Finding, Stop> {
    for frost in [Duration::ZERO, FROST] {
        let finding = drains_with(bench, frost)?;
        if finding != Finding::Has {
            return Ok(finding);
        }
    }
    Ok(Finding::Has)
}

fn drains_with(bench: &Bench, frost: Duration) -> Result<Finding, Stop> {
    let (mut service, redis) = bench.service()?;
    // The server stays alive either way; it is frozen only in one of the two.
    let frozen = redis.as_ref().filter(|_| !frost.is_zero());
    service.visit()?;
    let (lost, outcome) =
        crowd::until_the_end(service.addr, DRAIN_CLIENTS, || -> Result<_, Stop> {
            thread::sleep(WARM_UP);
            if let Some(redis) = frozen {
                redis.freeze()?;
                thread::sleep(frost / 2);
            }
            let signalled = Instant::now();
            service.signal(Signal::Terminate)?;
            if let Some(redis) = frozen {
                thread::sleep(frost / 2);
                redis.thaw()?;
            }
            Ok((signalled, service.ended_within(DRAIN_TIMEOUT)?))
        });
    let (signalled, status) = outcome?;
    let lost: Vec<_> = lost
        .into_iter()
        .filter(|request| request.sent < signalled)
        .collect();
    let mut seen = Vec::new();
    if let Some(request) = lost.first() {
        let (lost, why) = (lost.len(), &request.lost);
        seen.push(format!(
            "{lost} of {DRAIN_CLIENTS} requests under way got no answer ({why})"
        ));
    }
    match status {
        None => seen.push(format!(
            "it still ran {} s after SIGTERM",
            DRAIN_TIMEOUT.as_secs()
        )),
        Some(status) if !status.success() => seen.push(format!("it ended with {status}")),
        Some(_) => {}
    }
    Ok(if seen.is_empty() {
        Finding::Has
    } else {
        Finding::Lacks(seen.join("; "))
    })
}

pub fn outlasts_slow_clients(bench: &Bench) -> Result<Finding, Stop> {
    let (service, _redis) = bench.service()?;
    // To a stranger's server this is an attack. `signal` leaves it out there.
    service.signal(Signal::Continue)?;
    let mut idle = service.connect()?;
    idle.ask("GET", "/")?;
    let mut slow = Vec::with_capacity(SLOW_CLIENTS);
    for _ in 0..SLOW_CLIENTS {
        let mut connection = service.connect()?;
        connection.send_bytes(b"GET / HTTP/1.1\r\nhost: ")?;
        slow.push(connection);
    }
    let deadline = Instant::now() + SLOW_CLIENT_TIMEOUT;
    for _ in 0..10 {
        if let Err(last) = service.visit_within(Duration::from_secs(1)) {
            return Ok(Finding::Lacks(format!(
                "with {SLOW_CLIENTS} slow clients connected, {last}"
            )));
        }
        thread::sleep(Duration::from_millis(50));
    }
    let is_closed = |connection: &mut Connection| {
        let left = deadline.saturating_duration_since(Instant::now());
        connection.is_closed_within(left.max(Duration::from_millis(1)))
    };
    let open = slow
        .iter_mut()
        .filter_map(|connection| (!is_closed(connection)).then_some(()))
        .count();
    let seconds = SLOW_CLIENT_TIMEOUT.as_secs();
    Ok(if open > 0 {
        Finding::Lacks(format!(
            "after {seconds} s, {open} of {SLOW_CLIENTS} half-sent requests are still open"
        ))
    } else if !is_closed(&mut idle) {
        Finding::Lacks(format!(
            "after {seconds} s, an idle connection is still open"
        ))
    } else {
        Finding::Has
    })
}

pub fn sheds(bench: &Bench) -> Result<Finding, Stop> {
    let redis = bench.redis()?;
    let limit = IN_FLIGHT.to_string();
    let service = bench.start(&redis.url(), &[("MAX_IN_FLIGHT", &limit)])?;
    service.visit()?;

    let mut seen = String::new();
    let mut sheds = false;
    for _ in 0..TRIES {
        redis.freeze()?;
        let answers = crowd::at_once(service.addr, IN_FLIGHT + BEYOND, "/");
        redis.thaw()?;
        let is_shed =
            |answer: &&crate::http::Response| answer.status == 503 && answer.took <= SHED_TIMEOUT;
        let shed = answers.iter().flatten().filter(is_shed).count();
        let (visits, ms) = (IN_FLIGHT + BEYOND, SHED_TIMEOUT.as_millis());
        seen = format!(
            "of {visits} visits at once with a limit of {IN_FLIGHT}, {shed} got a 503 within {ms} ms"
        );
        sheds = shed >= BEYOND;
        if sheds || service.visit_within(Duration::from_secs(2)).is_err() {
            break;
        }
    }
    if !sheds {
        return Ok(Finding::Lacks(seen));
    }
    for _ in 0..TRIES {
        let peak = crowd::goodput(service.addr, IN_FLIGHT, CROWD_TIME);
        let crowded = crowd::goodput(service.addr, 2 * IN_FLIGHT, CROWD_TIME);
        if crowded >= GOODPUT_MIN * peak {
            return Ok(Finding::Has);
        }
        seen = format!(
            "twice as many visitors as the limit bring it from {peak:.0} to {crowded:.0} visits a second"
        );
    }
    Ok(Finding::Lacks(seen))
}
