//! The check in which Redis is restarted, and replaced by another one.

use fault_proxy::FaultProxy;
use load::Response;

use super::outages::{CLIENTS, HEAL_TIMEOUT, misses_redis};
use super::prelude::*;

/// How often that is tried: a busy machine is not the service's fault.
const HEAL_TRIES: usize = 3;

/// The lack is exactly that every visit is refused (5xx) for as long as we wait.
pub fn heals(testbed: &Testbed) -> Checked {
    let (mut redis, service) = testbed.own(&[])?;
    misses_redis(&service, &mut redis)?;
    for how in ["killed", "stopped"] {
        service.visit_at_once(CLIENTS)?;
        match how {
            "killed" => redis.kill()?,
            _ => redis.stop()?,
        }
        redis.start_again()?;
        if let Err(last) = service.visit_within(HEAL_TIMEOUT)? {
            let seconds = HEAL_TIMEOUT.as_secs();
            return unless_busy(lacks(format!(
                "{seconds} s after Redis was {how} and is back, GET / answered\n{last}"
            )));
        }
        // One visit may get through by luck.
        service.visit_at_once(CLIENTS)?;
    }
    for end in ["silent", "read-only"] {
        retry(HEAL_TRIES, || follows(testbed, end))?;
    }
    Ok(())
}

/// Lets the name of Redis lead to another one, while the old connections stay as good as they look: its
/// machine is gone, without an answer and without an end of the connections; or it was replaced, and does
/// not know better than to answer. All visits must be served by the new one in time. It is of no use to
/// wait for a service whose visits are not even refused.
fn follows(testbed: &Testbed, end: &str) -> Checked {
    let (old, new) = (testbed.redis()?, testbed.redis()?);
    let wire = FaultProxy::start(old.addr(), 0, |_| 0)?;
    let service = testbed.start(&wire.url(), &[])?;
    service.visit_at_once(CLIENTS)?;
    new.client()?.command(&["SET", "seen", "1000"])?;
    wire.lead_to(new.addr());
    if end == "silent" {
        wire.silence();
    } else {
        let command = ["REPLICAOF", "127.0.0.1", &new.port().to_string()];
        if old.client()?.command(&command).is_err() {
            // The embedded Redis has no replicas.
            return Ok(());
        }
    }
    let gone = Instant::now();
    loop {
        let asked = gone.elapsed();
        // One after the other they find out how many connections are dead, and all together whether any
        // is left.
        let mut answers = visits(&service, 1);
        if answers == [Some(true)] {
            answers = visits(&service, CLIENTS);
        }
        let is_served = |answer: &&Option<bool>| **answer == Some(true);
        let served = answers.iter().filter(is_served).count();
        if served == CLIENTS {
            return Ok(());
        }
        if answers.iter().all(Option::is_none) {
            return has_but(but::STAYS);
        }
        if asked > HEAL_TIMEOUT {
            return unless_busy(broken(format!(
                "{} ms after Redis had become {end} and its name led to another one, {served} of {} \
                 visits were served{}",
                asked.as_millis(),
                answers.len(),
                service.log()
            )));
        }
    }
}

/// Whether each of so many visits at once is served by the new Redis; if not, it must at least be
/// refused, or there is `None`.
fn visits(service: &Service, clients: usize) -> Vec<Option<bool>> {
    let answers = load::at_once(service.addr, clients, "/", HEAL_TIMEOUT);
    let served = |answer: Response| match answer.seen() {
        Some(number) => (number > 1000).then_some(true),
        None => answer.turns_away().then_some(false),
    };
    let answers = answers.into_iter();
    answers.map(|answer| answer.ok().and_then(served)).collect()
}
