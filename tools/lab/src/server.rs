//! Hands the page and the state to browsers, and takes what their buttons ask for.

use std::{
    convert::Infallible,
    net::{Ipv4Addr, TcpListener},
    sync::Arc,
    thread,
    time::Duration,
};

use anyhow::{Context, Result};
use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Request as HttpRequest, State},
    http::{HeaderMap, HeaderName, StatusCode, header},
    middleware::{self, Next},
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
    routing::{get, post},
};
use experiments::Experiment;
use futures_util::stream;
use tokio::{
    runtime,
    sync::{OwnedSemaphorePermit, Semaphore, watch},
};

use crate::{guard::Guard, lab::Lab, request::Request};

/// How often browsers are told how things are, if something has changed.
const PUBLISH_INTERVAL: Duration = Duration::from_millis(250);

/// How often they hear that the lab is there, if nothing has changed: a page cannot see a lab that stands still.
const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(1);

/// How many browsers may look at the same time.
const BROWSERS_MAX: usize = 16;

/// More than any button asks for.
const REQUEST_BYTES_MAX: usize = 4096;

/// The files of the page: name, kind, content.
const FILES: [(&str, &str, &str); 7] = [
    ("", "text/html", include_str!("page/index.html")),
    ("lab.css", "text/css", include_str!("page/lab.css")),
    ("lab.js", JS, include_str!("page/lab.js")),
    ("column.js", JS, include_str!("page/column.js")),
    ("chart.js", JS, include_str!("page/chart.js")),
    ("controls.js", JS, include_str!("page/controls.js")),
    ("experiment.js", JS, include_str!("page/experiment.js")),
];
const JS: &str = "text/javascript";

/// What every answer says: load nothing from elsewhere, be in no other page's frame, keep no copy, and tell
/// no other page the address, which has the token in it.
const HEADERS: [(HeaderName, &str); 5] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "same-origin"),
    (header::CACHE_CONTROL, "no-store"),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
];

/// A server that listens and does not answer yet.
pub struct Server {
    listener: TcpListener,
    guard: Guard,
    port: u16,
}

/// What the answers need.
#[derive(Clone)]
struct Shared {
    lab: Arc<Lab>,
    guard: Arc<Guard>,
    state: watch::Receiver<String>,
    browsers: Arc<Semaphore>,
}

impl Server {
    /// Listens on this machine only.
    ///
    /// # Errors
    ///
    /// When the port cannot be listened on.
    pub fn listen(port: u16) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port));
        let listener = listener.with_context(|| {
            format!("cannot listen on port {port}; take another one with --port, or any free one with --port 0")
        })?;
        listener.set_nonblocking(true)?;
        let port = listener.local_addr()?.port();
        let guard = Guard::new(port)?;
        Ok(Self {
            listener,
            guard,
            port,
        })
    }

    /// The address of the page, with the token. It opens at this experiment, if there is one.
    pub fn url(&self, experiment: Option<&Experiment>) -> String {
        let opened = experiment.map(|experiment| format!("?experiment={}", experiment.name));
        let opened = opened.unwrap_or_default();
        format!(
            "http://localhost:{}{}{opened}",
            self.port,
            self.guard.path()
        )
    }

    /// Answers from now on, in threads of its own.
    ///
    /// # Errors
    ///
    /// When those cannot be started.
    pub fn serve(self, lab: &Arc<Lab>) -> Result<()> {
        let (publisher, state) = watch::channel(lab.snapshot());
        let publishing = Arc::clone(lab);
        thread::spawn(move || {
            while !publisher.is_closed() {
                let new = publishing.snapshot();
                publisher.send_if_modified(|old| {
                    let is_new = *old != new;
                    *old = new;
                    is_new
                });
                thread::sleep(PUBLISH_INTERVAL);
            }
        });
        let app = app(Shared {
            lab: Arc::clone(lab),
            guard: Arc::new(self.guard),
            state,
            browsers: Arc::new(Semaphore::new(BROWSERS_MAX)),
        });
        let runtime = runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.context("cannot start the server")?;
        let listener = {
            let _inside = runtime.enter();
            tokio::net::TcpListener::from_std(self.listener)?
        };
        thread::spawn(move || runtime.block_on(async { axum::serve(listener, app).await }));
        Ok(())
    }
}

/// Everything that is answered. Whatever it is, the guard is asked first.
fn app(shared: Shared) -> Router {
    let at = |name: &str| format!("{}{name}", shared.guard.path());
    let mut app = Router::new()
        .route(&at("catalog"), get(catalog))
        .route(&at("events"), get(events))
        .route(&at("do"), post(carry_out));
    for (name, kind, content) in FILES {
        let kind = format!("{kind}; charset=utf-8");
        let file = get(move || async move { ([(header::CONTENT_TYPE, kind)], content) });
        app = app.route(&at(name), file);
    }
    app.layer(DefaultBodyLimit::max(REQUEST_BYTES_MAX))
        .layer(middleware::from_fn_with_state(shared.clone(), check))
        .with_state(shared)
}

async fn check(State(shared): State<Shared>, request: HttpRequest, next: Next) -> Response {
    let (method, uri, headers) = (request.method(), request.uri(), request.headers());
    let mut response = match shared.guard.refuses(method, uri, headers) {
        Some(why) => (StatusCode::FORBIDDEN, format!("{why}\n")).into_response(),
        None => next.run(request).await,
    };
    for (name, value) in HEADERS {
        let value = header::HeaderValue::from_static(value);
        response.headers_mut().insert(name, value);
    }
    response
}

async fn catalog(State(shared): State<Shared>) -> impl IntoResponse {
    let kind = [(header::CONTENT_TYPE, "application/json")];
    (kind, shared.lab.catalog())
}

/// The state now, and again whenever it changes. A browser that is slow, or was asleep, misses what was
/// between: nothing piles up for it.
async fn events(State(shared): State<Shared>) -> Response {
    let Ok(permit) = shared.browsers.try_acquire_owned() else {
        let why = format!("{BROWSERS_MAX} browsers look already; close one\n");
        return (StatusCode::SERVICE_UNAVAILABLE, why).into_response();
    };
    let mut state = shared.state;
    state.mark_changed();
    let next = |(mut state, permit): (watch::Receiver<String>, OwnedSemaphorePermit)| async move {
        state.changed().await.ok()?;
        let event = Event::default().data(state.borrow_and_update().as_str());
        Some((Ok::<_, Infallible>(event), (state, permit)))
    };
    let heartbeat = KeepAlive::new().interval(HEARTBEAT_INTERVAL);
    let heartbeat = heartbeat.event(Event::default().event("heartbeat").data(""));
    Sse::new(stream::unfold((state, permit), next))
        .keep_alive(heartbeat)
        .into_response()
}

async fn carry_out(
    State(shared): State<Shared>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<StatusCode, (StatusCode, String)> {
    let bad = |why: String| (StatusCode::BAD_REQUEST, why);
    // What a form can send, another page can send without asking.
    if headers
        .get(header::CONTENT_TYPE)
        .is_none_or(|kind| kind != "application/json")
    {
        let why = "what is asked for comes as application/json".to_owned();
        return Err((StatusCode::UNSUPPORTED_MEDIA_TYPE, why));
    }
    let request = serde_json::from_slice::<Request>(&body);
    let request = request.map_err(|error| bad(format!("nobody knows what that means: {error}")))?;
    let wanted = request.check().map_err(bad)?;
    let carried_out = shared.lab.carry_out(wanted);
    carried_out.map_err(|why| (StatusCode::CONFLICT, why))?;
    Ok(StatusCode::NO_CONTENT)
}
