//! A cluster that is being changed, and one that is down: what a service makes of redirections.

use load::ledger;
use private_redis::{RedisClient, RedisCluster, resp::Value};
use processes::poll;

use crate::checks::prelude::*;

/// The key that holds the count. Which node of a cluster counts, depends on it.
pub const KEY: &str = "seen";

/// Visitors at once.
pub const CLIENTS: usize = 16;

/// How long the service may take to serve again when the cluster is whole.
pub const HEAL_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a state lasts until it is observed, for the service to make the connections that it takes;
/// and how long it is observed.
const SETTLE: Duration = Duration::from_millis(700);
const WATCH: Duration = Duration::from_secs(1);

/// How many connections a service may make in that time that knows all nodes, and how many times it may
/// ask the wrong one.
const CONNECTIONS_MAX: u64 = 20;
const REDIRECTIONS_MAX: u64 = 20;

/// Of how many visits one may be refused.
const REFUSED_PER: usize = 10;

/// The nodes of a cluster: three masters, and a replica each.
const NODES: usize = 6;

/// How long a node may take to see that the cluster is not what it was.
const STATE_TIMEOUT: Duration = Duration::from_secs(10);
const STATE_INTERVAL: Duration = Duration::from_millis(20);

/// While the key moves to another master, the one that owns it sends every command there, and that one
/// takes it only from whoever says `ASKING` first. To take it for the owner would mean to be sent back.
pub fn half_moved(service: &Service, cluster: &RedisCluster) -> Checked {
    let (owner, other) = owner_and_other(cluster)?;
    let mut nodes = Nodes::connect(cluster)?;
    let slot = nodes.ask(owner, "CLUSTER KEYSLOT seen")?;
    let ids = [
        nodes.ask(owner, "CLUSTER MYID")?,
        nodes.ask(other, "CLUSTER MYID")?,
    ];
    let port = cluster.node(other).port();
    let set_slot = format!("CLUSTER SETSLOT {slot}");
    nodes.ask(other, &format!("{set_slot} IMPORTING {}", ids[0]))?;
    nodes.ask(owner, &format!("{set_slot} MIGRATING {}", ids[1]))?;
    let (answers, seen) = load::beside(service.addr, CLIENTS, || -> Checked<_> {
        thread::sleep(SETTLE);
        nodes.ask(owner, &format!("MIGRATE 127.0.0.1 {port} {KEY} 0 5000"))?;
        thread::sleep(SETTLE);
        let seen = nodes.watch(other)?;
        // The one that takes it hears of it first: at no time does nobody own the key.
        for node in [other, owner] {
            nodes.ask(node, &format!("{set_slot} NODE {}", ids[1]))?;
        }
        Ok(seen)
    });
    let (connections, redirections) = seen?;
    let answers = answers.or_else(|error| service.broken(error))?;
    let state = "while the key was on its way to another master";
    few_connections(state, connections)?;
    if redirections > REDIRECTIONS_MAX {
        return unless_busy(broken(format!(
            "{state}, that one had to send {redirections} commands away in {WATCH:?}: they came without \
             ASKING"
        )));
    }
    let (numbers, refused) = load::numbers(&answers);
    let all = answers.len();
    if refused * REFUSED_PER > all {
        return unless_busy(broken(format!(
            "{state}, {refused} of {all} visits were refused"
        )));
    }
    if !ledger::duplicates(&numbers).is_empty() {
        return broken(format!("{state}, a number was given twice"));
    }
    heals(service, "the key had moved")
}

