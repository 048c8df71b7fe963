//! The server around the apps. `axum::serve` waits for slow clients without end and stops without a
//! deadline; this loop does neither, and deals the visitors out to the cores.

use std::{
    future::Future,
    io,
    net::SocketAddr,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{
    http::{HeaderValue, header::CONNECTION},
    response::Response,
};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    task::JoinSet,
    time::{sleep, timeout},
};
use tower::util::MapResponse;

use crate::{cores::Core, settings::Limits};

/// How long to wait after a failed `accept`: out of file descriptors, most likely. Long enough not to
/// spin, short enough not to be noticed.
const ACCEPT_RETRY: Duration = Duration::from_millis(50);

/// What `TcpListener::bind` does, with a longer queue for visitors who come all at once.
///
/// # Errors
///
/// When nobody can listen there.
pub fn listen(addr: SocketAddr, limits: &Limits) -> io::Result<TcpListener> {
    let socket = if addr.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    // What is left of the connections of a stopped server does not keep the next one from the port.
    socket.set_reuseaddr(true)?;
    socket.bind(addr)?;
    socket.listen(limits.accept_queue.try_into().unwrap_or(u32::MAX))
}

/// Serves the apps of `cores` on `listener` until `shutdown` completes, then answers what is under way
/// and returns, after [`Limits::drain_timeout`] at the latest.
///
/// # Panics
///
/// When there is no core.
pub async fn serve(
    listener: TcpListener,
    cores: Vec<Core>,
    limits: &Limits,
    shutdown: impl Future<Output = ()>,
) {
    let mut http = http1::Builder::new();
    // Without a timer hyper cannot tell the time, and the time-out never fires.
    http.timer(TokioTimer::new())
        .header_read_timeout(limits.header_timeout);
    let places = Arc::new(Semaphore::new(limits.max_connections));
    let stopping = Arc::new(AtomicBool::new(false));
    // A request may be on its way when the signal comes, and to close its connection would lose it.
    // So for a moment all are still let in, and told with their answer that it is the last one.
    let mut shutdown = pin!(async {
        shutdown.await;
        stopping.store(true, Ordering::Relaxed);
        sleep(limits.lame_duck).await;
    });
    loop {
        let (stream, place) = tokio::select! {
            accepted = accept(&listener, &places) => accepted,
            () = &mut shutdown => break,
        };
        let core = Core::least_busy(&cores);
        let stopping = stopping.clone();
        let answers = move |answer| last_answer_closes(&stopping, answer);
        let service = TowerToHyperService::new(MapResponse::new(core.app(), answers));
        let (http, watcher) = (http.clone(), core.watcher());
        // A task of its own: a panic in a request ends this connection and nothing else.
        core.spawn(async move {
            let _place = place;
            // It has woken the acceptor so far. From now on it wakes this core.
            let Ok(stream) = stream.into_std().and_then(TcpStream::from_std) else {
                return;
            };
            let connection = watcher.watch(http.serve_connection(TokioIo::new(stream), service));
            if let Err(error) = connection.await {
                tracing::debug!("connection closed: {error}");
            }
        });
    }
    drop(listener);
    let drained: JoinSet<()> = cores.into_iter().map(Core::drain).collect();
    if timeout(limits.drain_timeout, drained.join_all())
        .await
        .is_err()
    {
        tracing::warn!("stopped before every visit was answered: the drain time-out has passed");
    }
}

/// Says `connection: close` with every answer once the server is stopping.
fn last_answer_closes(stopping: &AtomicBool, mut answer: Response) -> Response {
    if stopping.load(Ordering::Relaxed) {
        let headers = answer.headers_mut();
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    answer
}

/// The next visitor, once there is a place.
async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> (TcpStream, OwnedSemaphorePermit) {
    let place = places
        .clone()
        .acquire_owned()
        .await
        .expect("nobody closes this semaphore");
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                // Send a small answer now; do not wait to see whether it grows (Nagle's algorithm).
                // Where this fails the client is gone already, and the next read says so.
                let _: io::Result<()> = stream.set_nodelay(true);
                return (stream, place);
            }
            Err(error) => {
                tracing::warn!("cannot accept a visitor: {error}");
                sleep(ACCEPT_RETRY).await;
            }
        }
    }
}
