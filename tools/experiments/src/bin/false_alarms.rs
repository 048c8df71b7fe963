//! Measures how often a Redis Cluster replaces a master that was only slow.
//!
//! ```text
//! cargo run --release -p experiments --bin false-alarms > book/measurements/failover/false-alarms.json
//! ```
//!
//! For each `cluster-node-timeout` there is a cluster of three masters and three replicas. The master that owns a
//! key is killed some times, which needs a failover; then it is frozen and thawed (SIGSTOP, SIGCONT), which
//! needs none; and then threads that never sleep keep all cores busy. Nobody visits: what is looked for is
//! who the master is afterwards.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant, SystemTime},
};

use anyhow::{Context, Result, bail};
use experiments::false_alarms::{FalseAlarms, Found};
use private_redis::{RedisCluster, RedisProgram};
use processes::poll;

const KEY: &str = "seen";
const NODES: usize = 6;
const NODE_TIMEOUTS_MS: [u64; 4] = [500, 1000, 2000, 5000];
const PAUSES_MS: [u64; 6] = [250, 500, 1000, 1500, 2000, 3000];
const ROUNDS: usize = 10;
const KILLS: usize = 5;
const BUSY_THREADS_PER_CORE: usize = 8;
const BUSY: Duration = Duration::from_secs(60);

/// How long a cluster may take until all is well again.
const WHOLE_TIMEOUT: Duration = Duration::from_secs(60);
const POLL_INTERVAL: Duration = Duration::from_millis(20);

fn main() -> Result<()> {
    let program = RedisProgram::find().context("redis-server is not on PATH; install it")?;
    let clusters = NODE_TIMEOUTS_MS.map(|timeout| cluster(&program, timeout));
    let mut clusters = clusters.into_iter().collect::<Result<Vec<_>>>()?;
    let mut found = Vec::new();
    // Side by side: a cluster mostly waits.
    thread::scope(|scope| {
        let measured = clusters.iter_mut().zip(NODE_TIMEOUTS_MS);
        let measured =
            measured.map(|(cluster, timeout)| scope.spawn(move || measure(cluster, timeout)));
        let measured: Vec<_> = measured.collect();
        for thread in measured {
            found.push(thread.join().expect("the measurement does not panic")?);
        }
        Ok::<_, anyhow::Error>(())
    })?;
    let cores = thread::available_parallelism()?.get();
    let elections = || clusters.iter().map(elections).collect::<Result<Vec<u64>>>();
    let before = elections()?;
    keep_busy(cores * BUSY_THREADS_PER_CORE, || thread::sleep(BUSY));
    let after = elections()?;
    for (found, (before, after)) in found.iter_mut().zip(before.into_iter().zip(after)) {
        found.elections_when_busy = after - before;
    }
    let results = FalseAlarms {
        date: humantime::format_rfc3339_seconds(SystemTime::now()).to_string(),
        cores,
        redis: format!("{program} {}", program.version().unwrap_or_default()),
        rounds: ROUNDS,
        pauses_ms: PAUSES_MS.to_vec(),
        busy_threads: cores * BUSY_THREADS_PER_CORE,
        busy_s: BUSY.as_secs(),
        found,
    };
    println!("{}", serde_json::to_string_pretty(&results)?);
    Ok(())
}

/// A cluster with this time-out, in milliseconds, and with a key.
fn cluster(program: &RedisProgram, node_timeout_ms: u64) -> Result<RedisCluster> {
    let RedisProgram::Server(path) = program else {
        bail!("the embedded Redis makes no cluster");
    };
    let cluster = RedisCluster::start(path)?;
    for node in 0..NODES {
        set_node_timeout(&cluster, node, node_timeout_ms)?;
    }
    let owner = cluster.owner(KEY).context("nobody owns the key")?;
    cluster.node(owner).client()?.command(&["INCR", KEY])?;
    Ok(cluster)
}

fn set_node_timeout(cluster: &RedisCluster, node: usize, milliseconds: u64) -> Result<()> {
    let mut client = cluster.node(node).client()?;
    let milliseconds = milliseconds.to_string();
    client.command(&["CONFIG", "SET", "cluster-node-timeout", &milliseconds])?;
    Ok(())
}

fn measure(cluster: &mut RedisCluster, node_timeout_ms: u64) -> Result<Found> {
    let mut failover_ms = Vec::new();
    for _ in 0..KILLS {
        let owner = wait_until_whole(cluster)?;
        let killed = Instant::now();
        cluster.node_mut(owner).kill()?;
        cluster.wait_for_another_owner(KEY, owner, WHOLE_TIMEOUT)?;
        failover_ms.push(killed.elapsed().as_millis() as u64);
        cluster.node_mut(owner).start_again()?;
        set_node_timeout(cluster, owner, node_timeout_ms)?;
    }
    eprintln!("{node_timeout_ms} ms: {failover_ms:?}");
    let mut replaced = Vec::new();
    for pause_ms in PAUSES_MS {
        let mut times = 0;
        for _ in 0..ROUNDS {
            let owner = wait_until_whole(cluster)?;
            cluster.node(owner).freeze()?;
            thread::sleep(Duration::from_millis(pause_ms));
            cluster.node(owner).thaw()?;
            // An election may be under way, and be won by a replica that has not heard of the end.
            thread::sleep(Duration::from_millis(2 * node_timeout_ms));
            times += usize::from(wait_until_whole(cluster)? != owner);
        }
        eprintln!("{node_timeout_ms} ms, paused for {pause_ms} ms: {times} of {ROUNDS}");
        replaced.push(times);
    }
    Ok(Found {
        node_timeout_ms,
        failover_ms,
        replaced,
        elections_when_busy: 0,
    })
}

/// Waits until each master has its replica and nobody suspects anybody. Returns who serves the key.
fn wait_until_whole(cluster: &RedisCluster) -> Result<usize> {
    let whole = poll(WHOLE_TIMEOUT, POLL_INTERVAL, || {
        let mut links = 0;
        for node in 0..NODES {
            let replication = ask(cluster, node, &["INFO", "replication"]).ok()?;
            let signs = ["state=online", "master_link_status:up"];
            let nodes = ask(cluster, node, &["CLUSTER", "NODES"]).ok()?;
            let is_well = signs.iter().any(|sign| replication.contains(sign));
            links += usize::from(is_well && !nodes.contains("fail"));
        }
        (links == NODES).then(|| cluster.owner(KEY)).flatten()
    });
    whole.context("the cluster is not whole again")
}

/// How many elections there have been.
fn elections(cluster: &RedisCluster) -> Result<u64> {
    wait_until_whole(cluster)?;
    let info = ask(cluster, 0, &["CLUSTER", "INFO"])?;
    let mut lines = info.lines();
    let epoch = lines.find_map(|line| line.strip_prefix("cluster_current_epoch:"));
    Ok(epoch.context("a node knows no epoch")?.trim().parse()?)
}

fn ask(cluster: &RedisCluster, node: usize, command: &[&str]) -> Result<String> {
    let reply = cluster.node(node).client()?.command(command)?;
    Ok(reply.as_text().unwrap_or_default().to_owned())
}

/// Has so many threads that never sleep beside what is done.
fn keep_busy(threads: usize, act: impl FnOnce()) {
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            });
        }
        act();
        is_over.store(true, Ordering::Relaxed);
    });
}
