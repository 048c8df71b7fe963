//! Checks that take Redis away: stopped, killed, frozen.

use std::{process::ExitStatus, thread, time::Duration};

use load::{ANSWER_TIMEOUT, Response};
use private_redis::RedisServer;

use crate::{
    Checked, Finding,
    bench::{Bench, Launch, needs_no_redis},
    checks::broken,
    expectations::but,
    service::{Service, Visit},
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
pub fn starts_alone(bench: &Bench) -> Checked {
    let mut redis = bench.absent_redis()?;
    let mut service = match bench.launch(&redis.url(), &[])? {
        Launch::Serves(service) => service,
        Launch::Ended { status, output } => return gave_up(status, &output, &redis),
    };
    if let Some(status) = service.ended_within(WATCH_TIME)? {
        return gave_up(status, &service.log(), &redis);
    }
    let alone = service.try_visit()?;
    redis.start_again()?;
    if let Visit::Refused(last) = service.visit_within(HEAL_TIMEOUT)? {
        let seconds = HEAL_TIMEOUT.as_secs();
        let log = service.log();
        return broken(format!(
            "{seconds} s after Redis came, GET / answered\n{last}{log}"
        ));
    }
    match alone {
        Visit::Refused(_) => Ok(Finding::has()),
        Visit::Number(_) if needs_no_redis(&service, &redis)? => {
            Ok(Finding::has_but(but::NO_REDIS))
        }
        Visit::Number(number) => broken(format!("number {number} was given without Redis")),
    }
}

/// What it means that the service ended because Redis was away.
fn gave_up(status: ExitStatus, output: &str, redis: &RedisServer) -> Checked {
    let says_why = output.contains(&redis.port().to_string());
    let seen = format!("without Redis it ended ({status}):\n{output}");
    if status.code().is_some_and(|code| code != 0) && says_why {
        Ok(Finding::lacks(seen))
    } else {
        broken(seen)
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
pub fn refuses_honestly(bench: &Bench) -> Checked {
    let mut redis = bench.redis()?;
    let service = bench.start(&redis.url(), &[])?;
    if needs_no_redis(&service, &redis)? {
        return goes_on_without(&service, &mut redis);
    }
    let before = service.visit_at_once(CLIENTS)?;
    redis.freeze()?;
    let frozen = refusals(&service, "/")?;
    redis.thaw()?;
    if let Visit::Refused(last) = service.visit_within(HEAL_TIMEOUT)? {
        return broken(format!("after Redis thawed, GET / answered\n{last}"));
    }
    let after = service.visit_at_once(CLIENTS)?;
    // Numbers may be skipped: Redis counts late whoever was refused. None may come back.
    if before.iter().max() >= after.iter().min() || has_twice(&before) || has_twice(&after) {
        return broken(format!(
            "before Redis froze, {CLIENTS} visitors at once got the numbers {before:?}, after it \
             thawed {after:?}; expected: higher ones, and none twice"
        ));
    }
    redis.stop()?;
    let away = refusals(&service, "/")?;
    let what = |state: &str, lack: Option<String>| {
        lack.map(|seen| format!("while Redis was {state}, {seen}"))
    };
    Ok(match what("frozen", frozen).or(what("away", away)) {
        None => Finding::has(),
        Some(seen) => Finding::lacks(seen),
    })
}

fn has_twice(numbers: &[u64]) -> bool {
    let mut sorted = numbers.to_vec();
    sorted.sort_unstable();
    sorted.windows(2).any(|pair| pair[0] == pair[1])
}

/// The lack is exactly that neither page is there (404).
pub fn health(bench: &Bench) -> Checked {
    let mut redis = bench.redis()?;
    let service = bench.start(&redis.url(), &[])?;
    let before = service.visit()?;
    let (livez, readyz) = (
        service.ask("GET", "/livez")?,
        service.ask("GET", "/readyz")?,
    );
    match (livez.status, readyz.status) {
        (200, 200) => {}
        (404, 404) => {
            return Ok(Finding::lacks(
                "GET /livez and GET /readyz answered 404".to_owned(),
            ));
        }
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
    if let Visit::Refused(last) = service.visit_within(HEAL_TIMEOUT)? {
        return broken(format!("once Redis was back, GET / answered\n{last}"));
    }
    thread::sleep(WATCH_TIME);
    let readyz = service.ask("GET", "/readyz")?;
    match readyz.status {
        200 => Ok(Finding::has()),
        _ => broken(format!(
            "once Redis was back, GET /readyz answered\n{readyz}\nexpected: 200"
        )),
    }
}

/// The service must be alive and say that it is not ready.
fn sick(service: &Service, state: &str) -> Checked<()> {
    // What it found out last may be its answer for a moment.
    thread::sleep(WATCH_TIME);
    let livez = service.ask("GET", "/livez")?;
    if livez.status != 200 {
        return broken(format!(
            "while Redis was {state}, GET /livez answered\n{livez}\nexpected: 200"
        ));
    }
    match refusals(service, "/readyz")? {
        None => Ok(()),
        Some(seen) => broken(format!("while Redis was {state}, {seen}")),
    }
}

/// How several visitors at once are refused: honestly (`None`) or in another way. They must be refused,
/// and in time.
pub fn refusals(service: &Service, path: &str) -> Checked<Option<String>> {
    let expected = "expected: 503 with Retry-After within 1 s";
    let mut seen = String::new();
    for _ in 0..REFUSAL_TRIES {
        let answers = load::at_once(service.addr, CLIENTS, path, ANSWER_TIMEOUT);
        let answers: Result<Vec<Response>, String> = answers.into_iter().collect();
        let answers =
            answers.map_err(|error| Finding::broken(format!("GET {path}: {error}; {expected}")))?;
        let first = |is_such: fn(&&Response) -> bool| {
            let answer = answers.iter().find(is_such)?;
            Some(format!("GET {path} answered\n{answer}\n{expected}"))
        };
        if let Some(seen) = first(|answer| !answer.is_failure()) {
            return broken(seen);
        }
        if let Some(seen) = first(|answer| !answer.turns_away()) {
            return Ok(Some(seen));
        }
        match first(|answer| answer.took > REFUSAL_TIMEOUT) {
            None => return Ok(None),
            Some(late) => seen = late,
        }
        thread::sleep(WATCH_TIME);
    }
    broken(seen)
}
