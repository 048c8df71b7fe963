//! Group commit: visits that wait together are counted together.
//!
//! Redis can add `n` as fast as it can add 1. So while one `INCRBY` is on its way, the visits that
//! arrive gather in a queue, and the next `INCRBY` counts all of them. Nobody waits for a batch to
//! fill: a lonely visit is a batch of one, and the busier it gets, the larger the batches grow.
//!
//! What holds, and is tested:
//!
//! 1. A number is handed out only after Redis has replied to the `INCRBY` that contains it.
//! 2. A batch is closed before it is sent. Who comes later is in the next one.
//! 3. A reply `r` to a batch of `n` gives the numbers `r-n+1` to `r`, in the order of arrival.
//! 4. A batch that fails is never sent again: Redis may have counted it. All of its visits fail.
//! 5. A batch has until the oldest of its visits has waited for the time-out of a visit.
//!
//! So no number is given twice, as long as Redis forgets none and nobody else writes the key. Numbers are
//! skipped only for visits that failed, or whose visitor left while waiting.

use std::{error::Error, fmt, future::Future, time::Duration};

use tokio::{
    sync::{
        mpsc::{self, error::TrySendError},
        oneshot,
    },
    task::yield_now,
    time::Instant,
};

/// Hands a visit its number. When the other end is gone, the visitor has left.
type Responder = oneshot::Sender<u64>;

/// The queue in front of Redis. Clones share one queue.
#[derive(Clone)]
pub struct Batcher {
    queue: mpsc::Sender<Responder>,
}

/// Why a visit has no number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BatchError {
    /// As many visits as the queue holds are waiting. This one was not counted.
    Full,
    /// The batch failed. This visit may have been counted, or not.
    Failed,
}

impl Batcher {
    /// Starts a task that counts the visits, up to `capacity` in a batch. `add(n, deadline)` adds `n` to
    /// the count and returns the new count, or `None` when it does not know by then whether it has.
    ///
    /// The deadline is `timeout` after the oldest visit of the batch has come, or a little earlier: a
    /// clock is read once a batch, and none for a visit.
    ///
    /// The task ends when the last clone of the batcher is gone and all that wait are answered.
    ///
    /// # Panics
    ///
    /// When called outside a Tokio runtime, or with a capacity of 0.
    pub fn start<A, F>(capacity: usize, timeout: Duration, add: A) -> Self
    where
        A: FnMut(u64, Instant) -> F + Send + 'static,
        F: Future<Output = Option<u64>> + Send + 'static,
    {
        let (queue, waiting) = mpsc::channel(capacity);
        tokio::spawn(count(waiting, capacity, timeout, add));
        Self { queue }
    }

    /// Counts one visit and returns its number.
    ///
    /// # Errors
    ///
    /// See [`BatchError`].
    pub async fn visit(&self) -> Result<u64, BatchError> {
        let (responder, number) = oneshot::channel();
        self.queue
            .try_send(responder)
            .map_err(|error| match error {
                TrySendError::Full(_) => BatchError::Full,
                // The task is gone, which takes a panic.
                TrySendError::Closed(_) => BatchError::Failed,
            })?;
        // The task drops the responders of a batch that failed.
        number.await.map_err(|_| BatchError::Failed)
    }
}

/// Takes all that wait, counts them with one `add`, hands out the numbers, and starts again.
async fn count<A, F>(
    mut waiting: mpsc::Receiver<Responder>,
    capacity: usize,
    timeout: Duration,
    mut add: A,
) where
    A: FnMut(u64, Instant) -> F,
    F: Future<Output = Option<u64>>,
{
    let mut batch = Vec::with_capacity(capacity);
    let mut closed = Instant::now();
    loop {
        // A visit that waits already has come since the batch before this one was closed.
        let came = (!waiting.is_empty()).then_some(closed);
        if waiting.recv_many(&mut batch, capacity).await == 0 {
            return;
        }
        closed = Instant::now();
        let deadline = came.unwrap_or(closed) + timeout;
        // tokio reads the sockets before it comes back here: visits that have arrived meanwhile come along.
        yield_now().await;
        let room = capacity - batch.len();
        batch.extend((0..room).map_while(|_| waiting.try_recv().ok()));
        // Who has left by now costs nothing. Who leaves after this line costs a number.
        batch.retain(|responder| !responder.is_closed());
        let size = batch.len() as u64;
        if size == 0 {
            continue;
        }
        let last = add(size, deadline).await;
        // Never a number below 1, whatever `add` says.
        let Some(before) = last.and_then(|last| last.checked_sub(size)) else {
            batch.clear();
            continue;
        };
        for (responder, number) in batch.drain(..).zip(before + 1..) {
            // It fails where the visitor has left. Nobody else may have the number.
            let _: Result<(), u64> = responder.send(number);
        }
    }
}

impl Error for BatchError {}

impl fmt::Display for BatchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => "the queue is full",
            Self::Failed => "the batch was not counted, or its fate is unknown",
        })
    }
}
