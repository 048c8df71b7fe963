//! The count in Redis, over connections that are lent from a pool. The batches keep theirs.

use std::{
    error::Error,
    future::Future,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use deadpool_redis::{Connection, Manager, Pool, Runtime, Timeouts};
use redis::{AsyncConnectionConfig, ConnectionInfo, io::tcp::TcpSettings};
use tokio::time::timeout;

use crate::settings::Limits;

/// The Redis key that holds the count.
const KEY: &str = "seen";

/// Redis, or the way to it, failed or took too long. The cause is in the log.
pub struct Away;

/// Why: for the log.
type Cause = Box<dyn Error + Send + Sync>;

/// The count in Redis, behind one pool of connections.
pub struct Store {
    pool: Pool,
    patience: Duration,
    /// The connection of the batches, and when it last gave a reply.
    kept: Mutex<Option<(Connection, Instant)>>,
    trusted_for: Duration,
    /// Whether the last command failed, so that an outage is logged twice and not once a visit.
    away: AtomicBool,
}

impl Store {
    /// Prepares a pool. It connects when the first command comes.
    ///
    /// # Errors
    ///
    /// When no pool can be built from these settings.
    pub fn new(info: ConnectionInfo, limits: Limits) -> Result<Self, Box<dyn Error>> {
        let tcp = TcpSettings::default().set_nodelay(true);
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(limits.pool_create))
            .set_response_timeout(Some(limits.visit_timeout));
        let manager = Manager::new_with_config(info.set_tcp_settings(tcp), config)?;
        let pool = Pool::builder(manager)
            .max_size(limits.pool_size)
            .timeouts(Timeouts {
                wait: Some(limits.pool_wait),
                create: Some(limits.pool_create),
                recycle: Some(limits.pool_recycle),
            })
            .runtime(Runtime::Tokio1)
            .build()?;
        Ok(Self {
            pool,
            patience: limits.visit_timeout,
            kept: Mutex::default(),
            trusted_for: limits.trusted_for,
            away: AtomicBool::default(),
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
                None => self.pool.get().await?,
            };
            // Sent once. An `INCRBY` without a reply may have happened, so it is never sent again.
            let add = redis::cmd("INCRBY").arg(KEY).arg(visits).take();
            // As a `u64`, the client would take -1 for 18446744073709551615.
            let last: i64 = add.query_async(&mut connection).await?;
            // After a failure we do not get here: the connection goes back to the pool, which tries
            // it before it lends it again.
            *self.kept() = Some((connection, Instant::now()));
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
            let mut connection = self.pool.get().await?;
            Ok(redis::cmd("PING").query_async(&mut connection).await?)
        })
        .await
    }

    /// The kept connection, if its last reply is fresh. An older one goes back to the pool.
    fn take_kept(&self) -> Option<Connection> {
        let (connection, replied) = self.kept().take()?;
        (replied.elapsed() < self.trusted_for).then_some(connection)
    }

    fn kept(&self) -> MutexGuard<'_, Option<(Connection, Instant)>> {
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
        reply.map_err(|_| Away)
    }

    /// Logs when an outage starts and when it ends, and not every visit in between.
    fn log_outage<T>(&self, reply: &Result<T, Cause>) {
        let away = reply.is_err();
        // Read before writing. If every visit wrote, the cores would fight over this one word.
        if self.away.load(Ordering::Relaxed) == away
            || self.away.swap(away, Ordering::Relaxed) == away
        {
            return;
        }
        match reply {
            Ok(_) => tracing::warn!("Redis is back"),
            Err(cause) => tracing::warn!("Redis is away: {cause}"),
        }
    }
}
