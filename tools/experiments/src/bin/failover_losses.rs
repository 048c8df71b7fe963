//! Measures how many acknowledged increments a failover of a Redis Cluster loses.
//!
//! ```text
//! cargo run --release -p experiments --bin failover-losses
//! ```
//!
//! Prints a table in Markdown. 16 writers increment one key as fast as they can, each on a connection of
//! its own, until the master is killed with SIGKILL. What was acknowledged and is above the count that
//! the replica had heard of, is lost: the replica takes over and gives the same numbers again.
//!
//! One half of the rounds acknowledges an increment as soon as Redis has replied to it. The other half
//! first asks, with `WAIT 1`, whether a replica has it.

use std::error::Error;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use private_redis::{RedisCluster, RedisProgram};

const KEY: &str = "seen";
const WRITERS: usize = 16;
const ROUNDS: usize = 10;

/// How long they write before the master is killed.
const WRITING_TIME: Duration = Duration::from_secs(1);

/// How long `WAIT` may wait for the replica, in milliseconds.
const WAIT_MS: &str = "1000";

const FAILOVER_TIMEOUT: Duration = Duration::from_secs(30);

/// What one round has shown.
struct Round {
    acknowledged: usize,
    lost: usize,
    per_second: f64,
    failover: Duration,
}

fn main() -> Result<(), Box<dyn Error>> {
    let program = RedisProgram::find().ok_or("redis-server is not on PATH; install it")?;
    println!(
        "| an increment is acknowledged after | increments/s | acknowledged | lost in all | rounds with a loss | lost in each round | failover |"
    );
    println!("|---|--:|--:|--:|--:|---|--:|");
    // Alternating, so that whatever else the machine does falls on both.
    let mut rounds = [Vec::new(), Vec::new()];
    for number in 1..=ROUNDS {
        for (waits, rounds) in [false, true].into_iter().zip(&mut rounds) {
            rounds.push(round(&program, waits)?);
        }
        eprintln!("round {number} of {ROUNDS}");
    }
    for (name, rounds) in ["Redis's reply", "`WAIT 1`"].into_iter().zip(&rounds) {
        let sum = |of: fn(&Round) -> usize| rounds.iter().map(of).sum::<usize>();
        let mean = |of: fn(&Round) -> f64| rounds.iter().map(of).sum::<f64>() / ROUNDS as f64;
        let each: Vec<String> = rounds.iter().map(|round| round.lost.to_string()).collect();
        println!(
            "| {name} | {:.0} | {} | {} | {} of {ROUNDS} | {} | {:.1} s |",
            mean(|round| round.per_second),
            sum(|round| round.acknowledged),
            sum(|round| round.lost),
            sum(|round| usize::from(round.lost > 0)),
            each.join(", "),
            mean(|round| round.failover.as_secs_f64()),
        );
    }
    let version = program.version().unwrap_or_default();
    let cores = thread::available_parallelism()?;
    println!("\n{WRITERS} writers, {program} {version}, all on one machine with {cores} cores.");
    Ok(())
}

fn round(program: &RedisProgram, waits: bool) -> Result<Round, Box<dyn Error>> {
    let RedisProgram::Server(path) = program else {
        return Err("the embedded Redis makes no cluster".into());
    };
    let mut cluster = RedisCluster::start(path)?;
    let owner = cluster.owner(KEY).ok_or("nobody owns the key")?;
    let url = cluster.node(owner).url();
    let over = AtomicBool::new(false);
    let (acknowledged, killed) = thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|_| scope.spawn(|| write(&url, waits, &over)))
            .collect();
        thread::sleep(WRITING_TIME);
        let killed = cluster.node_mut(owner).kill().map(|()| Instant::now());
        over.store(true, Ordering::Relaxed);
        let acknowledged: Vec<Vec<u64>> = writers
            .into_iter()
            .map(|writer| writer.join().expect("a writer does not panic"))
            .collect();
        (acknowledged.concat(), killed)
    });
    let killed = killed?;
    let heard = cluster.last_word(owner, KEY)?;
    let next = cluster.wait_for_another_owner(KEY, owner, FAILOVER_TIMEOUT)?;
    let failover = killed.elapsed();
    let count = cluster.number(next, KEY)?;
    if count != heard {
        return Err(format!("the new master counted from {count} on, not from {heard}").into());
    }
    Ok(Round {
        acknowledged: acknowledged.len(),
        lost: acknowledged
            .iter()
            .filter(|number| **number > heard)
            .count(),
        per_second: acknowledged.len() as f64 / WRITING_TIME.as_secs_f64(),
        failover,
    })
}

/// Increments until the master is gone. Returns the numbers that were acknowledged.
fn write(url: &str, waits: bool, over: &AtomicBool) -> Vec<u64> {
    let mut acknowledged = Vec::new();
    let Ok(mut client) = private_redis::RedisClient::connect_url(url, Duration::from_secs(2))
    else {
        return acknowledged;
    };
    while !over.load(Ordering::Relaxed) {
        let number = client.command(&["INCR", KEY]);
        let Ok(Some(number)) = number.map(|number| number.as_integer()) else {
            break;
        };
        if waits {
            // The number of replicas that have all that this connection wrote.
            match client
                .command(&["WAIT", "1", WAIT_MS])
                .map(|heard| heard.as_integer())
            {
                Ok(Some(1..)) => {}
                Ok(_) => continue,
                Err(_) => break,
            }
        }
        acknowledged.extend(u64::try_from(number));
    }
    acknowledged
}
