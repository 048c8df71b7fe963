//! A Redis Cluster of one's own.

use std::path::Path;
use std::time::Duration;

use processes::{last_lines, poll};

use crate::{Error, RedisClient, RedisProgram, RedisServer};

/// How many masters share the keys. Each has one replica.
const MASTERS: usize = 3;

/// How many slots the keys are spread over. It is part of the protocol.
const SLOTS: usize = 16_384;

/// How long a node may be silent until the others think of replacing it: short enough for a test to
/// wait for, and longer than a busy machine keeps a process waiting.
const NODE_TIMEOUT: Duration = Duration::from_millis(2000);

/// How long the nodes may take to become a cluster. They are usually one after 2 s.
const FORM_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a replica may take to notice that its master is dead. It must, before it takes over.
const NOTICE_TIMEOUT: Duration = NODE_TIMEOUT;

/// How often the nodes are asked how far they are.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// What makes a server a node. The bus would listen on the port + 10000, which may be taken, or not be a port
/// at all. A replica waits for no others that may want to be filled, too, and stays with its master.
pub(super) fn node_arguments(bus_port: u16) -> Vec<String> {
    let arguments = format!(
        "--cluster-enabled yes --cluster-port {bus_port} --cluster-node-timeout {} \
         --cluster-allow-replica-migration no --repl-diskless-sync-delay 0",
        NODE_TIMEOUT.as_millis()
    );
    arguments.split(' ').map(str::to_owned).collect()
}

/// A private Redis Cluster: three masters, and a replica of each that takes over when its master dies.
/// Like [`RedisServer`], of which it has six, it ends with us.
///
/// Nothing survives the end of a node on its own disk, so do not start a master again before its replica
/// has taken over: it would be empty, and so would the replica be soon.
#[derive(Debug)]
pub struct RedisCluster {
    /// The masters, and then their replicas in the same order.
    nodes: Vec<RedisServer>,
}

impl RedisCluster {
    /// Starts six times the real server at `program` and makes them one cluster. All slots are served
    /// and all replicas are up to date.
    ///
    /// # Errors
    ///
    /// When a node does not start (nodes need Redis 7 or later, or any Valkey), or they do not become a
    /// cluster within 30 s.
    pub fn start(program: &Path) -> Result<RedisCluster, Error> {
        let program = RedisProgram::Server(program.to_owned());
        let nodes = (0..2 * MASTERS).map(|_| RedisServer::start_node(&program));
        let cluster = RedisCluster {
            nodes: nodes.collect::<Result<_, _>>()?,
        };
        cluster.form()?;
        Ok(cluster)
    }

    /// The addresses of all nodes, such as `redis://127.0.0.1:23456,redis://127.0.0.1:23457,…`.
    pub fn url(&self) -> String {
        let urls: Vec<String> = self.nodes.iter().map(RedisServer::url).collect();
        urls.join(",")
    }

    /// One of the six, to be killed, frozen and asked. The first three are masters at the start, and
    /// node i + 3 is the replica of node i.
    pub fn node(&self, index: usize) -> &RedisServer {
        &self.nodes[index]
    }

    /// One of the six, to be killed and started again.
    pub fn node_mut(&mut self, index: usize) -> &mut RedisServer {
        &mut self.nodes[index]
    }

    /// The node that stands in for that one, or for which it stands in.
    pub fn partner(&self, index: usize) -> usize {
        (index + MASTERS) % self.nodes.len()
    }

    /// The node that serves `key` now, if any does.
    pub fn owner(&self, key: &str) -> Option<usize> {
        (0..self.nodes.len()).find(|&index| {
            let node = &self.nodes[index];
            // All others answer that it has moved, or that they do not know.
            let is_served = |mut client: RedisClient| client.command(&["EXISTS", key]).is_ok();
            node.id().is_some() && node.client().is_ok_and(is_served)
        })
    }

    /// Waits until another node than `index` serves `key`, and returns which.
    ///
    /// # Errors
    ///
    /// When none does within `timeout`.
    pub fn wait_for_another_owner(
        &self,
        key: &str,
        index: usize,
        timeout: Duration,
    ) -> Result<usize, Error> {
        wait_for("a new owner of the key", timeout, || {
            let owner = self.owner(key).filter(|owner| *owner != index);
            Ok(owner.ok_or_else(|| self.view()))
        })
    }

