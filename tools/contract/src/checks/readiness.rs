//! The check that makes visits impossible in every way, and asks the service whether it is ready.

use load::Response;
use private_redis::{RedisClient, RedisProgram, RedisServer};
use processes::Signal;
use steps::Source;

use super::outages::{HEAL_TIMEOUT, NOTICE_TIMEOUT, refusals};
use super::prelude::*;
use crate::testbed::commands;

/// How Redis comes to count no visit: a state, and the commands that begin and end it. In most of these
/// states Redis answers a `PING`, and a connection to it is as good as ever.
const OUTAGES: &str = "
    out of memory: CONFIG SET maxmemory 1 | CONFIG SET maxmemory 0
    without enough replicas: CONFIG SET min-replicas-to-write 1 | CONFIG SET min-replicas-to-write 0
    holding no number: RENAME seen aside; LPUSH seen x | RENAME aside seen
    at the highest number: RENAME seen aside; SET seen 9223372036854775807 | RENAME aside seen
    below 0: RENAME seen aside; SET seen -1000000 | RENAME aside seen
    read-only: REPLICAOF 127.0.0.1 1 | REPLICAOF NO ONE
    asking for a password: CONFIG SET requirepass secret; CLIENT KILL TYPE normal | CONFIG SET requirepass ''
";

/// The lack is exactly that there is no `/readyz` (404).
pub fn ready_means_ready(testbed: &Testbed) -> Checked {
    if let Source::Private(RedisProgram::Embedded(_)) = testbed.redis {
        return left_out("the embedded Redis has no outages; it takes a real redis-server");
    }
    let (mut redis, service) = testbed.own(&[])?;
    service.visit()?;
    let readyz = service.ask("GET", "/readyz")?;
    match readyz.status {
        200 => {}
        404 => return lacks("GET /readyz answered 404"),
        _ => return broken(format!("GET /readyz answered\n{readyz}\nexpected: 200")),
    }
    all([
        outages(&service, &mut redis),
        below_zero(&service, &redis),
        costs_little(&service, &redis),
        retry(TRIES, || not_ready_to_stop(testbed)),
    ])
}

/// Every outage, one after the other.
fn outages(service: &Service, redis: &mut RedisServer) -> Checked {
    let mut client = redis.client()?;
    let mut seen = Vec::new();
    for line in OUTAGES.trim().lines() {
        let (state, commands) = line.trim().split_once(": ").unwrap_or((line, ""));
        let (begin, end) = commands.split_once(" | ").unwrap_or((commands, ""));
        send(&mut client, begin)?;
        seen.push(is_not_ready(service, state));
        send(&mut client, end)?;
        seen.push(is_ready_again(service, state));
    }
    redis.freeze()?;
    seen.push(is_not_ready(service, "frozen"));
    redis.thaw()?;
    seen.push(is_ready_again(service, "frozen"));
    redis.stop()?;
    seen.push(is_not_ready(service, "stopped"));
    redis.start_again()?;
    seen.push(is_ready_again(service, "stopped"));
    all(seen)
}

/// Sends commands.
fn send(client: &mut RedisClient, commands: &str) -> Checked {
    for command in commands.split("; ") {
        let words = command.split(' ').map(|word| word.trim_matches('\''));
        client.command(&words.collect::<Vec<_>>())?;
    }
    Ok(())
}

/// Visits must be refused, and the service must say that it is not ready.
fn is_not_ready(service: &Service, state: &str) -> Checked {
    refusals(service, "/", state)?.map_or(Ok(()), broken)?;
    let readyz = service.ask_within(NOTICE_TIMEOUT, "/readyz", Response::turns_away)?;
    match readyz.turns_away() {
        true => Ok(()),
        false => unless_busy(broken(format!(
            "while Redis was {state}, GET /readyz answered {}; expected: 503 with Retry-After",
            readyz.status
        ))),
    }
}

/// Visits must be served again, and the service must say that it is ready.
fn is_ready_again(service: &Service, state: &str) -> Checked {
    let ended = Instant::now();
    let page = service.ask_within(HEAL_TIMEOUT, "/", |page| page.seen().is_some())?;
    let rest = HEAL_TIMEOUT.saturating_sub(ended.elapsed());
    let readyz = service.ask_within(rest, "/readyz", |readyz| readyz.status == 200)?;
    match page.seen() {
        Some(_) if readyz.status == 200 => Ok(()),
        _ => unless_busy(broken(format!(
            "{HEAL_TIMEOUT:?} after Redis was no longer {state}, GET / answered {} and GET /readyz {}",
            page.status, readyz.status
        ))),
    }
}

