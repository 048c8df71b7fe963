//! The count in Redis, over connections that are lent from a pool. The batches keep one of them.

use std::{
    error::Error,
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::Ordering},
    time::Duration,
};

use tokio::time::{Instant, timeout_at};

use crate::{
    breaker::Unavailable,
    cluster::{Cause, Cluster, NodeConnection},
    cores::Shared,
    settings::{Limits, Nodes},
};

/// The Redis key that holds the count.
const KEY: &str = "seen";

/// How often a batch is redirected. While the key moves from one master to another, it takes two to get
/// there. Nodes that still disagree then are asked again with the next batch.
const REDIRECTIONS_MAX: usize = 3;

/// The count in Redis, or in a Redis Cluster.
pub struct Store {
    cluster: Cluster,
    /// The connection of the batches, when it last gave a reply, and the failures until then.
    cached: Mutex<Option<(NodeConnection, Instant, u64)>>,
    trusted_for: Duration,
    replicas: usize,
    timeout: Duration,
    shared: Arc<Shared>,
}

impl Store {
    /// Prepares the pools. They connect when the first command comes.
    ///
    /// # Errors
    ///
    /// When no pool can be built from these settings.
    pub fn new(nodes: Nodes, limits: Limits, shared: Arc<Shared>) -> Result<Self, Box<dyn Error>> {
        Ok(Self {
            cluster: Cluster::new(nodes, limits).map_err(|cause| cause as Box<dyn Error>)?,
            cached: Mutex::default(),
            trusted_for: limits.trusted_for,
            replicas: limits.replicas,
            timeout: limits.visit_timeout,
            shared,
        })
    }

    /// Counts that many visits and returns the number of the last one.
    ///
    /// # Errors
    ///
    /// When Redis is unavailable, or has not replied by `deadline`. The visits may have been counted all
    /// the same.
    pub async fn add(&self, visits: u64, deadline: Instant) -> Result<u64, Unavailable> {
        if !self.shared.breaker.lets_pass() {
            return Err(Unavailable);
        }
        self.by(deadline, async {
            let node = match self.take_cached() {
                Some(node) => node,
                // On the heap, like all that is seldom needed here: the future of each batch would be long to move.
                None => Box::pin(self.cluster.connection()).await?,
            };
            let (last, node) = self.add_at(node, visits).await?;
            // After a failure we do not get here, and the connection is given up.
            if !node.is_for_one_command {
                *self.cached() = Some((node, Instant::now(), self.failures()));
            }
            match u64::try_from(last) {
                // A count below the size of the batch is not one that started at 0: somebody has set it.
                Ok(last) if last >= visits => Ok(last),
                _ => Err(
                    format!("{last} cannot be the number of the last of {visits} visits").into(),
                ),
            }
        })
        .await
    }

    /// Finds out whether a visit could be counted now: adds nothing, the way a batch adds its visits.
    ///
    /// # Errors
    ///
    /// When it could not.
    pub async fn probe(&self) -> Result<(), Unavailable> {
        self.by(Instant::now() + self.timeout, async {
            let node = self.cluster.connection().await?;
            let (count, _) = self.add_at(node, 0).await?;
            if (0..i64::MAX).contains(&count) {
                Ok(())
            } else {
                Err(format!("no visit has a number after {count}").into())
            }
        })
        .await
    }

    /// Adds to the count at that node, or where it redirects to. Returns the new count and the connection
    /// to the node that has it.
    async fn add_at(
        &self,
        mut node: NodeConnection,
        visits: u64,
    ) -> Result<(i64, NodeConnection), Cause> {
        // Sent once. An `INCRBY` without a reply may have happened, so it is never sent again.
        let add = redis::cmd("INCRBY").arg(KEY).arg(visits).take();
        let mut redirections = 0;
        // As a `u64`, the client would take -1 for 18446744073709551615.
        let count: i64 = loop {
            match add.query_async(&mut node.connection).await {
                Ok(count) => break count,
                Err(error) if redirections == REDIRECTIONS_MAX => return Err(error.into()),
                // Not counted there, so this is not a second time.
                Err(error) => node = Box::pin(self.cluster.follow(error, &node)).await?,
            }
            redirections += 1;
        };
        if self.replicas > 0 {
            Box::pin(self.wait_for_replicas(&mut node)).await?;
        }
        Ok((count, node))
    }

    /// Waits until as many replicas as the settings ask for have what this connection has written.
    async fn wait_for_replicas(&self, node: &mut NodeConnection) -> Result<(), Cause> {
        let mut wait = redis::cmd("WAIT");
        wait.arg(self.replicas).arg(self.timeout.as_millis() as u64);
        let have: usize = wait.query_async(&mut node.connection).await?;
        if have < self.replicas {
            return Err(format!("only {have} replicas have the count").into());
        }
        Ok(())
    }

    /// The cached connection, if its last reply is fresh. An older one goes back to the pool, and after a
    /// failure on any core it is given up: it leads to the same Redis.
    fn take_cached(&self) -> Option<NodeConnection> {
        let (node, replied, failures) = self.cached().take()?;
        if failures != self.failures() {
            node.give_up();
            return None;
        }
        (replied.elapsed() < self.trusted_for).then_some(node)
    }

    fn cached(&self) -> MutexGuard<'_, Option<(NodeConnection, Instant, u64)>> {
        self.cached.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn failures(&self) -> u64 {
        self.shared.failures.load(Ordering::Relaxed)
    }

    /// The reply, if it comes by then.
    async fn by<T>(
        &self,
        deadline: Instant,
        reply: impl Future<Output = Result<T, Cause>>,
    ) -> Result<T, Unavailable> {
        let reply = timeout_at(deadline, reply).await;
        let reply = reply.unwrap_or_else(|elapsed| Err(elapsed.into()));
        match reply {
            Ok(reply) => {
                self.shared.breaker.succeeded();
                Ok(reply)
            }
            Err(cause) => {
                // The pool's own test, a PING, does not find everything: a Redis that has become a
                // read-only replica passes it. So the next batch gets a new connection.
                self.cluster.failed(&cause);
                self.shared.failures.fetch_add(1, Ordering::Relaxed);
                self.shared.breaker.failed(&cause);
                Err(Unavailable)
            }
        }
    }
}