    /// The number under `key` that the replica of `master` has, now that the master is dead and the
    /// replica has read to the end what it was sent. If it takes over, it goes on from there.
    ///
    /// # Errors
    ///
    /// When it does not notice in time that its master is dead, or takes over
    /// before it could be asked.
    pub fn last_word(&self, master: usize, key: &str) -> Result<u64, Error> {
        let mut replica = self.node(self.partner(master)).client()?;
        wait_for("a replica that misses its master", NOTICE_TIMEOUT, || {
            let links = text(&mut replica, &["INFO", "replication"])?;
            let is_cut = links.contains("master_link_status:down");
            Ok(if is_cut { Ok(()) } else { Err(links) })
        })?;
        replica.command(&["READONLY"])?;
        number(&mut replica, key)
    }

    /// The number under `key` on node `index`, which must own the key; 0 if there is none.
    ///
    /// # Errors
    ///
    /// When the node does not answer, or does not own the key.
    pub fn number(&self, index: usize, key: &str) -> Result<u64, Error> {
        number(&mut self.node(index).client()?, key)
    }

    fn form(&self) -> Result<(), Error> {
        let clients = self.nodes.iter().map(RedisServer::client);
        let mut clients: Vec<RedisClient> = clients.collect::<Result<_, _>>()?;
        for (index, client) in clients.iter_mut().enumerate() {
            // Without it, they would all have the same, and have to settle that first.
            let epoch = (index + 1).to_string();
            client.command(&["CLUSTER", "SET-CONFIG-EPOCH", &epoch])?;
            if index < MASTERS {
                let first = (SLOTS * index / MASTERS).to_string();
                let last = (SLOTS * (index + 1) / MASTERS - 1).to_string();
                client.command(&["CLUSTER", "ADDSLOTSRANGE", &first, &last])?;
            }
        }
        for node in &self.nodes[1..] {
            let ports = [node.port(), node.bus_port().unwrap_or_default()];
            let [port, bus_port] = ports.map(|port| port.to_string());
            clients[0].command(&["CLUSTER", "MEET", "127.0.0.1", &port, &bus_port])?;
        }
        for index in 0..MASTERS {
            let id = text(&mut clients[index], &["CLUSTER", "MYID"])?;
            let replica = &mut clients[index + MASTERS];
            // It refuses until it has heard of that master.
            wait_for(
                "a replica that knows its master",
                FORM_TIMEOUT,
                || match replica.command(&["CLUSTER", "REPLICATE", &id]) {
                    Ok(_) => Ok(Ok(())),
                    Err(Error::Refused { message, .. }) => Ok(Err(message)),
                    Err(error) => Err(error),
                },
            )?;
        }
        for (index, client) in clients.iter_mut().enumerate() {
            let link = match index < MASTERS {
                true => "state=online",
                false => "master_link_status:up",
            };
            wait_for("all its nodes in place", FORM_TIMEOUT, || {
                let seen = text(client, &["CLUSTER", "INFO"])?;
                let seen = seen + &text(client, &["INFO", "replication"])?;
                let signs = ["cluster_state:ok", "cluster_known_nodes:6", link];
                let is_ready = signs.iter().all(|sign| seen.contains(sign));
                Ok(if is_ready { Ok(()) } else { Err(seen) })
            })?;
        }
        Ok(())
    }

    /// The cluster as the first node that answers sees it.
    fn view(&self) -> String {
        let views = self.nodes.iter().filter(|node| node.id().is_some());
        let mut views = views.filter_map(|node| {
            let mut client = node.client().ok()?;
            text(&mut client, &["CLUSTER", "NODES"]).ok()
        });
        views.next().unwrap_or_default()
    }
}

fn number(client: &mut RedisClient, key: &str) -> Result<u64, Error> {
    let number = client.command(&["GET", key])?;
    let number = number.as_text().and_then(|number| number.parse().ok());
    Ok(number.unwrap_or(0))
}

fn text(client: &mut RedisClient, command: &[&str]) -> Result<String, Error> {
    let reply = client.command(command)?;
    Ok(reply.as_text().unwrap_or_default().replace('\r', ""))
}

/// Asks until there is an answer. Until then, `ask` returns what it sees instead.
fn wait_for<T>(
    what: &str,
    timeout: Duration,
    mut ask: impl FnMut() -> Result<Result<T, String>, Error>,
) -> Result<T, Error> {
    let mut seen = String::new();
    let answer = poll(timeout, POLL_INTERVAL, || match ask() {
        Ok(Err(instead)) => {
            seen = instead;
            None
        }
        Ok(Ok(answer)) => Some(Ok(answer)),
        Err(error) => Some(Err(error)),
    });
    answer.unwrap_or_else(|| {
        let seen = last_lines(&seen);
        let message = format!("the Redis Cluster does not have {what} after {timeout:?}{seen}");
        Err(Error::Failed(message))
    })
}
