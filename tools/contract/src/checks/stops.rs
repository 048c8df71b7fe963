//! The check that stops the service in the middle of its work.

use std::{
    sync::atomic::Ordering::Relaxed,
    thread,
    time::{Duration, Instant},
};

use load::{Connection, HALF_A_REQUEST, Lost, REST_OF_A_REQUEST};
use processes::Signal;

use super::{LONG_HEADER_TIMEOUT, has_without, retry};
use crate::{
    finding::{Checked, Finding, broken, but},
    service::Service,
    testbed::Testbed,
};

/// Visitors under way when the service is told to stop.
const CLIENTS: usize = 32;

/// How long the visitors come and go before that.
const WARM_UP: Duration = Duration::from_millis(300);

/// How long a stop may take: the lame duck of 100 ms, the drain time-out of 5 s, and 2 s for a busy
/// machine.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(7);

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

/// Visitors who come as fast as they can when the service is told to stop, and how long before that.
const VISITORS: usize = 64;
const LOAD_TIME: Duration = Duration::from_millis(400);

/// How many rounds in which nothing is lost are enough, how many rounds there may be until then, and how
/// many requests may be lost in one of them. One round may be spoilt: where the whole machine stands still
/// for a moment, the moment for which a service waits is over before its clients have moved.
///
/// It cannot always be nothing: the kernel completes a handshake before the service accepts it. Whoever
/// arrives between the last `accept` and the moment when the listener closes is
/// connected, and is reset.
const LOSSLESS_ROUNDS: usize = 4;
const ROUNDS: usize = 12;
const LOST_MAX: usize = 8;
const SPOILT_MAX: usize = 1;

/// A stop that leaves clients two seconds to finish what they began and to go elsewhere; and how long the
/// machine may take in it to do what takes some milliseconds.
const LONG_LAME_DUCK: (&str, &str) = ("LAME_DUCK_MS", "2000");
const REACTION_TIMEOUT: Duration = Duration::from_secs(1);

/// How long a service may take to hear a signal.
const SIGNAL_TIME: Duration = Duration::from_millis(100);

/// How long it may take to end when it is told so twice: nothing, and 3 s for a busy machine.
const AT_ONCE: Duration = Duration::from_secs(3);

/// A request is under way when the service has read it. To be certain of that from outside, the service
/// is stopped while Redis is frozen for a moment and all visitors wait for their numbers: then all must
/// be answered. Two clients are in the way, one idle and one in the middle of a request, who would both
/// stay for ever; so a stop needs a deadline of its own. The lack is exactly that the process ends at
/// once: by the signal itself, or by leaving every one of the visitors without an answer.
///
/// Other requests are on the wire: sent by clients who cannot know of the signal yet, and not read. A
/// server that closes its idle connections at once loses them. HTTP allows that, and the client may ask
/// again (RFC 9112, section 9.3.1): the service drains, but not to the letter.
pub fn drains(testbed: &Testbed) -> Checked {
    if let Some(lack) = answers_what_it_read(testbed)? {
        return Ok(Finding::lacks(lack));
    }
    if retry(TRIES, || lost_on_the_wire(testbed))? > 0 {
        return Ok(Finding::has_but(but::LOST_ON_THE_WIRE));
    }
    let mut flaws = Vec::new();
    flaws.extend(loses_under_load(testbed)?);
    flaws.extend(retry(TRIES, || loses_who_was_warned(testbed))?);
    flaws.extend(ignores_a_second_signal(testbed)?);
    has_without(&flaws)
}

/// What an attempt has seen that took too long.
const TOO_BUSY: &str = "this machine is too busy to tell what was in time";

