//! The way to the node of a Redis Cluster that keeps the count.
//!
//! A cluster spreads its keys over its masters. The count is one key, so it lives on one of them, and
//! what we have to know of the cluster is the address of that one. A node that is asked and is not the
//! one does not run the command; its reply is a redirection, with the address. When a master dies, one
//! of its replicas takes over, and soon the others redirect to that one.
//!
//! A client for any key and any command keeps a map of the whole cluster. The one in the `redis` crate
//! also sends a command again, 16 times by default, after a lost connection, too. Our command may have
//! happened then. So only redirections are followed here, which say that nothing has happened.

use std::{
    error::Error,
    sync::{Mutex, MutexGuard, PoisonError},
};

use deadpool_redis::{Connection, Manager, Pool, PoolError, Runtime, Timeouts};
use redis::{
    AsyncConnectionConfig, ConnectionAddr, ConnectionInfo, ErrorKind, RedisError, ServerErrorKind,
    io::tcp::TcpSettings,
};
use tokio::time::error::Elapsed;

use crate::settings::{Limits, Nodes};

/// More nodes than a cluster has that keeps one count. Beyond that, those that redirections have named
/// are forgotten.
const NODES_MAX: usize = 64;

/// Why something failed: for the log.
pub type Cause = Box<dyn Error + Send + Sync>;

/// A cluster, as far as we know it. One Redis alone is a cluster of one node.
pub struct Cluster {
    seeds: usize,
    limits: Limits,
    known: Mutex<Known>,
}

/// The nodes that we know, and which of them keeps the count, as far as we know.
struct Known {
    /// Those that `REDIS_URL` names, then those that redirections have named.
    nodes: Vec<Node>,
    owner: usize,
}

/// A node and the connections to it.
#[derive(Clone)]
struct Node {
    info: ConnectionInfo,
    pool: Pool,
}

/// A connection, and the node at the other end of it.
pub struct NodeConnection {
    /// The connection, lent by the pool of that node.
    pub connection: Connection,
    /// Whether it is for one command only: that node does not own the key yet.
    pub is_for_one_command: bool,
    address: ConnectionAddr,
}

impl Cluster {
    /// Prepares a pool of connections to each node. It connects when the first command comes.
    ///
    /// # Errors
    ///
    /// When no pool can be built from these settings.
    pub fn new(nodes: Nodes, limits: Limits) -> Result<Self, Cause> {
        let nodes = nodes.0.into_iter().map(|info| Node::new(info, &limits));
        let nodes = nodes.collect::<Result<Vec<Node>, Cause>>()?;
        Ok(Self {
            seeds: nodes.len(),
            limits,
            known: Mutex::new(Known { nodes, owner: 0 }),
        })
    }

    /// A connection to the node that keeps the count, or to one that knows which does.
    ///
    /// # Errors
    ///
    /// When that node is unavailable.
    pub async fn connection(&self) -> Result<NodeConnection, Cause> {
        let node = {
            let known = self.known();
            known.nodes[known.owner].clone()
        };
        node.connection().await
    }

    /// A connection to the node that a redirection names, which node `from` has replied with.
    ///
    /// # Errors
    ///
    /// When the error is not a redirection, or the node is unavailable.
    pub async fn follow(
        &self,
        error: RedisError,
        from: &NodeConnection,
    ) -> Result<NodeConnection, Cause> {
        let Some((address, _slot)) = error.redirect_node() else {
            return Err(error.into());
        };
        let (host, port) = address.rsplit_once(':').ok_or("a node without a port")?;
        let host = match (host, &from.address) {
            // A node that does not know its own name says: the host that you have asked.
            ("", ConnectionAddr::Tcp(host, _)) => host,
            (host, _) => host,
        };
        let address = ConnectionAddr::Tcp(host.to_owned(), port.parse()?);
        let is_asked = error.kind() == ErrorKind::Server(ServerErrorKind::Ask);
        let node = self.learn(address, is_asked)?;
        let mut node = node.connection().await?;
        if is_asked {
            // The key is on its way to that node, which serves it to whoever says this first.
            redis::cmd("ASKING")
                .exec_async(&mut node.connection)
                .await?;
            node.is_for_one_command = true;
        }
        Ok(node)
    }

    /// Draws the conclusion from a failure: no connection is trusted any longer, and if the node or the
    /// way to it has failed, another node is asked next.
    pub fn failed(&self, cause: &Cause) {
        let is_of_node = match cause.downcast_ref::<RedisError>() {
            Some(error) => error.code().is_none_or(|code| code == "CLUSTERDOWN"),
            None => cause.is::<PoolError>() || cause.is::<Elapsed>(),
        };
        let mut known = self.known();
        for node in &known.nodes {
            node.pool.retain(|_, _| false);
        }
        if is_of_node {
            known.owner = (known.owner + 1) % known.nodes.len();
        }
    }

    /// The node at that address, which from now on is the owner, unless it is asked only once.
    fn learn(&self, address: ConnectionAddr, is_asked: bool) -> Result<Node, Cause> {
        let mut known = self.known();
        let index = known
            .nodes
            .iter()
            .position(|node| *node.info.addr() == address);
        let index = match index {
            Some(index) => index,
            None => {
                if known.nodes.len() >= NODES_MAX {
                    known.nodes.truncate(self.seeds);
                    known.owner = 0;
                }
                // The other nodes take the same user and password.
                let info = known.nodes[0].info.clone().set_addr(address);
                known.nodes.push(Node::new(info, &self.limits)?);
                known.nodes.len() - 1
            }
        };
        if !is_asked {
            known.owner = index;
        }
        Ok(known.nodes[index].clone())
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl NodeConnection {
    /// Closes it, instead of giving it back to the pool.
    pub fn give_up(self) {
        drop(Connection::take(self.connection));
    }
}

impl Node {
    fn new(info: ConnectionInfo, limits: &Limits) -> Result<Self, Cause> {
        let tcp = TcpSettings::default().set_nodelay(true);
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(limits.pool_create))
            // Every batch has a deadline. A timer for each command would never expire.
            .set_response_timeout(None);
        let manager = Manager::new_with_config(info.clone().set_tcp_settings(tcp), config)?;
        let pool = Pool::builder(manager)
            // One connection more than the batches may use, for the probe.
            .max_size(limits.pool_size + 1)
            .timeouts(Timeouts {
                wait: Some(limits.pool_wait),
                create: Some(limits.pool_create),
                recycle: Some(limits.pool_recycle),
            })
            .runtime(Runtime::Tokio1)
            .build()?;
        Ok(Self { info, pool })
    }

    async fn connection(&self) -> Result<NodeConnection, Cause> {
        Ok(NodeConnection {
            connection: self.pool.get().await?,
            is_for_one_command: false,
            address: self.info.addr().clone(),
        })
    }
}
