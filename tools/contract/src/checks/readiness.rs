//! The check that makes visits impossible in every way, and asks the service whether it is ready.

use std::{
    thread,
    time::{Duration, Instant},
};

use private_redis::{RedisClient, RedisProgram, RedisServer};
use processes::Signal;

use super::{has_without, outages::refusals, retry, within};
use crate::{
    finding::{Checked, Finding, broken, left_out},
    service::{Service, Visit},
    subject::RedisSource,
    testbed::{Testbed, commands},
};

/// How long a service may take to notice what happened to Redis, in either direction.
const NOTICE_TIMEOUT: Duration = Duration::from_secs(1);
const HEAL_TIMEOUT: Duration = Duration::from_secs(2);

/// How Redis comes to count no visit, and the commands that begin and end that. In most of these states
/// Redis answers a `PING`, and a connection to it is as good as ever.
const OUTAGES: &[(&str, &[&str], &[&str])] = &[
    (
        "out of memory",
        &["CONFIG SET maxmemory 1"],
        &["CONFIG SET maxmemory 0"],
    ),
    (
        "without enough replicas",
        &["CONFIG SET min-replicas-to-write 1"],
        &["CONFIG SET min-replicas-to-write 0"],
    ),
    (
        "holding no number",
        &["RENAME seen aside", "LPUSH seen x"],
        &["RENAME aside seen"],
    ),
    (
        "at the highest number",
        &["RENAME seen aside", "SET seen 9223372036854775807"],
        &["RENAME aside seen"],
    ),
    (
        "below 0",
        &["RENAME seen aside", "SET seen -1000000"],
        &["RENAME aside seen"],
    ),
    (
        "read-only",
        &["REPLICAOF 127.0.0.1 1"],
        &["REPLICAOF NO ONE"],
    ),
    (
        "asking for a password",
        &["CONFIG SET requirepass secret", "CLIENT KILL TYPE normal"],
        &["CONFIG SET requirepass "],
    ),
];

/// The lack is exactly that there is no `/readyz` (404).
pub fn ready_means_ready(testbed: &Testbed) -> Checked {
    if let RedisSource::Program(RedisProgram::Embedded(_)) = testbed.redis {
        return left_out("the embedded Redis has no outages; it takes a real redis-server");
    }
    let (mut redis, service) = testbed.own(&[])?;
    service.visit()?;
    let readyz = service.ask("GET", "/readyz")?;
    match readyz.status {
        200 => {}
        404 => return Ok(Finding::lacks("GET /readyz answered 404")),
        _ => return broken(format!("GET /readyz answered\n{readyz}\nexpected: 200")),
    }
    let mut flaws = outages(&service, &mut redis)?;
    flaws.extend(below_zero(&service, &redis)?);
    flaws.extend(costs_little(&service, &redis)?);
    drop(service);
    flaws.extend(retry(TRIES, || not_ready_to_stop(testbed))?);
    has_without(&flaws)
}

/// Every outage, one after the other. Returns what was wrong in which.
fn outages(service: &Service, redis: &mut RedisServer) -> Checked<Vec<String>> {
    let mut client = redis.client()?;
    let mut flaws = Vec::new();
    for (state, begin, end) in OUTAGES {
        send(&mut client, begin)?;
        flaws.extend(is_not_ready(service, state)?);
        send(&mut client, end)?;
        flaws.extend(is_ready_again(service, state)?);
    }
    redis.freeze()?;
    flaws.extend(is_not_ready(service, "frozen")?);
    redis.thaw()?;
    flaws.extend(is_ready_again(service, "frozen")?);
    redis.stop()?;
    flaws.extend(is_not_ready(service, "stopped")?);
    redis.start_again()?;
    flaws.extend(is_ready_again(service, "stopped")?);
    Ok(flaws)
}

/// Sends these commands, of words with a space in between. The last word may be empty.
fn send(client: &mut RedisClient, commands: &[&str]) -> Checked<()> {
    for command in commands {
        client.command(&command.split(' ').collect::<Vec<_>>())?;
    }
    Ok(())
}

/// Visits must be refused, and the service must say that it is not ready.
fn is_not_ready(service: &Service, state: &str) -> Checked<Option<String>> {
    let visits = match refusals(service, "/", state) {
        Err(Finding::Broken { why }) => Some(why),
        visits => visits?,
    };
    if visits.is_some() {
        return Ok(visits);
    }
    let mut status = 0;
    let is_noticed = within(NOTICE_TIMEOUT, || {
        let readyz = service.ask("GET", "/readyz")?;
        status = readyz.status;
        Ok(readyz.turns_away())
    })?;
    Ok((!is_noticed).then(|| {
        format!(
            "while Redis was {state}, GET /readyz answered {status}; expected: 503 with Retry-After"
        )
    }))
}

/// Visits must be served again, and the service must say that it is ready.
fn is_ready_again(service: &Service, state: &str) -> Checked<Option<String>> {
    let ended = Instant::now();
    let visit = match service.visit_within(HEAL_TIMEOUT)? {
        Visit::Number(_) => 200,
        Visit::Refused(last) => last.status,
    };
    let mut readyz = 0;
    let is_ready = within(HEAL_TIMEOUT.saturating_sub(ended.elapsed()), || {
        readyz = service.ask("GET", "/readyz")?.status;
        Ok(readyz == 200)
    })?;
    Ok((!is_ready || visit != 200).then(|| {
        format!(
            "{HEAL_TIMEOUT:?} after Redis was no longer {state}, GET / answered {visit} and GET /readyz \
             {readyz}"
        )
    }))
}

