//! Checks that take Redis away: stopped, killed, frozen.

use std::{thread, time::Duration};

use lab::redis::RedisServer;

use crate::{
    Finding, Stop,
    bench::{Bench, Service},
    crowd,
    http::Response,
};

/// How long a service may take to serve once Redis is there.
const HEAL_TIMEOUT: Duration = Duration::from_secs(2);

/// How long an honest refusal may take.
const REFUSAL_TIMEOUT: Duration = Duration::from_secs(1);

/// How often a refusal is timed before it counts as late: a busy machine is not the service's fault.
const REFUSAL_TRIES: usize = 3;

/// Visitors who come while Redis is away.
const CLIENTS: usize = 8;

/// How long we watch a service that has nothing to serve from.
const WATCH_TIME: Duration = Duration::from_millis(300);

pub fn starts_alone(bench: &Bench) -> Result<Finding, Stop> {
    let mut redis = bench.absent_redis()?;
    let mut service = match bench.start(&redis.url(), &[]) {
        Ok(service) => service,
        Err(Stop::Broken(reason)) => return Ok(Finding::Lacks(format!("without Redis: {reason}"))),
        Err(left_out) => return Err(left_out),
    };
    if let Some(status) = service.ended_within(WATCH_TIME)? {
        return Ok(Finding::Lacks(format!(
            "without Redis it ended: {status}{}",
            service.log()
        )));
    }
    redis.start_again()?;
    Ok(match service.visit_within(HEAL_TIMEOUT) {
        Ok(_) => Finding::Has,
        Err(last) => Finding::Lacks(format!(
            "{} s after Redis came, {last}",
            HEAL_TIMEOUT.as_secs()
        )),
    })
}

pub fn heals(bench: &Bench) -> Result<Finding, Stop> {
    let mut redis = bench.redis()?;
    let service = bench.start(&redis.url(), &[])?;
    service.visit()?;
    for (end, how) in [
        (RedisServer::kill as fn(&mut _) -> _, "killed"),
        (RedisServer::stop, "stopped"),
    ] {
        end(&mut redis)?;
        redis.start_again()?;
        if let Err(last) = service.visit_within(HEAL_TIMEOUT) {
            let seconds = HEAL_TIMEOUT.as_secs();
            return Ok(Finding::Lacks(format!(
                "{seconds} s after Redis was {how} and is back, {last}"
            )));
        }
        // One visit may get through by luck. These come on connections of their own.
        for _ in 0..CLIENTS {
            service.visit()?;
        }
    }
    Ok(Finding::Has)
}

pub fn refuses_honestly(bench: &Bench) -> Result<Finding, Stop> {
    let mut redis = bench.redis()?;
    let service = bench.start(&redis.url(), &[])?;
    let before = service.visit()?;

    redis.freeze()?;
    let refused = refusals(&service, "/");
    redis.thaw()?;
    if let Err(seen) = refused {
        return Ok(Finding::Lacks(format!("while Redis was frozen, {seen}")));
    }
    let after = service.visit_within(HEAL_TIMEOUT);
    let after = after
        .map_err(|last| Stop::Broken(format!("after Redis thawed, {last}{}", service.log())))?;
    if after <= before {
        return Ok(Finding::Lacks(format!(
            "number {before} came before the frost and number {after} after it"
        )));
    }

    redis.stop()?;
    Ok(match refusals(&service, "/") {
        Ok(()) => Finding::Has,
        Err(seen) => Finding::Lacks(format!("while Redis was away, {seen}")),
    })
}

pub fn health(bench: &Bench) -> Result<Finding, Stop> {
    let mut redis = bench.redis()?;
    let service = bench.start(&redis.url(), &[])?;
    let before = service.visit()?;
    for path in ["/livez", "/readyz"] {
        let answer = service.ask("GET", path)?;
        if answer.status != 200 {
            return Ok(Finding::Lacks(format!(
                "GET {path} answered\n{answer}\nexpected: 200"
            )));
        }
    }
    let counted = service.visit()? - before - 1;
    if counted != 0 {
        return Ok(Finding::Lacks(format!(
            "looking after its health was counted as {counted} visits"
        )));
    }

    redis.freeze()?;
    let while_frozen = sick(&service);
    redis.thaw()?;
    redis.stop()?;
    for (what, seen) in [("frozen", while_frozen), ("away", sick(&service))] {
        if let Err(seen) = seen {
            return Ok(Finding::Lacks(format!("while Redis was {what}, {seen}")));
        }
    }
    redis.start_again()?;
    service.visit_within(HEAL_TIMEOUT).map_err(Stop::Broken)?;
    let answer = service.ask("GET", "/readyz")?;
    Ok(match answer.status {
        200 => Finding::Has,
        _ => Finding::Lacks(format!(
            "once Redis was back, GET /readyz answered\n{answer}\nexpected: 200"
        )),
    })
}

/// Whether the service is alive and says that it is not ready. The error is what it says instead.
fn sick(service: &Service) -> Result<(), String> {
    match service.ask("GET", "/livez") {
        Ok(answer) if answer.status == 200 => refusals(service, "/readyz"),
        Ok(answer) => Err(format!("GET /livez answered\n{answer}\nexpected: 200")),
        Err(stop) => Err(format!("GET /livez: {stop:?}")),
    }
}

/// Whether all of several visitors are refused as they should be. The error is what one of them saw.
fn refusals(service: &Service, path: &str) -> Result<(), String> {
    let mut seen = Ok(());
    for _ in 0..REFUSAL_TRIES {
        let answers = crowd::at_once(service.addr, CLIENTS, path);
        seen = answers
            .into_iter()
            .try_for_each(|answer| refusal(path, answer));
        match &seen {
            Err(Refusal::Late(_)) => thread::sleep(WATCH_TIME),
            _ => break,
        }
    }
    seen.map_err(|(Refusal::Wrong(what) | Refusal::Late(what))| what)
}

/// What is wrong with a refusal. Only a late one may be the machine's fault.
enum Refusal {
    Wrong(String),
    Late(String),
}

fn refusal(path: &str, answer: Result<Response, String>) -> Result<(), Refusal> {
    let expected = "expected: 503 with Retry-After within 1 s";
    match answer {
        Err(error) => Err(Refusal::Wrong(format!("GET {path}: {error}; {expected}"))),
        Ok(answer) if answer.status != 503 || answer.header("retry-after").is_none() => Err(
            Refusal::Wrong(format!("GET {path} answered\n{answer}\n{expected}")),
        ),
        Ok(answer) if answer.took > REFUSAL_TIMEOUT => Err(Refusal::Late(format!(
            "GET {path} answered\n{answer}\n{expected}"
        ))),
        Ok(_) => Ok(()),
    }
}
