//! The count in Redis, over connections that are lent from a pool.

use std::{error::Error, future::Future, time::Duration};

use deadpool_redis::{Manager, Pool, Runtime, Timeouts};
use redis::{AsyncConnectionConfig, ConnectionInfo, io::tcp::TcpSettings};
use tokio::time::timeout;

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
    /// A connection of the probe's own. From a pool that many visits share it would have to wait.
    probe: Pool,
    timeout: Duration,
    breaker: Breaker,
}

impl Store {
    /// Prepares the pools. They connect when the first command comes.
    ///
    /// # Errors
    ///
    /// When no pool can be built from these settings.
    pub fn new(info: ConnectionInfo, limits: Limits) -> Result<Self, Box<dyn Error>> {
        Ok(Self {
            pool: pool(info.clone(), &limits, limits.pool_size)?,
            probe: pool(info, &limits, 1)?,
            timeout: limits.visit_timeout,
            breaker: Breaker::new(limits.retry_pause),
        })
    }

    /// Counts one visit and returns its number; the first is 1.
    ///
    /// # Errors
    ///
    /// When Redis is unavailable. The visit may have been counted all the same.
    pub async fn increment(&self) -> Result<u64, Unavailable> {
        if !self.breaker.lets_pass() {
            return Err(Unavailable);
        }
        self.in_time(async {
            let mut connection = self.pool.get().await?;
            // Sent once. An `INCR` without a reply may have happened, so it is never sent again.
            let increment = redis::cmd("INCR").arg(KEY).take();
            // As a `u64`, the client would take -1 for 18446744073709551615.
            let number: i64 = increment.query_async(&mut connection).await?;
            match u64::try_from(number) {
                Ok(number @ 1..) => Ok(number),
                _ => Err(format!("{number} cannot be the number of a visit").into()),
            }
        })
        .await
    }

    /// Finds out whether a visit could be counted now: adds nothing, the way a visit adds 1.
    ///
    /// # Errors
    ///
    /// When it could not.
    pub async fn probe(&self) -> Result<(), Unavailable> {
        self.in_time(async {
            let mut connection = self.probe.get().await?;
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

    /// The reply, if it comes in time.
    async fn in_time<T>(
        &self,
        reply: impl Future<Output = Result<T, Cause>>,
    ) -> Result<T, Unavailable> {
        let reply = timeout(self.timeout, reply).await;
        let reply = reply.unwrap_or_else(|elapsed| Err(elapsed.into()));
        match reply {
            Ok(reply) => {
                self.breaker.succeeded();
                Ok(reply)
            }
            Err(cause) => {
                // The pool's own test, a PING, does not find everything: a Redis that has become a
                // read-only replica passes it. So the next visits get new connections.
                self.pool.retain(|_, _| false);
                self.probe.retain(|_, _| false);
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
