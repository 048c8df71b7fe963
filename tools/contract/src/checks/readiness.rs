//! The check that makes visits impossible in every way, and asks the service whether it is ready.

use std::{
    thread,
    time::{Duration, Instant},
};

use private_redis::{RedisProgram, RedisServer};
use processes::Signal;

use crate::{
    Finding, RedisSource, Stop,
    bench::{Bench, commands},
    checks::{broken, outages::refusals},
    load,
    service::{Service, Visit},
};

/// How long a service may take to notice what happened to Redis, in either direction.
const NOTICE_TIMEOUT: Duration = Duration::from_secs(1);
const HEAL_TIMEOUT: Duration = Duration::from_secs(2);

/// How Redis comes to count no visit, and how that is undone.
struct Outage {
    /// Such as "out of memory".
    state: &'static str,
    begin: &'static [&'static [&'static str]],
    end: &'static [&'static [&'static str]],
}

/// In most of them Redis answers a `PING`, and a connection to it is as good as ever.
const OUTAGES: &[Outage] = &[
    Outage {
        state: "out of memory",
        begin: &[&["CONFIG", "SET", "maxmemory", "1"]],
        end: &[&["CONFIG", "SET", "maxmemory", "0"]],
    },
    Outage {
        state: "without enough replicas",
        begin: &[&["CONFIG", "SET", "min-replicas-to-write", "1"]],
        end: &[&["CONFIG", "SET", "min-replicas-to-write", "0"]],
    },
    Outage {
        state: "holding no number",
        begin: &[&["RENAME", "seen", "kept"], &["LPUSH", "seen", "x"]],
        end: &[&["RENAME", "kept", "seen"]],
    },
    Outage {
        state: "at the highest number",
        begin: &[
            &["RENAME", "seen", "kept"],
            &["SET", "seen", "9223372036854775807"],
        ],
        end: &[&["RENAME", "kept", "seen"]],
    },
    Outage {
        state: "below 0",
        begin: &[&["RENAME", "seen", "kept"], &["SET", "seen", "-1000000"]],
        end: &[&["RENAME", "kept", "seen"]],
    },
    Outage {
        state: "read-only",
        begin: &[&["REPLICAOF", "127.0.0.1", "1"]],
        end: &[&["REPLICAOF", "NO", "ONE"]],
    },
    Outage {
        state: "asking for a password",
        begin: &[
            &["CONFIG", "SET", "requirepass", "secret"],
            &["CLIENT", "KILL", "TYPE", "normal"],
        ],
        end: &[&["CONFIG", "SET", "requirepass", ""]],
    },
];

/// The lack is exactly that there is no `/readyz` (404).
pub fn ready_means_ready(bench: &Bench) -> Result<Finding, Stop> {
    let mut redis = real_redis(bench)?;
    let service = bench.start(&redis.url(), &[])?;
    service.visit()?;
    let readyz = service.ask("GET", "/readyz")?;
    match readyz.status {
        200 => {}
        404 => return Ok(Finding::Lacks("GET /readyz answered 404".to_owned())),
        _ => return broken(format!("GET /readyz answered\n{readyz}\nexpected: 200")),
    }
    let mut flaws = outages(&service, &mut redis)?;
    flaws.extend(below_zero(&service, &redis)?);
    flaws.extend(costs_little(&service, &redis)?);
    drop(service);
    flaws.extend(not_ready_to_stop(bench)?);
    if flaws.is_empty() {
        Ok(Finding::Has)
    } else {
        broken(flaws.join("\n"))
    }
}

/// A Redis that knows all the commands that this takes.
fn real_redis(bench: &Bench) -> Result<RedisServer, Stop> {
    if matches!(
        bench.redis,
        RedisSource::Program(RedisProgram::Embedded(_))
    ) {
        let why = "the embedded Redis has no outages; it takes a real redis-server";
        return Err(Stop::LeftOut(why.to_owned()));
    }
    bench.redis()
}

/// Every outage, one after the other. Returns what was wrong in which.
fn outages(service: &Service, redis: &mut RedisServer) -> Result<Vec<String>, Stop> {
    let mut flaws = Vec::new();
    let mut client = redis.client()?;
    for outage in OUTAGES {
        for command in outage.begin {
            client.command(command)?;
        }
        flaws.extend(is_not_ready(service, outage.state)?);
        for command in outage.end {
            client.command(command)?;
        }
        flaws.extend(is_ready_again(service, outage.state)?);
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

/// Visits must be refused, and the service must say that it is not ready.
fn is_not_ready(service: &Service, state: &str) -> Result<Option<String>, Stop> {
    let visits = match refusals(service, "/") {
        Err(Stop::Broken(seen)) => Some(seen),
        visits => visits?,
    };
    if let Some(seen) = visits {
        return Ok(Some(format!("while Redis was {state}, {seen}")));
    }
    let deadline = Instant::now() + NOTICE_TIMEOUT;
    loop {
        let readyz = service.ask("GET", "/readyz")?;
        if readyz.turns_away() {
            return Ok(None);
        }
        if Instant::now() > deadline {
            return Ok(Some(format!(
                "while Redis was {state}, GET /readyz answered {}; expected: 503 with Retry-After",
                readyz.status
            )));
        }
        thread::sleep(Duration::from_millis(20));
    }
}

/// Visits must be served again, and the service must say that it is ready.
fn is_ready_again(service: &Service, state: &str) -> Result<Option<String>, Stop> {
    let ended = Instant::now();
    let visit = service.visit_within(HEAL_TIMEOUT)?;
    let readyz = loop {
        let readyz = service.ask("GET", "/readyz")?;
        if readyz.status == 200 || ended.elapsed() > HEAL_TIMEOUT {
            break readyz.status;
        }
        thread::sleep(Duration::from_millis(20));
    };
    let visit = match visit {
        Visit::Number(_) if readyz == 200 => return Ok(None),
        Visit::Number(_) => 200,
        Visit::Refused(last) => last.status,
    };
    Ok(Some(format!(
        "{HEAL_TIMEOUT:?} after Redis was no longer {state}, GET / answered {visit} and GET /readyz {readyz}"
    )))
}

/// Just below 0 the first visits lead to no number that a page could show, and the next ones do.
fn below_zero(service: &Service, redis: &RedisServer) -> Result<Option<String>, Stop> {
    const HIGHEST: u64 = 10;
    redis.client()?.command(&["SET", "seen", "-3"])?;
    for _ in 0..HIGHEST {
        let answer = service.ask("GET", "/")?;
        let is_true = answer
            .seen()
            .is_some_and(|seen| (1..=HIGHEST).contains(&seen));
        if !is_true && !answer.turns_away() {
            return Ok(Some(format!(
                "with a count of -3, GET / answered\n{answer}"
            )));
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

/// Whoever asks whether the service is ready takes nothing from visitors, neither places nor Redis.
fn costs_little(service: &Service, redis: &RedisServer) -> Result<Option<String>, Stop> {
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
    let (visits, asked) = thread::scope(|scope| {
        let asking = scope.spawn(|| in_a_loop(service, "/readyz", ASKING));
        let visits = load::goodput(service.addr, VISITORS, ASK_TIME);
        (visits, asking.join().expect("a client does not panic"))
    });
    let (visits, asked) = (visits.map_err(Stop::Broken)?, asked?);
    Ok((visits.turned_away > 0).then(|| {
        let refused = visits.turned_away;
        format!("beside {asked} questions whether it is ready, {refused} visits were refused")
    }))
}

/// How often a page can be asked for in a while. Each answer must be a 200.
fn in_a_loop(service: &Service, path: &str, clients: usize) -> Result<u32, Stop> {
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

/// When the service is looked at after the signal, at the latest: half of that time.
const LOOK_TIMEOUT: Duration = Duration::from_secs(1);

/// How long a service may take to hear the signal.
const SIGNAL_TIME: Duration = Duration::from_millis(100);

/// How often a machine may be too busy to look in time.
const TRIES: usize = 3;

/// When a stop has begun, the service says that it is not ready; and serves who comes all the same.
fn not_ready_to_stop(bench: &Bench) -> Result<Option<String>, Stop> {
    for _ in 0..TRIES {
        let redis = bench.redis()?;
        let mut service = bench.start(&redis.url(), &[LAME_DUCK])?;
        service.visit()?;
        let mut kept = service.connect()?;
        kept.ask("GET", "/readyz")?;
        let signalled = Instant::now();
        service.signal(Signal::Terminate)?;
        thread::sleep(SIGNAL_TIME);
        let mut ask = || -> Result<_, Stop> {
            let old = kept.ask("GET", "/readyz")?;
            Ok([
                old,
                service.ask("GET", "/readyz")?,
                service.ask("GET", "/")?,
            ])
        };
        let answers = ask();
        if signalled.elapsed() > LOOK_TIMEOUT {
            continue;
        }
        let [old, new, page] = match answers {
            Err(Stop::Broken(seen)) => return Ok(Some(format!("after SIGTERM: {seen}"))),
            answers => answers?,
        };
        if old.status != 503 || new.status != 503 || page.seen().is_none() {
            return Ok(Some(format!(
                "{SIGNAL_TIME:?} after SIGTERM, with LAME_DUCK_MS=2000, GET /readyz answered {} and {}, \
                 and GET / {}; expected: 503, 503 and 200",
                old.status, new.status, page.status
            )));
        }
        service.ends_well_within(Duration::from_secs(9))?;
        return Ok(None);
    }
    broken(format!(
        "this machine cannot ask three times within {LOOK_TIMEOUT:?}"
    ))
}
