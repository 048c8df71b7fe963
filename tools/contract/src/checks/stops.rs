//! The check that stops the service in the middle of its work.

use std::sync::atomic::Ordering::Relaxed;

use load::{Connection, HALF_A_REQUEST, Lost, REST_OF_A_REQUEST, Response};
use processes::Signal;

use super::prelude::*;

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

/// Clients that visit as fast as they can when the service is told to stop, and how long before that.
const LOAD: usize = 64;
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
    answers_what_it_read(testbed)?;
    if retry(TRIES, || lost_on_the_wire(testbed))? > 0 {
        return unless_busy(has_but(but::LOST_ON_THE_WIRE));
    }
    all([
        loses_little_under_load(testbed),
        retry(TRIES, || loses_nobody_who_was_warned(testbed)),
        ends_at_a_second_signal(testbed),
    ])
}

/// Stops the service while visitors wait for Redis. All must be answered.
fn answers_what_it_read(testbed: &Testbed) -> Checked {
    let (redis, mut service) = testbed.own(&[LONG_HEADER_TIMEOUT])?;
    let _in_the_way = in_the_way(&service)?;
    let (answered, lost, stopped) = load::until_gone(service.addr, CLIENTS, true, |_| {
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
        return lacks(format!("it ended at once ({status})"));
    }
    service.ends_well_within(DRAIN_TIMEOUT)?;
    // A request that was sent after the signal may find the listener closed: the client can see that it
    // was not heard. But an answer that has begun must be finished.
    let is_lost = |request: &&Lost| request.sent < signalled || request.is_cut;
    let lost: Vec<&Lost> = lost.iter().filter(is_lost).collect();
    let Some(Lost { why, .. }) = lost.first() else {
        return match answered {
            0 => broken("no visitor was answered"),
            _ => Ok(()),
        };
    };
    let count = lost.len();
    let seen = format!("{count} of {CLIENTS} requests under way got no whole answer ({why})");
    // Where the service stood still, it had not read them.
    unless_busy(match count {
        CLIENTS => lacks(seen),
        _ => service.broken(seen),
    })
}

/// Stops the service while requests are on a long wire: they come a moment after the signal. Returns how
/// many were not answered.
fn lost_on_the_wire(testbed: &Testbed) -> Checked<usize> {
    let (_redis, mut service) = testbed.own(&[LONG_HEADER_TIMEOUT])?;
    let mut connections = Vec::with_capacity(CLIENTS);
    for _ in 0..CLIENTS {
        let mut connection = service.connect()?;
        connection.ask("GET", "/")?;
        connections.push(connection);
    }
    let signalled = Instant::now();
    service.signal(Signal::Terminate)?;
    thread::sleep(WIRE);
    let connections = connections.iter_mut();
    let sent: Vec<_> = connections
        .map(|connection| (connection.send("GET", "/").is_ok(), connection))
        .collect();
    let is_in_time = signalled.elapsed() <= WIRE_MAX;
    let mut lost = 0;
    for (is_sent, connection) in sent {
        match connection.receive("GET", DRAIN_TIMEOUT) {
            Ok(_) if is_sent => {}
            Err(error) if connection.has_begun() => {
                return service.broken(format!("an answer was cut: {error}"));
            }
            _ => lost += 1,
        }
    }
    service.ends_well_within(DRAIN_TIMEOUT)?;
    match is_in_time {
        true => Ok(lost),
        false => unless_busy(broken(format!(
            "this machine cannot send {CLIENTS} requests within {WIRE_MAX:?} of a signal"
        ))),
    }
}

/// Stops the service under load, again and again: half of the time on connections that stay
/// open, and half of the time on new ones. A request on a connection that was made, and that was closed
/// or reset without an answer, is lost.
fn loses_little_under_load(testbed: &Testbed) -> Checked {
    let (mut losses, mut why) = (Vec::new(), String::new());
    while losses.len() < ROUNDS {
        let (_redis, mut service) = testbed.own(&[])?;
        let keeps_alive = losses.len() % 2 == 0;
        let (_, lost, stopped) = load::until_gone(service.addr, LOAD, keeps_alive, |_| {
            thread::sleep(LOAD_TIME);
            service.signal(Signal::Terminate)?;
            service.ends_well_within(DRAIN_TIMEOUT)
        });
        stopped?;
        losses.push(lost.len());
        why = lost.into_iter().next().map_or(why, |lost| lost.why);
        let rounds = |is_such: fn(&&usize) -> bool| losses.iter().filter(is_such).count();
        if rounds(|lost| **lost == 0) == LOSSLESS_ROUNDS {
            return Ok(());
        }
        if rounds(|lost| **lost > LOST_MAX) > SPOILT_MAX {
            break;
        }
    }
    unless_busy(broken(format!(
        "with {LOAD} clients at SIGTERM, {losses:?} requests on open connections were lost, round by round \
         ({why}); expected: nothing in {LOSSLESS_ROUNDS} of at most {ROUNDS} rounds, and at most {LOST_MAX}"
    )))
}

/// Stops the service when there are clients that ask whether it is ready and go elsewhere when it is
/// not, and others in the middle of a request. Nothing of theirs may be lost.
fn loses_nobody_who_was_warned(testbed: &Testbed) -> Checked {
    let (_redis, mut service) = testbed.own(&[LONG_LAME_DUCK])?;
    let (mut old, mut new) = (service.connect()?, service.connect()?);
    old.ask("GET", "/")?;
    old.send_bytes(HALF_A_REQUEST)?;
    new.send_bytes(HALF_A_REQUEST)?;
    let (_, lost, stopped) = load::until_gone(service.addr, CLIENTS, true, |over| {
        thread::sleep(WARM_UP);
        service.signal(Signal::Terminate)?;
        let is_not_ready = |readyz: &Response| readyz.status != 200;
        let readyz = service.ask_within(REACTION_TIMEOUT, "/readyz", is_not_ready)?;
        over.store(true, Relaxed);
        let rest = [&mut old, &mut new].map(|connection| {
            connection.send_bytes(REST_OF_A_REQUEST)?;
            connection.receive("GET", REACTION_TIMEOUT)
        });
        service.ends_well_within(DRAIN_TIMEOUT + REACTION_TIMEOUT)?;
        Ok::<_, Finding>((readyz.status, rest))
    });
    let (readyz, rest) = unless_busy(stopped)?;
    let mut seen = Vec::new();
    if readyz == 200 {
        seen.push(broken(format!(
            "{REACTION_TIMEOUT:?} after SIGTERM, /readyz is still 200"
        )));
    }
    if let Some(Lost { why, .. }) = lost.first() {
        seen.push(broken(format!(
            "{} requests of clients that heed /readyz were lost ({why})",
            lost.len()
        )));
    }
    for (answer, which) in rest.into_iter().zip(["an old", "a new"]) {
        let half = format!("half a request on {which} connection at SIGTERM, and the rest in time");
        match answer {
            Ok(answer) if answer.seen().is_some() => {}
            Ok(answer) => seen.push(broken(format!("{half}: {answer}"))),
            Err(error) => seen.push(broken(format!("{half}: {error}"))),
        }
    }
    unless_busy(all(seen))
}

/// Whoever asks twice does not want to wait.
fn ends_at_a_second_signal(testbed: &Testbed) -> Checked {
    for second in [Signal::Terminate, Signal::Interrupt] {
        let (_redis, mut service) = testbed.own(&[("LAME_DUCK_MS", "8000")])?;
        let _in_the_way = in_the_way(&service)?;
        service.signal(Signal::Terminate)?;
        if let Some(status) = service.ended_within(3 * SIGNAL_TIME)? {
            return broken(format!(
                "with LAME_DUCK_MS=8000, it ended at once ({status})"
            ));
        }
        service.signal(second)?;
        match service.ended_within(AT_ONCE)? {
            Some(status) if !status.success() => {}
            Some(status) => return broken(format!("after a second signal it ended with {status}")),
            None => {
                return unless_busy(broken(format!(
                    "it still ran {AT_ONCE:?} after a second signal ({second:?})"
                )));
            }
        }
    }
    Ok(())
}

/// A client between two visits, and one in the middle of a request.
fn in_the_way(service: &Service) -> Checked<[Connection; 2]> {
    let (mut idle, mut slow) = (service.connect()?, service.connect()?);
    idle.ask("GET", "/")?;
    slow.send_bytes(HALF_A_REQUEST)?;
    Ok([idle, slow])
}
