//! The server around the apps: which connections it accepts, and how it stops. `axum::serve` waits for slow clients
//! without end and stops without a deadline; this loop does neither, and deals the connections out to
//! the cores.

use std::{future::Future, io, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use hyper::server::conn::http1;
use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{sleep, timeout},
};

use crate::{
    connection::{self, Answer},
    cores::Core,
    settings::Limits,
};

/// How long to wait after an `accept` that failed for want of something, such as open files. Long
/// enough not to spin, short enough not to be noticed.
const ACCEPT_RETRY: Duration = Duration::from_millis(50);

/// How long a new connection waits for the oldest one to give way before the next oldest has to.
const GIVE_WAY_INTERVAL: Duration = Duration::from_millis(10);

/// A new connection, and the permit that it holds until it ends.
type Accepted = (TcpStream, OwnedSemaphorePermit);

/// What `TcpListener::bind` does, with a longer backlog for clients who connect all at once.
///
/// # Errors
///
/// When the system does not let us listen there.
pub fn listen(addr: SocketAddr, limits: &Limits) -> io::Result<TcpListener> {
    let socket = if addr.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    // The system keeps this much of what a client sends and does not take. Connections inherit it.
    let buffer = limits.socket_buffer_bytes.try_into().unwrap_or(u32::MAX);
    socket.set_recv_buffer_size(buffer)?;
    socket.set_send_buffer_size(buffer)?;
    // What is left of the connections of a stopped server does not keep the next one from the port.
    socket.set_reuseaddr(true)?;
    socket.bind(addr)?;
    socket.listen(limits.listen_backlog.try_into().unwrap_or(u32::MAX))
}

/// Serves the apps of `cores` on `listener` until `shutdown` completes, then answers what is under way
/// and returns, [`Limits::lame_duck`] and [`Limits::drain_timeout`] later at the latest.
///
/// # Panics
///
/// When there is no core.
pub async fn serve(
    listener: TcpListener,
    cores: Vec<Core<impl Answer>>,
    limits: Limits,
    shutdown: impl Future<Output = ()>,
) {
    let mut http = http1::Builder::new();
    http.max_buf_size(limits.max_head_bytes)
        // A client that has sent its request may close its own side, and still gets the answer.
        .half_close(true)
        // An answer is so short that hyper copies it faster than the kernel gathers it from two places.
        .writev(false);
    let permits = Arc::new(Semaphore::new(limits.max_connections));
    // For a moment after the signal new connections are still accepted: requests are on their way.
    let mut shutdown = pin!(async {
        shutdown.await;
        cores.iter().for_each(|core| core.ending().stop());
        sleep(limits.lame_duck).await;
    });
    // A task of its own: a panic in a request ends this connection and nothing else.
    let spawn = |(stream, permit): Accepted| {
        let core = Core::least_busy(&cores);
        let (app, http, ending) = (core.app(), http.clone(), core.ending().clone());
        core.spawn(async move {
            // It has woken the acceptor so far. From now on it wakes this core.
            let Ok(stream) = stream.into_std().and_then(TcpStream::from_std) else {
                return;
            };
            connection::serve(stream, app, http, ending, limits).await;
            drop(permit);
        });
    };
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &permits, || Core::busiest(&cores).ending().give_way()) => accepted,
            () = &mut shutdown => break,
        };
        spawn(accepted);
    }
    match close(listener, &permits) {
        Ok(waiting) => waiting.into_iter().for_each(&spawn),
        Err(error) => tracing::warn!("connections that waited to be accepted are lost: {error}"),
    }
    // All connections have ended when all permits are back.
    let all = permits.acquire_many(limits.max_connections.try_into().unwrap_or(u32::MAX));
    if timeout(limits.drain_timeout, all).await.is_err() {
        tracing::warn!("stopped before every visit was answered: the drain time-out has passed");
    }
}

/// Closes the listener and returns the connections that wait in its backlog: the system would reset
/// them. It does reset one that arrives between the last look and the close: we cannot prevent that.
fn close(listener: TcpListener, permits: &Arc<Semaphore>) -> io::Result<Vec<Accepted>> {
    // Without tokio in between, which looks again only after the system has told it to.
    let listener = listener.into_std()?;
    let mut waiting = Vec::new();
    while let Ok(permit) = permits.clone().try_acquire_owned()
        && let Ok((stream, _)) = listener.accept()
    {
        waiting.push((stream, permit));
    }
    drop(listener);
    let waiting = waiting.into_iter().map(|(stream, permit)| {
        stream.set_nonblocking(true)?;
        Ok((ready(TcpStream::from_std(stream)?), permit))
    });
    waiting.collect()
}

/// The next connection. Where there is no permit for it, others give way.
async fn accept(listener: &TcpListener, permits: &Arc<Semaphore>, give_way: impl Fn()) -> Accepted {
    let stream = loop {
        match listener.accept().await {
            Ok((stream, _)) => break ready(stream),
            // The client has left while it waited. The next one may still be there.
            Err(error) if is_of_client(&error) => {}
            Err(error) => {
                tracing::warn!("cannot accept a connection: {error}");
                sleep(ACCEPT_RETRY).await;
            }
        }
    };
    let mut permit = pin!(permits.clone().acquire_owned());
    let mut next = Duration::ZERO;
    loop {
        match timeout(next, &mut permit).await {
            Ok(permit) => return (stream, permit.expect("nobody closes this semaphore")),
            Err(_) => give_way(),
        }
        next = GIVE_WAY_INTERVAL;
    }
}

fn is_of_client(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset
    )
}

/// Sends small answers at once instead of waiting to see whether they grow (Nagle's algorithm).
fn ready(stream: TcpStream) -> TcpStream {
    // Where this fails the client is gone already, and the next read says so.
    let _: io::Result<()> = stream.set_nodelay(true);
    stream
}