/// A slot that nobody serves, be it another one, is the end of the whole cluster: by default, it serves
/// all or nothing.
pub fn down(service: &Service, cluster: &RedisCluster) -> Checked {
    let (owner, _) = owner_and_other(cluster)?;
    let mut nodes = Nodes::connect(cluster)?;
    let mine: u32 = nodes.ask(owner, "CLUSTER KEYSLOT seen")?.parse()?;
    let slot = mine - 1;
    let (answers, connections) = load::beside(service.addr, CLIENTS, || -> Checked<_> {
        for node in 0..NODES {
            // A replica refuses that, and hears of it.
            let _ = nodes.ask(node, &format!("CLUSTER DELSLOTS {slot}"));
        }
        nodes.wait_for(owner, "cluster_state:fail")?;
        thread::sleep(SETTLE);
        let (connections, _) = nodes.watch(owner)?;
        nodes.ask(owner, &format!("CLUSTER ADDSLOTS {slot}"))?;
        for node in 0..NODES {
            nodes.wait_for(node, "cluster_state:ok")?;
        }
        Ok(connections)
    });
    answers.or_else(|error| service.broken(error))?;
    few_connections("while the cluster was down", connections?)?;
    heals(service, "the cluster was no longer down")
}

fn few_connections(state: &str, connections: u64) -> Checked {
    match connections {
        ..=CONNECTIONS_MAX => Ok(()),
        _ => unless_busy(broken(format!(
            "{state}, the service made {connections} connections to its nodes in {WATCH:?}; expected: at \
             most {CONNECTIONS_MAX}"
        ))),
    }
}

fn heals(service: &Service, since: &str) -> Checked {
    service.serves_within(HEAL_TIMEOUT, format_args!("after {since}"))?;
    service.visit_at_once(CLIENTS).map(drop)
}

/// The master that keeps the count, and one that does not.
pub fn owner_and_other(cluster: &RedisCluster) -> Checked<(usize, usize)> {
    match cluster.owner(KEY) {
        Some(owner) => Ok((owner, usize::from(owner == 0))),
        None => broken(format!("no node of the cluster owns the key {KEY}")),
    }
}

/// A connection to each node, to do things to it and to observe it without a new one.
struct Nodes(Vec<RedisClient>);

impl Nodes {
    fn connect(cluster: &RedisCluster) -> Checked<Self> {
        let clients = (0..NODES).map(|node| cluster.node(node).client());
        Ok(Self(clients.collect::<Result<_, _>>()?))
    }

    /// What a node answers, as text.
    fn ask(&mut self, node: usize, command: &str) -> Checked<String> {
        let arguments: Vec<&str> = command.split(' ').collect();
        let reply = self.0[node].command(&arguments)?;
        Ok(match reply {
            Value::Integer(number) => number.to_string(),
            other => other.as_text().unwrap_or_default().to_owned(),
        })
    }

    /// How many connections all nodes accept in a while, and how often that one answers meanwhile that it
    /// is not the one to ask.
    fn watch(&mut self, node: usize) -> Checked<(u64, u64)> {
        let mut count = || -> Checked<(u64, u64)> {
            let connections = (0..NODES)
                .map(|node| self.number(node, "INFO stats", "total_connections_received:"))
                .sum::<Checked<u64>>()?;
            let redirections = self.number(node, "INFO errorstats", "errorstat_MOVED:count=")?;
            Ok((connections, redirections))
        };
        let before = count()?;
        thread::sleep(WATCH);
        let after = count()?;
        Ok((after.0 - before.0, after.1 - before.1))
    }

    /// The number behind `name`, or 0.
    fn number(&mut self, node: usize, question: &str, name: &str) -> Checked<u64> {
        let text = self.ask(node, question)?;
        let number = text.lines().find_map(|line| line.strip_prefix(name));
        Ok(number
            .and_then(|number| number.trim().parse().ok())
            .unwrap_or(0))
    }

    /// Waits until a node sees the cluster in that state.
    fn wait_for(&mut self, node: usize, state: &str) -> Checked {
        let is_seen = || {
            let info = self.ask(node, "CLUSTER INFO").ok()?;
            info.contains(state).then_some(())
        };
        match poll(STATE_TIMEOUT, STATE_INTERVAL, is_seen) {
            Some(()) => Ok(()),
            None => broken(format!("no {state} within {STATE_TIMEOUT:?}")),
        }
    }
}
