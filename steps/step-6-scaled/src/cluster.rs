//! The way to the node of a Redis Cluster that keeps the count.
//!
//! A cluster spreads its keys over its masters. The count is one key, so it lives on one of them, and
//! what we have to know of the cluster is the address of that one. A node that is asked and is not the
//! one does not run the command; its reply is a redirection, with the address. When a master dies, one
//! of its replicas takes over, and soon the others redirect to that one.
//!
//! A client for any key and any command keeps a map of the whole cluster and connections to all of its
//! nodes. The one in the `redis` crate also sends a command again, 16 times by default, after a lost
//! connection, too. Our command may have happened then. So only redirections are followed here, which
//! say that nothing has happened. After any other failure another node is asked for the way.

use std::{
    error::Error,
    sync::{Mutex, MutexGuard, PoisonError},
};

use deadpool_redis::{Connection, Manager, Pool, Runtime, Timeouts};
use redis::{
    AsyncConnectionConfig, ConnectionAddr, ConnectionInfo, RedisError, io::tcp::TcpSettings,
};

use crate::settings::{Limits, Nodes};

/// Why something failed: for the log.
pub type Cause = Box<dyn Error + Send + Sync>;

/// A cluster, as far as we know it. One Redis alone is a cluster of one node.
pub struct Cluster {
    nodes: Nodes,
    limits: Limits,
    owner: Mutex<Owner>,
}

/// Who keeps the count, as far as we know, and whom to ask next if that turns out to be wrong.
struct Owner {
    pool: Pool,
    next: usize,
}

impl Cluster {
    /// Prepares a pool of connections to the first node. It connects when the first command comes.
    ///
    /// # Errors
    ///
    /// When no pool can be built from these settings.
    pub fn new(nodes: Nodes, limits: Limits) -> Result<Self, Cause> {
        let first = nodes.0.first().ok_or("no node to ask")?;
        let pool = pool(first.clone(), &limits)?;
        let owner = Mutex::new(Owner { pool, next: 1 });
        Ok(Self {
            nodes,
            limits,
            owner,
        })
    }

    /// A connection to the node that keeps the count, or to one that knows which does.
    ///
    /// # Errors
    ///
    /// When the node is away.
    pub async fn connection(&self) -> Result<Connection, Cause> {
        let pool = self.owner().pool.clone();
        Ok(pool.get().await?)
    }

    /// A connection to the node that a redirection names.
    ///
    /// # Errors
    ///
    /// When the error is not a redirection, or the node is away.
    pub async fn follow(&self, error: RedisError) -> Result<Connection, Cause> {
        let Some((address, _slot)) = error.redirect_node() else {
            return Err(error.into());
        };
        let (host, port) = address.rsplit_once(':').ok_or("a node without a port")?;
        let address = ConnectionAddr::Tcp(host.to_owned(), port.parse()?);
        // The other nodes take the same user and password.
        let node = self.nodes.0[0].clone().set_addr(address);
        let pool = pool(node, &self.limits)?;
        let mut connection = pool.get().await?;
        // A node that is about to take over the key wants to hear this first. Others do not mind.
        redis::cmd("ASKING").exec_async(&mut connection).await?;
        self.owner().pool = pool;
        Ok(connection)
    }

    /// Forgets who keeps the count: the next node is asked. Where there is only one, it stays.
    pub fn ask_another(&self) {
        let mut owner = self.owner();
        if self.nodes.0.len() == 1 {
            return;
        }
        let node = self.nodes.0[owner.next % self.nodes.0.len()].clone();
        owner.next += 1;
        if let Ok(pool) = pool(node, &self.limits) {
            owner.pool = pool;
        }
    }

    fn owner(&self) -> MutexGuard<'_, Owner> {
        self.owner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A pool of connections to one node.
fn pool(node: ConnectionInfo, limits: &Limits) -> Result<Pool, Cause> {
    let tcp = TcpSettings::default().set_nodelay(true);
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(limits.pool_create))
        .set_response_timeout(Some(limits.visit_timeout));
    let manager = Manager::new_with_config(node.set_tcp_settings(tcp), config)?;
    let pool = Pool::builder(manager)
        .max_size(limits.pool_size)
        .timeouts(Timeouts {
            wait: Some(limits.pool_wait),
            create: Some(limits.pool_create),
            recycle: Some(limits.pool_recycle),
        })
        .runtime(Runtime::Tokio1)
        .build()?;
    Ok(pool)
}