/// Stops the service while visitors wait for Redis. All must be answered; or the lack is returned.
fn answers_what_it_read(testbed: &Testbed) -> Checked<Option<String>> {
    let (redis, mut service) = testbed.own(&[LONG_HEADER_TIMEOUT])?;
    let _in_the_way = in_the_way(&service)?;
    let (visitors, stopped) = load::until_gone(service.addr, CLIENTS, true, |_| {
        thread::sleep(WARM_UP);
        redis.freeze()?;
        thread::sleep(FROST_BEFORE);
        let signalled = Instant::now();
        service.signal(Signal::Terminate)?;
        thread::sleep(FROST_AFTER);
        redis.thaw()?;
        Ok::<_, Finding>((signalled, service.ended_within(DRAIN_TIMEOUT)?))
    });
    let (signalled, status) = stopped?;
    if let Some(status) = status.filter(|status| status.code().is_none()) {
        return Ok(Some(format!("it ended at once ({status})")));
    }
    service.ends_well_within(Duration::ZERO)?;
    // A request that was sent after the signal may find the listener closed: the client can see that it
    // was not heard. But an answer that has begun must be finished.
    let is_lost = |request: &&Lost| request.sent < signalled || request.is_cut;
    let lost: Vec<&Lost> = visitors.lost.iter().filter(is_lost).collect();
    let Some(Lost { why, .. }) = lost.first() else {
        return match visitors.answered {
            0 => broken("no visitor was answered"),
            _ => Ok(None),
        };
    };
    let count = lost.len();
    let seen = format!("{count} of {CLIENTS} requests under way got no whole answer ({why})");
    match count {
        CLIENTS => Ok(Some(seen)),
        _ => service.broken(seen),
    }
}

/// Stops the service while requests are on a long wire: they come a moment after the signal. Returns
/// how many were not answered, or else that the moment was too long to tell.
fn lost_on_the_wire(testbed: &Testbed) -> Checked<Result<usize, String>> {
    let (_redis, mut service) = testbed.own(&[LONG_HEADER_TIMEOUT])?;
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
                return service.broken(format!("an answer was cut: {error}"));
            }
            _ => lost += 1,
        }
    }
    service.ends_well_within(DRAIN_TIMEOUT)?;
    Ok(is_in_time.then_some(lost).ok_or(TOO_BUSY.to_owned()))
}

/// Stops the service under load, again and again: half of the time on connections that stay
/// open, and half of the time on new ones. A request on a connection that was made, and that was closed
/// or reset without an answer, is lost.
fn loses_under_load(testbed: &Testbed) -> Checked<Option<String>> {
    let mut losses = Vec::new();
    for round in 0..ROUNDS {
        let (_redis, mut service) = testbed.own(&[])?;
        let keeps_alive = round % 2 == 0;
        let (visitors, stopped) = load::until_gone(service.addr, VISITORS, keeps_alive, |_| {
            thread::sleep(LOAD_TIME);
            service.signal(Signal::Terminate)?;
            service.ends_well_within(DRAIN_TIMEOUT)
        });
        stopped?;
        losses.push(visitors.lost.len());
        if losses.iter().filter(|lost| **lost == 0).count() == LOSSLESS_ROUNDS {
            return Ok(None);
        }
        let spoilt = losses.iter().filter(|lost| **lost > LOST_MAX).count();
        let too_many = visitors.lost.len() > LOST_MAX && spoilt > SPOILT_MAX;
        let is_over = too_many || round + 1 == ROUNDS;
        if let (true, Some(Lost { why, .. })) = (is_over, visitors.lost.first()) {
            return Ok(Some(format!(
                "with {VISITORS} visitors at SIGTERM, {losses:?} requests on open connections were lost, \
                 round by round ({why}); expected: nothing in most rounds, and at most {LOST_MAX}"
            )));
        }
    }
    broken(format!(
        "of {ROUNDS} stops, fewer than {LOSSLESS_ROUNDS} lost nothing: {losses:?} requests, round by round"
    ))
}