/// Just below 0 the first visits lead to no number that a page could show, and the next ones do.
fn below_zero(service: &Service, redis: &RedisServer) -> Checked<Option<String>> {
    const HIGHEST: u64 = 10;
    redis.client()?.command(&["SET", "seen", "-3"])?;
    for _ in 0..HIGHEST {
        let answer = service.ask("GET", "/")?;
        let seen = answer.seen();
        if !seen.is_some_and(|seen| (1..=HIGHEST).contains(&seen)) && !answer.turns_away() {
            let flaw = format!("with a count of -3, GET / answered\n{answer}");
            return Ok(Some(flaw));
        }
    }
    redis.client()?.command(&["SET", "seen", "100"])?;
    is_ready_again(service, "below 0")
}

/// Clients that ask nothing else, and the visitors beside them.
const ASKING: usize = 64;
const VISITORS: usize = 4;
const ASK_TIME: Duration = Duration::from_secs(1);

/// How many commands that may cost beside those of the visits: ten probes a second, each of a few
/// commands, and as much again for a machine that is slow.
const COMMANDS_MAX: u64 = 100;

/// Whoever asks whether the service is ready takes nothing from visitors, neither permits nor Redis.
fn costs_little(service: &Service, redis: &RedisServer) -> Checked<Option<String>> {
    let mut client = redis.client()?;
    let before = commands(&mut client)?;
    let asked = in_a_loop(service, "/readyz", ASKING)?;
    let cost = commands(&mut client)?.saturating_sub(before);
    if cost > COMMANDS_MAX {
        return Ok(Some(format!(
            "{asked} questions whether it is ready in {ASK_TIME:?} cost Redis {cost} commands; expected: \
             at most {COMMANDS_MAX}"
        )));
    }
    let (visits, asked) = load::beside(service.addr, VISITORS, || {
        in_a_loop(service, "/readyz", ASKING)
    });
    let (visits, asked) = (visits.or_else(broken)?, asked?);
    let refused = visits.iter().filter(|visit| visit.number.is_none());
    Ok(match refused.count() {
        0 => None,
        refused => Some(format!(
            "beside {asked} questions whether it is ready, {refused} visits were refused"
        )),
    })
}

/// How often a page can be asked for in a while. Each answer must be a 200.
fn in_a_loop(service: &Service, path: &str, clients: usize) -> Checked<u32> {
    let answers = load::in_parallel(clients, |_| {
        let mut connection = service.connect()?;
        let (started, mut count) = (Instant::now(), 0);
        while started.elapsed() < ASK_TIME {
            let answer = connection.ask("GET", path)?;
            if answer.status != 200 {
                return broken(format!("GET {path} answered\n{answer}\nexpected: 200"));
            }
            count += 1;
        }
        Ok(count)
    });
    answers.into_iter().sum()
}

/// A stop that lets visitors in for so long that nobody can miss it.
const LAME_DUCK: (&str, &str) = ("LAME_DUCK_MS", "2000");

/// When the service is asked after the signal, at the latest: half of that time.
const ASK_TIMEOUT: Duration = Duration::from_secs(1);

/// How long a service may take to hear the signal.
const SIGNAL_TIME: Duration = Duration::from_millis(100);

/// How often a machine may be too busy to ask in time.
const TRIES: usize = 3;

/// When a stop has begun, the service says that it is not ready; and serves who comes all the same.
/// Returns what it does instead.
fn not_ready_to_stop(testbed: &Testbed) -> Checked<Result<Option<String>, String>> {
    let (_redis, mut service) = testbed.own(&[LAME_DUCK])?;
    service.visit()?;
    let mut old = service.connect()?;
    old.ask("GET", "/readyz")?;
    let signalled = Instant::now();
    service.signal(Signal::Terminate)?;
    thread::sleep(SIGNAL_TIME);
    let mut ask = || -> Checked<_> {
        let old = old.ask("GET", "/readyz")?;
        let new = service.ask("GET", "/readyz")?;
        Ok((old.status, new.status, service.ask("GET", "/")?))
    };
    let answers = ask();
    if signalled.elapsed() > ASK_TIMEOUT {
        let seen = format!("this machine cannot ask three times within {ASK_TIMEOUT:?}");
        return Ok(Err(seen));
    }
    let (old, new, page) = match answers {
        Err(Finding::Broken { why }) => return Ok(Ok(Some(format!("after SIGTERM: {why}")))),
        answers => answers?,
    };
    if (old, new) != (503, 503) || page.seen().is_none() {
        return Ok(Ok(Some(format!(
            "{SIGNAL_TIME:?} after SIGTERM, with LAME_DUCK_MS=2000, GET /readyz answered {old} and {new}, \
             and GET / {}; expected: 503, 503 and 200",
            page.status
        ))));
    }
    service.ends_well_within(Duration::from_secs(9))?;
    Ok(Ok(None))
}
