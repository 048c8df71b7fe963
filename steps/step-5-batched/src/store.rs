//! The count in Redis, over connections that are lent from a pool. The batches keep one of them.

use std::{
    error::Error,
    future::Future,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use deadpool_redis::{Connection, Manager, Pool, Runtime, Timeouts};
use redis::{AsyncConnectionConfig, ConnectionInfo, io::tcp::TcpSettings};
use tokio::time::{Instant, timeout_at};

use crate::{
    breaker::{Breaker, Unavailable},
    settings::Limits,
};

/// The Redis key that holds the count.
const KEY: &str = "seen";

/// Why: for the log.
type Cause = Box<dyn Error + Send + Sync>;

/// The count in Redis, behind one pool of connections.
pub struct Store {
    pool: Pool,
    /// The connection of the batches, and when it last gave a reply.
    cached: Mutex<Option<(Connection, Instant)>>,
    trusted_for: Duration,
    timeout: Duration,
    breaker: Breaker,
}

impl Store {
    /// Prepares the pool. It connects when the first command comes.
    ///
    /// # Errors
    ///
    /// When no pool can be built from these settings.
    pub fn new(info: ConnectionInfo, limits: Limits) -> Result<Self, Box<dyn Error>> {
        Ok(Self {
            // One connection more than the batches may use, for the probe.
            pool: pool(info, &limits, limits.pool_size + 1)?,
            cached: Mutex::default(),
            trusted_for: limits.trusted_for,
            timeout: limits.visit_timeout,
            breaker: Breaker::new(limits.retry_pause),
        })
    }

    /// Counts that many visits and returns the number of the last one.
    ///
    /// # Errors
    ///
    /// When Redis is unavailable, or has not replied by `deadline`. The visits may have been counted all
    /// the same.
    pub async fn add(&self, visits: u64, deadline: Instant) -> Result<u64, Unavailable> {
        if !self.breaker.lets_pass() {
            return Err(Unavailable);
        }
        self.by(deadline, async {
            let mut connection = match self.take_cached() {
                Some(connection) => connection,
                None => self.pool.get().await?,
            };
            // Sent once. An `INCRBY` without a reply may have happened, so it is never sent again.
            let add = redis::cmd("INCRBY").arg(KEY).arg(visits).take();
            // As a `u64`, the client would take -1 for 18446744073709551615.
            let last: i64 = add.query_async(&mut connection).await?;
            // After a failure we do not get here, and the connection is given up.
            *self.cached() = Some((connection, Instant::now()));
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
            let mut connection = self.pool.get().await?;
            let add_nothing = redis::cmd("INCRBY").arg(KEY).arg(0).take();
            let count: i64 = add_nothing.query_async(&mut connection).await?;
            if (0..i64::MAX).contains(&count) {
                Ok(())
            } else {
                Err(format!("no visit has a number after {count}").into())
            }
        })
        .await
    }

    /// The cached connection, if its last reply is fresh. An older one goes back to the pool.
    fn take_cached(&self) -> Option<Connection> {
        let (connection, replied) = self.cached().take()?;
        (replied.elapsed() < self.trusted_for).then_some(connection)
    }

    fn cached(&self) -> MutexGuard<'_, Option<(Connection, Instant)>> {
        self.cached.lock().unwrap_or_else(PoisonError::into_inner)
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
                self.breaker.succeeded();
                Ok(reply)
            }
            Err(cause) => {
                // The pool's own test, a PING, does not find everything: a Redis that has become a
                // read-only replica passes it. So the next batch gets a new connection.
                self.pool.retain(|_, _| false);
                self.breaker.failed(&cause);
                Err(Unavailable)
            }
        }
    }
}

/// A pool of at most `size` connections.
fn pool(info: ConnectionInfo, limits: &Limits, size: usize) -> Result<Pool, Box<dyn Error>> {
    let tcp = TcpSettings::default().set_nodelay(true);
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(limits.pool_create))
        .set_response_timeout(Some(limits.visit_timeout));
    let manager = Manager::new_with_config(info.set_tcp_settings(tcp), config)?;
    let pool = Pool::builder(manager)
        .max_size(size)
        .timeouts(Timeouts {
            wait: Some(limits.pool_wait),
            create: Some(limits.pool_create),
            recycle: Some(limits.pool_recycle),
        })
        .runtime(Runtime::Tokio1)
        .build()?;
    Ok(pool)
}
