//! The check in which Redis is restarted, and replaced by another one.

use std::time::Instant;

use load::Response;
use private_redis::RedisServer;

use crate::{
    Checked, Finding,
    bench::{Bench, needs_no_redis},
    checks::{
        broken,
        outages::{CLIENTS, HEAL_TIMEOUT, goes_on_without},
    },
    expectations::but,
    relay::Relay,
    service::Visit,
};

/// How often that is tried: a busy machine is not the service's fault.
const HEAL_TRIES: usize = 3;

/// The lack is exactly that every visit is refused (5xx) for as long as we wait.
pub fn heals(bench: &Bench) -> Checked {
    let mut redis = bench.redis()?;
    let service = bench.start(&redis.url(), &[])?;
    if needs_no_redis(&service, &redis)? {
        return goes_on_without(&service, &mut redis);
    }
    for (end, how) in [
        (RedisServer::kill as fn(&mut _) -> _, "killed"),
        (RedisServer::stop, "stopped"),
    ] {
        service.visit_at_once(CLIENTS)?;
        end(&mut redis)?;
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
    for how in [End::Silent, End::ReadOnly] {
        match follows(bench, how)? {
            None => {}
            Some(finding) => return Ok(finding),
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
/// visits must be served by the new one in time. A service whose visits are not even refused stays with
/// the old one; then it is of no use to look any further.
fn follows(bench: &Bench, how: End) -> Checked<Option<Finding>> {
    let mut seen = String::new();
    for _ in 0..HEAL_TRIES {
        let (old, new) = (bench.redis()?, bench.redis()?);
        let relay = Relay::start(old.addr())?;
        let service = bench.start(&relay.url(), &[])?;
        service.visit_at_once(CLIENTS)?;
        new.client()?.command(&["SET", "seen", "1000"])?;
        relay.lead_to(new.addr());
        let end = match how {
            End::Silent => {
                relay.silence();
                "silent"
            }
            End::ReadOnly => {
                let port = new.port().to_string();
                match old.client()?.command(&["REPLICAOF", "127.0.0.1", &port]) {
                    Ok(_) => "read-only",
                    // The embedded Redis has no replicas.
                    Err(_) => return Ok(None),
                }
            }
        };
        let gone = Instant::now();
        loop {
            let asked = gone.elapsed();
            let is_served = |answer: &Result<Response, String>| {
                answer
                    .as_ref()
                    .is_ok_and(|answer| answer.seen() > Some(1000))
            };
            // One after the other they find out how many connections are dead, and all together
            // whether any is left.
            let mut answers = load::at_once(service.addr, 1, "/", HEAL_TIMEOUT);
            if answers.iter().all(is_served) {
                answers = load::at_once(service.addr, CLIENTS, "/", HEAL_TIMEOUT);
                if answers.iter().all(is_served) {
                    return Ok(None);
                }
            }
            let is_refused =
                |answer: &Result<Response, String>| answer.as_ref().is_ok_and(Response::turns_away);
            if !answers
                .iter()
                .any(|answer| is_served(answer) || is_refused(answer))
            {
                return Ok(Some(Finding::has_but(but::STAYS)));
            }
            if asked > HEAL_TIMEOUT {
                let served = answers.iter().filter(|answer| is_served(answer)).count();
                seen = format!(
                    "{} ms after Redis had become {end} and its name led to another one, {served} of \
                     {} visits were served{}",
                    asked.as_millis(),
                    answers.len(),
                    service.log()
                );
                break;
            }
        }
    }
    broken(seen)
}
