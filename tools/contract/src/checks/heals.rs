//! The check in which Redis is restarted, and replaced by another one.

use std::time::Instant;

use fault_proxy::FaultProxy;
use load::Response;

use super::{
    outages::{CLIENTS, HEAL_TIMEOUT, goes_on_without},
    retry,
};
use crate::{
    finding::{Checked, Finding, but},
    service::{Service, Visit},
    testbed::{Testbed, needs_no_redis},
};

/// How often that is tried: a busy machine is not the service's fault.
const HEAL_TRIES: usize = 3;

/// The lack is exactly that every visit is refused (5xx) for as long as we wait.
pub fn heals(testbed: &Testbed) -> Checked {
    let (mut redis, service) = testbed.own(&[])?;
    if needs_no_redis(&service, &redis)? {
        return goes_on_without(&service, &mut redis);
    }
    for how in ["killed", "stopped"] {
        service.visit_at_once(CLIENTS)?;
        match how {
            "killed" => redis.kill()?,
            _ => redis.stop()?,
        }
        redis.start_again()?;
        if let Visit::Refused(last) = service.visit_within(HEAL_TIMEOUT)? {
            let seconds = HEAL_TIMEOUT.as_secs();
            return Ok(Finding::lacks(format!(
                "{seconds} s after Redis was {how} and is back, GET / answered\n{last}"
            )));
        }
        // One visit may get through by luck.
        service.visit_at_once(CLIENTS)?;
    }
    for end in [End::Silent, End::ReadOnly] {
        if !retry(HEAL_TRIES, || follows(testbed, end))? {
            return Ok(Finding::has_but(but::STAYS));
        }
    }
    Ok(Finding::has())
}

/// What becomes of the Redis that a name led to, before it leads to another one.
#[derive(Clone, Copy)]
enum End {
    /// Its machine is gone: no answer, and no end of the connections.
    Silent,
    /// It was replaced, and does not know better than to answer.
    ReadOnly,
}

/// Lets the name of Redis lead to another one, while the old connections stay as good as they look. All
/// visits must be served by the new one in time; if some are not, it is said how many were. Returns
/// whether the service follows: it is of no use to wait for one whose visits are not even refused.
fn follows(testbed: &Testbed, end: End) -> Checked<Result<bool, String>> {
    let (old, new) = (testbed.redis()?, testbed.redis()?);
    let wire = FaultProxy::start(old.addr(), 0, |_| 0)?;
    let service = testbed.start(&wire.url(), &[])?;
    service.visit_at_once(CLIENTS)?;
    new.client()?.command(&["SET", "seen", "1000"])?;
    wire.lead_to(new.addr());
    let end = match end {
        End::Silent => {
            wire.silence();
            "silent"
        }
        End::ReadOnly => {
            let port = new.port().to_string();
            let replicates = old.client()?.command(&["REPLICAOF", "127.0.0.1", &port]);
            // The embedded Redis has no replicas.
            if replicates.is_err() {
                return Ok(Ok(true));
            }
            "read-only"
        }
    };
    let gone = Instant::now();
    loop {
        let asked = gone.elapsed();
        // One after the other they find out how many connections are dead, and all together whether any
        // is left.
        let mut answers = visits(&service, 1);
        if answers == [Some(true)] {
            answers = visits(&service, CLIENTS);
        }
        let served = answers
            .iter()
            .filter(|answer| **answer == Some(true))
            .count();
        if served == CLIENTS {
            return Ok(Ok(true));
        }
        if answers.iter().all(Option::is_none) {
            return Ok(Ok(false));
        }
        if asked > HEAL_TIMEOUT {
            return Ok(Err(format!(
                "{} ms after Redis had become {end} and its name led to another one, {served} of {} \
                 visits were served{}",
                asked.as_millis(),
                answers.len(),
                service.log()
            )));
        }
    }
}

/// Whether each of so many visitors at once is served by the new Redis; if not, it must at least be
/// refused, or there is `None`.
fn visits(service: &Service, visitors: usize) -> Vec<Option<bool>> {
    let answers = load::at_once(service.addr, visitors, "/", HEAL_TIMEOUT);
    let served = |answer: Response| match answer.seen() {
        Some(number) => (number > 1000).then_some(true),
        None => answer.turns_away().then_some(false),
    };
    let answers = answers.into_iter();
    answers.map(|answer| answer.ok().and_then(served)).collect()
}
