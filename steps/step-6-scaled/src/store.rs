//! The count in Redis, over connections that are lent from a pool. The batches keep theirs.

use std::{
    error::Error,
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::Ordering},
    time::{Duration, Instant},
};

use deadpool_redis::Connection;
use tokio::time::timeout;

use crate::{
    cluster::{Cause, Cluster},
    cores::Shared,
    settings::{Limits, Nodes},
};

/// The Redis key that holds the count.
const KEY: &str = "seen";

/// How often a batch is redirected. While the key moves from one master to another, it takes two to get
/// there. Nodes that still disagree then are asked again with the next batch.
const REDIRECTIONS_MAX: usize = 3;

/// Redis, or the way to it, failed or took too long. The cause is in the log.
pub struct Away;

/// The count in Redis, or in a Redis Cluster.
pub struct Store {
    cluster: Cluster,
    patience: Duration,
    replicas: usize,
    /// The connection of the batches, when it last gave a reply, and the failures until then.
    kept: Mutex<Option<(Connection, Instant, u64)>>,
    trusted_for: Duration,
    shared: Arc<Shared>,
}

impl Store {
    /// Prepares a pool. It connects when the first command comes.
    ///
    /// # Errors
    ///
    /// When no pool can be built from these settings.
    pub fn new(nodes: Nodes, limits: Limits, shared: Arc<Shared>) -> Result<Self, Box<dyn Error>> {
        Ok(Self {
            cluster: Cluster::new(nodes, limits).map_err(|cause| cause as Box<dyn Error>)?,
            patience: limits.visit_timeout,
            replicas: limits.replicas,
            kept: Mutex::default(),
            trusted_for: limits.trusted_for,
            shared,
        })
    }

    /// Counts that many visits and returns the number of the last one.
    ///
    /// # Errors
    ///
    /// When Redis is away. The visits may have been counted all the same.
    pub async fn add(&self, visits: u64) -> Result<u64, Away> {
        self.within_patience(async {
            let mut connection = match self.take_kept() {
                Some(connection) => connection,
                None => self.cluster.connection().await?,
            };
            // Sent once. An `INCRBY` without a reply may have happened, so it is never sent again.
            let add = redis::cmd("INCRBY").arg(KEY).arg(visits).take();
            let mut redirections = 0;
            // As a `u64`, the client would take -1 for 18446744073709551615.
            let last: i64 = loop {
                match add.query_async(&mut connection).await {
                    Ok(last) => break last,
                    Err(error) if redirections == REDIRECTIONS_MAX => return Err(error.into()),
                    // Not counted there, so this is not a second time.
                    Err(error) => connection = self.cluster.follow(error).await?,
                }
                redirections += 1;
            };
            self.wait_for_replicas(&mut connection).await?;
            // After a failure we do not get here: the connection goes back to the pool, which tries
            // it before it lends it again.
            *self.kept() = Some((connection, Instant::now(), self.failures()));
            Ok(u64::try_from(last)?)
        })
        .await
    }

    /// Asks Redis for a sign of life. Not a visit: it does not count.
    ///
    /// # Errors
    ///
    /// When Redis is away.
    pub async fn ping(&self) -> Result<String, Away> {
        self.within_patience(async {
            let mut connection = self.cluster.connection().await?;
            Ok(redis::cmd("PING").query_async(&mut connection).await?)
        })
        .await
    }

    /// Waits until as many replicas as the settings ask for have what this connection has written.
    async fn wait_for_replicas(&self, connection: &mut Connection) -> Result<(), Cause> {
        if self.replicas == 0 {
            return Ok(());
        }
        let mut wait = redis::cmd("WAIT");
        wait.arg(self.replicas)
            .arg(self.patience.as_millis() as u64);
        let have: usize = wait.query_async(connection).await?;
        if have < self.replicas {
            return Err(format!("only {have} replicas have the count").into());
        }
        Ok(())
    }

    /// The kept connection, if its last reply is fresh and nothing has failed on any core since. Another
    /// goes back to the pool.
    fn take_kept(&self) -> Option<Connection> {
        let (connection, replied, failures) = self.kept().take()?;
        let is_trusted = replied.elapsed() < self.trusted_for && failures == self.failures();
        is_trusted.then_some(connection)
    }

    fn failures(&self) -> u64 {
        self.shared.failures.load(Ordering::Relaxed)
    }

    fn kept(&self) -> MutexGuard<'_, Option<(Connection, Instant, u64)>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The reply, if it comes in time.
    async fn within_patience<T>(
        &self,
        reply: impl Future<Output = Result<T, Cause>>,
    ) -> Result<T, Away> {
        let reply = timeout(self.patience, reply).await;
        let reply = reply.unwrap_or_else(|elapsed| Err(elapsed.into()));
        self.log_outage(&reply);
        reply.map_err(|_| {
            self.shared.failures.fetch_add(1, Ordering::Relaxed);
            self.cluster.ask_another();
            Away
        })
    }

    /// Logs when an outage starts and when it ends, and not every visit in between.
    fn log_outage<T>(&self, reply: &Result<T, Cause>) {
        let away = reply.is_err();
        // Read before writing. If every visit wrote, the cores would fight over this one word.
        if self.shared.away.load(Ordering::Relaxed) == away
            || self.shared.away.swap(away, Ordering::Relaxed) == away
        {
            return;
        }
        match reply {
            Ok(_) => tracing::warn!("Redis is back"),
            Err(cause) => tracing::warn!("Redis is away: {cause}"),
        }
    }
}
