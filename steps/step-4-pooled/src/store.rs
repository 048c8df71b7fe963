//! The count in Redis, over connections that are lent from a pool.

use std::{
    error::Error,
    future::Future,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use deadpool_redis::{Manager, Pool, Runtime, Timeouts};
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
        let patience = limits.visit_timeout;
        Ok(Self {
            pool,
            patience,
            away: AtomicBool::default(),
        })
    }

    /// Counts one visit and returns its number; the first is 1.
    ///
    /// # Errors
    ///
    /// When Redis is away. The visit may have been counted all the same.
    pub async fn increment(&self) -> Result<u64, Away> {
        self.within_patience(async {
            let mut connection = self.pool.get().await?;
            // Sent once. An `INCR` without a reply may have happened, so it is never sent again.
            let increment = redis::cmd("INCR").arg(KEY).take();
            // As a `u64`, the client would take -1 for 18446744073709551615.
            let number: i64 = increment.query_async(&mut connection).await?;
            Ok(u64::try_from(number)?)
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
