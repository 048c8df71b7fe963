//! Checks that take Redis away: stopped, killed, frozen.

use load::{Response, ledger};
use private_redis::RedisServer;

use super::prelude::*;
use crate::testbed::{Ended, needs_no_redis};

/// How long a service may take to notice what happened to Redis, and to serve once Redis is there.
pub const NOTICE_TIMEOUT: Duration = Duration::from_secs(1);
pub const HEAL_TIMEOUT: Duration = Duration::from_secs(2);

/// How long an honest refusal may take.
const REFUSAL_TIMEOUT: Duration = Duration::from_secs(1);

/// How often a refusal is timed before it counts as late: a busy machine is not the service's fault.
const REFUSAL_TRIES: usize = 3;

/// Visits at once: more than the connections of any pool, so that each of them is used before an outage
/// and stale after it.
pub const CLIENTS: usize = 24;

/// How long it is watched whether a service ends that has nothing to serve from.
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
        Err(_refusal) => Ok(()),
        Ok(_) if needs_no_redis(&service, &redis)? => has_but(but::NO_REDIS),
        Ok(number) => broken(format!("number {number} was given without Redis")),
    }
}

/// A service that does not ask Redis must not miss it either. That is then all that there is to check.
pub fn misses_redis(service: &Service, redis: &mut RedisServer) -> Checked {
    if !needs_no_redis(service, redis)? {
        return Ok(());
    }
    redis.stop()?;
    let (before, after) = (service.visit()?, service.visit()?);
    match after == before + 1 {
        true => has_but(but::NO_REDIS),
        false => broken(format!(
            "without Redis, number {after} came after number {before}"
        )),
    }
}

/// The lack is exactly that a visit is refused in another way: a 5xx that is no 503, or that does not
/// say when to come again. A number, a closed connection, an answer that is late are no refusals.
pub fn refuses_honestly(testbed: &Testbed) -> Checked {
    let (mut redis, service) = testbed.own(&[])?;
    misses_redis(&service, &mut redis)?;
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
            "before Redis froze, {CLIENTS} visits at once had the numbers {before:?}, after it \
             thawed {after:?}; expected: higher ones, and none twice"
        ));
    }
    redis.stop()?;
    let away = refusals(&service, "/", "away")?;
    frozen.or(away).map_or(Ok(()), lacks)
}

/// The lack is exactly that neither page is there (404).
pub fn health(testbed: &Testbed) -> Checked {
    let (mut redis, service) = testbed.own(&[])?;
    let before = service.visit()?;
    let (livez, readyz) = (
        service.ask("GET", "/livez")?,
        service.ask("GET", "/readyz")?,
    );
    match (livez.status, readyz.status) {
        (200, 200) => {}
        (404, 404) => return lacks("GET /livez and GET /readyz answered 404"),
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
    let readyz = service.ask_within(NOTICE_TIMEOUT, "/readyz", |readyz| readyz.status == 200)?;
    match readyz.status {
        200 => Ok(()),
        _ => unless_busy(broken(format!(
            "once Redis was back, GET /readyz answered\n{readyz}\nexpected: 200"
        ))),
    }
}

/// The service must be alive and say that it is not ready.
fn sick(service: &Service, state: &str) -> Checked {
    // What it found out last may be its answer for a moment.
    service.ask_within(NOTICE_TIMEOUT, "/readyz", Response::turns_away)?;
    let livez = service.ask("GET", "/livez")?;
    if livez.status != 200 {
        return broken(format!(
            "while Redis was {state}, GET /livez answered\n{livez}\nexpected: 200"
        ));
    }
    refusals(service, "/readyz", state)?.map_or(Ok(()), broken)
}

/// How several clients at once are refused while Redis is in that state: honestly (`None`) or in another
/// way. They must be refused, and in time.
pub fn refusals(service: &Service, path: &str, state: &str) -> Checked<Option<String>> {
    let state = format!("while Redis was {state}, GET {path}");
    let expected = "expected: 503 with Retry-After within 1 s";
    retry(REFUSAL_TRIES, || {
        let answers = service.ask_at_once(CLIENTS, path, &state)?;
        let first = |is_such: fn(&&Response) -> bool| {
            let answer = answers.iter().find(is_such)?;
            Some(format!("{state} answered\n{answer}\n{expected}"))
        };
        if let Some(seen) = first(|answer| !answer.is_failure()) {
            return broken(seen);
        }
        if let Some(seen) = first(|answer| !answer.turns_away()) {
            return Ok(Some(seen));
        }
        let late = first(|answer| answer.took > REFUSAL_TIMEOUT);
        late.map_or(Ok(None), |late| unless_busy(broken(late)))
    })
}
