//! One client's connection, from the first byte to the last.
//!
//! hyper limits how long the head of a request may be. How long a client may take to send it, hyper would
//! limit with a new timer for each request, where one for a connection is enough. How long a client takes
//! to *take* an answer it does not limit. And it ends a connection only by closing it, also when half of
//! the next head has arrived. All this can be seen at the socket, so hyper gets one that watches:
//! `Socket`.

use std::{
    convert::Infallible,
    future::Future,
    io::{self, IoSlice},
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    extract::Request,
    http::{HeaderValue, header::CONNECTION},
    response::Response,
};
use hyper::{
    body::Incoming,
    rt::{Read, ReadBufCursor, Write},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::{
    net::TcpStream,
    sync::Notify,
    time::{Instant, Sleep, sleep, timeout, timeout_at},
};
use tower::ServiceExt;

use crate::settings::Limits;

/// How long a stop waits for the first request of a new connection. Whoever connects is about to ask.
const FIRST_REQUEST: Duration = Duration::from_secs(1);

/// Tells connections to end: the oldest of them, or all.
#[derive(Default)]
pub struct Ending {
    notify: Notify,
    is_stop: AtomicBool,
}

impl Ending {
    /// The oldest connection ends, to make room for another one.
    pub fn give_way(&self) {
        self.notify.notify_one();
    }

    /// All connections end, also those that come from now on.
    pub fn stop(&self) {
        self.is_stop.store(true, Ordering::SeqCst);
        self.notify.notify_waiters();
    }

    fn is_stop(&self) -> bool {
        self.is_stop.load(Ordering::SeqCst)
    }

    /// Completes when this connection is the one to end.
    async fn told(&self) {
        // In this order: a stop between the two lines is seen by the second one.
        let notified = self.notify.notified();
        if !self.is_stop() {
            notified.await;
        }
    }
}

/// Serves `app` to one client until it leaves, is cut off by a limit, or is told to end. Its next answer
/// is the last one then, and says so.
///
/// At a stop the client has a moment for a request that is on its way: to close the connection would
/// lose it. After that a connection is closed if it is idle, and if not it has the time of the stop.
///
/// A connection that gives way is closed as soon as no visit of its client is served, unless it is so
/// new that its request is on its way.
pub async fn serve(
    stream: TcpStream,
    app: Router,
    http: http1::Builder,
    ending: Arc<Ending>,
    limits: Limits,
) {
    let started = Instant::now();
    let exchange = Arc::new(Exchange::default());
    let socket = Socket {
        stream: TokioIo::new(stream),
        exchange: exchange.clone(),
        limits,
        request_due: started + limits.header_timeout,
        request_timer: Box::pin(sleep(limits.header_timeout)),
        answer_timer: None,
        has_written: false,
    };
    let of_service = exchange.clone();
    let service = service_fn(move |request| of_service.clone().answer(app.clone(), request));
    let mut connection = pin!(async {
        if let Err(error) = http.serve_connection(socket, service).await {
            tracing::debug!("connection closed: {error}");
        }
    });
    tokio::select! {
        biased;
        () = &mut connection => return,
        () = ending.told() => {}
    }
    exchange.is_last.store(true, Ordering::Relaxed);
    let (moment, goes_on, rest) = if ending.is_stop() {
        let is_new = !exchange.has_asked.load(Ordering::Relaxed);
        let first_request = if is_new {
            FIRST_REQUEST
        } else {
            Duration::ZERO
        };
        let moment = (started + first_request).max(Instant::now() + limits.lame_duck);
        (moment, &exchange.is_under_way, limits.drain_timeout)
    } else {
        let moment = started + limits.lame_duck;
        (moment, &exchange.is_served, limits.visit_timeout)
    };
    let has_ended = timeout_at(moment, &mut connection).await.is_ok();
    if !has_ended && goes_on.load(Ordering::Relaxed) {
        // What is not done by then is cut off.
        let _ = timeout(rest, &mut connection).await;
    }
}

/// How far a client and the service are with each other.
#[derive(Default)]
struct Exchange {
    /// Whether a whole request has come.
    has_asked: AtomicBool,
    /// Whether a whole request has come, and its answer is not ready.
    is_served: AtomicBool,
    /// Whether a part of a request has come, and not all of its answer has gone.
    is_under_way: AtomicBool,
    /// Whether the next answer is the last one.
    is_last: AtomicBool,
}

impl Exchange {
    /// What `app` answers; with `connection: close`, if it is the last answer.
    async fn answer(
        self: Arc<Self>,
        app: Router,
        request: Request<Incoming>,
    ) -> Result<Response, Infallible> {
        self.has_asked.store(true, Ordering::Relaxed);
        self.is_served.store(true, Ordering::Relaxed);
        let mut answer = app.oneshot(request.map(Body::new)).await?;
        self.is_served.store(false, Ordering::Relaxed);
        if self.is_last.load(Ordering::Relaxed) {
            let headers = answer.headers_mut();
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        Ok(answer)
    }
}

/// A socket that knows whether a request is under way, and gives up a client that does not send what it
/// waits for, or does not take what is written to it.
struct Socket {
    stream: TokioIo<TcpStream>,
    exchange: Arc<Exchange>,
    limits: Limits,
    /// When the head of the next request must have come.
    request_due: Instant,
    /// Expires when the request was due that came first after the timer was set. A request only moves
    /// `request_due`: one timer serves many of them.
    request_timer: Pin<Box<Sleep>>,
    /// Runs from the first byte that the client does not take until it has taken all.
    answer_timer: Option<Pin<Box<Sleep>>>,
    has_written: bool,
}

impl Socket {
    /// An error when the client has not sent the head of its request by the time that it was due.
    fn poll_late(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.request_timer.as_mut().poll(cx));
        while Instant::now() < self.request_due {
            self.request_timer.as_mut().reset(self.request_due);
            ready!(self.request_timer.as_mut().poll(cx));
        }
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "no request")))
    }

    /// What came of a write, or an error when the client has kept it waiting for too long.
    fn in_time(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        self.has_written = true;
        if written.is_ready() {
            return written;
        }
        let timer = || Box::pin(sleep(self.limits.answer_timeout));
        let timer = self.answer_timer.get_or_insert_with(timer);
        let expired = timer.as_mut().poll(cx);
        expired.map(|()| Err(io::Error::new(io::ErrorKind::TimedOut, "answer not taken")))
    }
}

impl Read for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if read.is_pending() {
            return self.poll_late(cx);
        }
        self.exchange.is_under_way.store(true, Ordering::Relaxed);
        read
    }
}

impl Write for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.in_time(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.in_time(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// hyper calls this also when there was nothing to write, and otherwise after all of it is written.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.has_written {
            self.has_written = false;
            self.request_due = Instant::now() + self.limits.header_timeout;
            self.answer_timer = None;
            self.exchange.is_under_way.store(false, Ordering::Relaxed);
        }
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
