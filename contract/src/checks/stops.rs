//! The check that stops the service in the middle of its work.

use std::{
    process::ExitStatus,
    thread,
    time::{Duration, Instant},
};

use lab::process::Signal;

use crate::{
    Finding, Stop,
    bench::Bench,
    checks::broken,
    crowd::{self, Lost},
    expectations::but,
    http::{Connection, HALF_A_REQUEST},
    service::Service,
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

/// How long Redis is frozen before the signal, so that all visitors certainly wait; and after it, which
/// is longer than the moment for which our steps go on as if nothing had happened.
const FROST_BEFORE: Duration = Duration::from_millis(50);
const FROST_AFTER: Duration = Duration::from_millis(250);

/// How often the machine may be too busy to tell.
const TRIES: usize = 3;

/// A request is under way when the service has read it. To be certain of that from outside, the service
/// is stopped while Redis is frozen for a moment and all visitors wait for their numbers: then all must
/// be answered. Two clients are in the way, one idle and one in the middle of a request, who would both
/// stay for ever; so a stop needs a deadline of its own. The lack is exactly that the process ends at
/// once: by the signal itself, or by leaving every one of the visitors without an answer.
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
        thread::sleep(FROST_BEFORE);
        let signalled = Instant::now();
        service.signal(Signal::Terminate)?;
        thread::sleep(FROST_AFTER);
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
    let Some(Lost { why, .. }) = lost.first() else {
        return match visitors.answered {
            0 => broken("no visitor was answered".to_owned()),
            _ => Ok(None),
        };
    };
    let count = lost.len();
    let seen = format!("{count} of {CLIENTS} requests under way got no whole answer ({why})");
    match count {
        CLIENTS => Ok(Some(seen)),
        _ => broken(seen + &service.log()),
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
