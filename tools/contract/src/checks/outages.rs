//! Checks that take Redis away: stopped, killed, frozen.

use std::{thread, time::Duration};

use load::{ANSWER_TIMEOUT, Response, ledger};
use private_redis::RedisServer;

use super::retry;
use crate::{
    finding::{Checked, Finding, broken, but},
    service::{Service, Visit},
    testbed::{Ended, Testbed, needs_no_redis},
};

/// How long a service may take to serve once Redis is there.
pub const HEAL_TIMEOUT: Duration = Duration::from_secs(2);

/// How long an honest refusal may take.
const REFUSAL_TIMEOUT: Duration = Duration::from_secs(1);

/// How often a refusal is timed before it counts as late: a busy machine is not the service's fault.
const REFUSAL_TRIES: usize = 3;

/// Visitors who come at once: more than the connections of any pool, so that each of them is used
/// before an outage and stale after it.
pub const CLIENTS: usize = 24;

/// How long we watch a service that has nothing to serve from.
const WATCH_TIME: Duration = Duration::from_millis(300);

/// The lack is exactly that the process ends by itself and says where it looked for Redis.
pub fn starts_alone(testbed: &Testbed) -> Checked {
    let mut redis = testbed.absent_redis()?;
    let port = redis.port().to_string();
    let gave_up = |ended: Ended| ended.gave_up("without Redis", &[&port]);
    let mut service = match testbed.launch(&redis.url(), &[])? {
        Ok(service) => service,
        Err(ended) => return gave_up(ended),
    };
    if let Some(status) = service.ended_within(WATCH_TIME)? {
        let output = service.log();
        return gave_up(Ended { status, output });
    }
    let alone = service.try_visit()?;
    redis.start_again()?;
    service.serves_within(HEAL_TIMEOUT, "after Redis came")?;
    match alone {
        Visit::Refused(_) => Ok(Finding::has()),
        Visit::Number(_) if needs_no_redis(&service, &redis)? => {
            Ok(Finding::has_but(but::NO_REDIS))
        }
        Visit::Number(number) => broken(format!("number {number} was given without Redis")),
    }
}

/// A service that does not ask Redis must not miss it either.
pub fn goes_on_without(service: &Service, redis: &mut RedisServer) -> Checked {
    redis.stop()?;
    let (before, after) = (service.visit()?, service.visit()?);
    if after == before + 1 {
        Ok(Finding::has_but(but::NO_REDIS))
    } else {
        broken(format!(
            "without Redis, number {after} came after number {before}"
        ))
    }
}

/// The lack is exactly that a visit is refused in another way: a 5xx that is no 503, or that does not
/// say when to come again. A number, a closed connection, an answer that is late are no refusals.
pub fn refuses_honestly(testbed: &Testbed) -> Checked {
    let (mut redis, service) = testbed.own(&[])?;
    if needs_no_redis(&service, &redis)? {
        return goes_on_without(&service, &mut redis);
    }
    let before = service.visit_at_once(CLIENTS)?;
    redis.freeze()?;
    let frozen = refusals(&service, "/", "frozen")?;
    redis.thaw()?;
    service.serves_within(HEAL_TIMEOUT, "after Redis thawed")?;
    let after = service.visit_at_once(CLIENTS)?;
    // Numbers may be skipped: Redis counts late whoever was refused. None may come back.
    let has_twice = |numbers: &[u64]| !ledger::duplicates(numbers).is_empty();
    if before.iter().max() >= after.iter().min() || has_twice(&before) || has_twice(&after) {
        return broken(format!(
            "before Redis froze, {CLIENTS} visitors at once got the numbers {before:?}, after it \
             thawed {after:?}; expected: higher ones, and none twice"
        ));
    }
    redis.stop()?;
    let away = refusals(&service, "/", "away")?;
    Ok(frozen.or(away).map_or(Finding::has(), Finding::lacks))
}

/// The lack is exactly that neither page is there (404).
pub fn health(testbed: &Testbed) -> Checked {
    let (mut redis, service) = testbed.own(&[])?;
    let before = service.visit()?;
    let [livez, readyz] = ["/livez", "/readyz"].map(|path| service.ask("GET", path));
    let (livez, readyz) = (livez?, readyz?);
    match (livez.status, readyz.status) {
        (200, 200) => {}
        (404, 404) => return Ok(Finding::lacks("GET /livez and GET /readyz answered 404")),
        _ => {
            return broken(format!(
                "GET /livez answered\n{livez}\nand GET /readyz\n{readyz}\nexpected: 200"
            ));
        }
    }
    let after = service.visit()?;
    if after != before + 1 {
        return broken(format!(
            "number {before}, then /livez and /readyz, then number {after}: they count"
        ));
    }
    redis.freeze()?;
    sick(&service, "frozen")?;
    redis.thaw()?;
    redis.stop()?;
    sick(&service, "away")?;
    redis.start_again()?;
    service.serves_within(HEAL_TIMEOUT, "once Redis was back")?;
    thread::sleep(WATCH_TIME);
    service.ask_ok("/readyz", "once Redis was back, ")?;
    Ok(Finding::has())
}

/// The service must be alive and say that it is not ready.
fn sick(service: &Service, state: &str) -> Checked<()> {
    // What it found out last may be its answer for a moment.
    thread::sleep(WATCH_TIME);
    service.ask_ok("/livez", &format!("while Redis was {state}, "))?;
    match refusals(service, "/readyz", state)? {
        None => Ok(()),
        Some(seen) => broken(seen),
    }
}

/// How several visitors at once are refused while Redis is in that state: honestly (`None`) or in another
/// way. They must be refused, and in time.
pub fn refusals(service: &Service, path: &str, state: &str) -> Checked<Option<String>> {
    let (state, expected) = (
        format!("while Redis was {state}, GET {path}"),
        "expected: 503 with Retry-After within 1 s",
    );
    retry(REFUSAL_TRIES, || {
        let answers = load::at_once(service.addr, CLIENTS, path, ANSWER_TIMEOUT);
        let answers: Result<Vec<Response>, String> = answers.into_iter().collect();
        let answers = answers.or_else(|error| broken(format!("{state}: {error}; {expected}")))?;
        let first = |is_such: fn(&&Response) -> bool| {
            let answer = answers.iter().find(is_such)?;
            Some(format!("{state} answered\n{answer}\n{expected}"))
        };
        if let Some(seen) = first(|answer| !answer.is_failure()) {
            return broken(seen);
        }
        if let Some(seen) = first(|answer| !answer.turns_away()) {
            return Ok(Ok(Some(seen)));
        }
        let Some(late) = first(|answer| answer.took > REFUSAL_TIMEOUT) else {
            return Ok(Ok(None));
        };
        thread::sleep(WATCH_TIME);
        Ok(Err(late))
    })
}