/// Just below 0 the first visits lead to no number that a page could show, and the next ones do.
fn below_zero(service: &Service, redis: &RedisServer) -> Checked {
    const HIGHEST: u64 = 10;
    redis.client()?.command(&["SET", "seen", "-3"])?;
    for _ in 0..HIGHEST {
        let answer = service.ask("GET", "/")?;
        let is_right = |number| (1..=HIGHEST).contains(&number);
        if !answer.seen().is_some_and(is_right) && !answer.turns_away() {
            return broken(format!("with a count of -3, GET / answered\n{answer}"));
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
fn costs_little(service: &Service, redis: &RedisServer) -> Checked {
    let mut client = redis.client()?;
    let before = commands(&mut client)?;
    let asked = ask_readyz(service)?;
    let cost = commands(&mut client)?.saturating_sub(before);
    if cost > COMMANDS_MAX {
        return broken(format!(
            "{asked} questions whether it is ready in {ASK_TIME:?} cost Redis {cost} commands; expected: \
             at most {COMMANDS_MAX}"
        ));
    }
    let (answers, asked) = load::beside(service.addr, VISITORS, || ask_readyz(service));
    let (answers, asked) = (answers.or_else(broken)?, asked?);
    match load::numbers(&answers) {
        (_, 0) => Ok(()),
        (_, refused) => unless_busy(broken(format!(
            "beside {asked} questions whether it is ready, {refused} visits were refused"
        ))),
    }
}

/// How often the service can be asked in a while whether it is ready. It must be each time.
fn ask_readyz(service: &Service) -> Checked<u32> {
    let answers = load::in_parallel(ASKING, |_| {
        let mut connection = service.connect()?;
        let (started, mut count) = (Instant::now(), 0);
        while started.elapsed() < ASK_TIME {
            let readyz = connection.ask("GET", "/readyz")?;
            if readyz.status != 200 {
                return unless_busy(broken(format!(
                    "beside {ASKING} clients that ask the same, GET /readyz answered\n{readyz}\
                     \nexpected: 200"
                )));
            }
            count += 1;
        }
        Ok(count)
    });
    answers.into_iter().sum()
}

/// A stop that accepts connections for so long that it cannot be missed.
const LAME_DUCK: (&str, &str) = ("LAME_DUCK_MS", "2000");

/// How long such a stop may take: the lame duck, the drain time-out of 5 s, and 2 s for a busy machine.
const STOP_TIMEOUT: Duration = Duration::from_secs(9);

/// How long a service may take to hear the signal.
const SIGNAL_TIME: Duration = Duration::from_millis(100);

/// How often the machine may be too busy for that.
const TRIES: usize = 3;

/// When a stop has begun, the service says that it is not ready; and serves who comes all the same.
fn not_ready_to_stop(testbed: &Testbed) -> Checked {
    let (_redis, mut service) = testbed.own(&[LAME_DUCK])?;
    service.visit()?;
    let mut old = service.connect()?;
    old.ask("GET", "/readyz")?;
    service.signal(Signal::Terminate)?;
    thread::sleep(SIGNAL_TIME);
    let after_sigterm = |answer: Checked<Response>| {
        unless_busy(answer.or_else(|end| broken(format!("after SIGTERM: {}", end.evidence))))
    };
    let old = service.logged(old.ask("GET", "/readyz"), "GET /readyz");
    let old = after_sigterm(old)?.status;
    let new = after_sigterm(service.ask("GET", "/readyz"))?.status;
    let page = after_sigterm(service.ask("GET", "/"))?;
    if (old, new) != (503, 503) || page.seen().is_none() {
        return unless_busy(broken(format!(
            "{SIGNAL_TIME:?} after SIGTERM, with LAME_DUCK_MS=2000, GET /readyz answered {old} and {new}, \
             and GET / {}; expected: 503, 503 and 200",
            page.status
        )));
    }
    service.ends_well_within(STOP_TIMEOUT)
}