/// Stops the service when there are visitors who ask whether it is ready and go elsewhere when it is
/// not, and others who are in the middle of a request. Nothing of theirs may be lost. Returns what was,
/// or else that the machine was too busy for them to react in time.
fn loses_who_was_warned(testbed: &Testbed) -> Checked<Result<Option<String>, String>> {
    let (_redis, mut service) = testbed.own(&[LONG_LAME_DUCK])?;
    let (mut old, mut new) = (service.connect()?, service.connect()?);
    old.ask("GET", "/")?;
    old.send_bytes(HALF_A_REQUEST)?;
    new.send_bytes(HALF_A_REQUEST)?;
    let (visitors, stopped) = load::until_gone(service.addr, CLIENTS, true, |over| {
        thread::sleep(WARM_UP);
        let signalled = Instant::now();
        service.signal(Signal::Terminate)?;
        thread::sleep(SIGNAL_TIME);
        while signalled.elapsed() < REACTION_TIMEOUT && is_ready(&service) {
            thread::sleep(Duration::from_millis(5));
        }
        over.store(true, Relaxed);
        let rest = [&mut old, &mut new].map(|connection| {
            connection.send_bytes(REST_OF_A_REQUEST)?;
            connection.receive("GET", REACTION_TIMEOUT)
        });
        let took = signalled.elapsed();
        service.ends_well_within(DRAIN_TIMEOUT + REACTION_TIMEOUT)?;
        Ok::<_, Finding>((took, rest))
    });
    let (took, rest) = stopped?;
    if took > REACTION_TIMEOUT + REACTION_TIMEOUT / 2 {
        return Ok(Err(TOO_BUSY.to_owned()));
    }
    let mut flaws = Vec::new();
    if took > REACTION_TIMEOUT {
        flaws.push(format!(
            "{REACTION_TIMEOUT:?} after SIGTERM, /readyz is still 200"
        ));
    }
    if let Some(Lost { why, .. }) = visitors.lost.first() {
        let lost = visitors.lost.len();
        flaws.push(format!(
            "{lost} requests of visitors who heed /readyz were lost ({why})"
        ));
    }
    for (answer, which) in rest.into_iter().zip(["an old", "a new"]) {
        match answer {
            Ok(answer) if answer.seen().is_some() => {}
            Ok(answer) => flaws.push(format!("half a request on {which} connection: {answer}")),
            Err(error) => flaws.push(format!(
                "half a request on {which} connection at SIGTERM, and the rest in time: {error}"
            )),
        }
    }
    Ok(Ok((!flaws.is_empty()).then(|| flaws.join("\n"))))
}

fn is_ready(service: &Service) -> bool {
    service
        .ask("GET", "/readyz")
        .is_ok_and(|readyz| readyz.status == 200)
}

/// Whoever asks twice does not want to wait.
fn ignores_a_second_signal(testbed: &Testbed) -> Checked<Option<String>> {
    for second in [Signal::Terminate, Signal::Interrupt] {
        let (_redis, mut service) = testbed.own(&[("LAME_DUCK_MS", "8000")])?;
        let _in_the_way = in_the_way(&service)?;
        service.signal(Signal::Terminate)?;
        if let Some(status) = service.ended_within(3 * SIGNAL_TIME)? {
            return Ok(Some(format!(
                "with LAME_DUCK_MS=8000, it ended at once ({status})"
            )));
        }
        service.signal(second)?;
        let flaw = match service.ended_within(AT_ONCE)? {
            Some(status) if !status.success() => continue,
            Some(status) => format!("after a second signal it ended with {status}"),
            None => format!("it still ran {AT_ONCE:?} after a second signal ({second:?})"),
        };
        return Ok(Some(flaw));
    }
    Ok(None)
}

/// A client between two visits, and one in the middle of a request.
fn in_the_way(service: &Service) -> Checked<[Connection; 2]> {
    let (mut idle, mut slow) = (service.connect()?, service.connect()?);
    idle.ask("GET", "/")?;
    slow.send_bytes(HALF_A_REQUEST)?;
    Ok([idle, slow])
}
