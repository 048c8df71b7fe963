//! Several cores: who gets which visitor, what they share, and a stop that concerns them all.

use std::{
    net::SocketAddr,
    sync::{Arc, Weak},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, to_bytes},
    http::Request,
    routing::get,
};
use step_6_scaled::{
    Counter, app,
    connection::Ending,
    cores::{Core, Shared},
    serve::serve,
    settings::Settings,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::oneshot,
    task::JoinHandle,
    time::{sleep, timeout},
};
use tower::ServiceExt;

/// Longer than anything here takes on the slowest machine.
const TEST_TIMEOUT: Duration = Duration::from_secs(20);

/// A server with cores that are asked for their name.
struct Server {
    addr: SocketAddr,
    stop: oneshot::Sender<()>,
    ended: JoinHandle<()>,
    /// One of each core. Its connections have clones.
    endings: Vec<Weak<Ending>>,
}

impl Server {
    async fn start(cores: &[&'static str]) -> Self {
        let limits = Settings::from_env().unwrap().limits;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let cores = cores.iter().map(|&name| {
            let slow = move || async move {
                sleep(Duration::from_millis(300)).await;
                name
            };
            let app = Router::new()
                .route("/", get(move || async move { name }))
                .route("/slow", get(slow));
            Core::start(|| Ok(app)).unwrap()
        });
        let cores: Vec<Core<Router>> = cores.collect();
        let endings = cores.iter().map(|core| Arc::downgrade(core.ending()));
        let endings = endings.collect();
        let ended = tokio::spawn(async move {
            serve(listener, cores, limits, async {
                stopped.await.unwrap_or(());
            })
            .await;
        });
        Self {
            addr,
            stop,
            ended,
            endings,
        }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.addr).await.unwrap()
    }
}

async fn send(stream: &mut TcpStream, path: &str) {
    let request = format!("GET {path} HTTP/1.1\r\nhost: test\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
}

/// The body of one answer, which ends with a full stop.
async fn answer(stream: &mut TcpStream) -> String {
    let mut text = String::new();
    let mut chunk = [0; 1024];
    while !text.ends_with('.') {
        let read = timeout(TEST_TIMEOUT, stream.read(&mut chunk))
            .await
            .expect("no answer came")
            .unwrap();
        assert_ne!(read, 0, "closed after {text:?}");
        text.push_str(std::str::from_utf8(&chunk[..read]).unwrap());
    }
    text.rsplit_once('\n').unwrap().1.to_owned()
}

/// A visitor who stays, and the core that serves it.
async fn visitor(server: &Server) -> (TcpStream, String) {
    let mut stream = server.connect().await;
    send(&mut stream, "/").await;
    let core = answer(&mut stream).await;
    (stream, core)
}

#[tokio::test]
async fn visitors_are_dealt_out_evenly_also_when_only_one_core_loses_them() {
    let cores = ["a.", "b.", "c."];
    let server = Server::start(&cores).await;
    let mut visitors = Vec::new();
    for _ in 0..12 {
        visitors.push(visitor(&server).await);
    }
    for core in cores {
        let of_core = visitors.iter().filter(|(_, name)| name == core).count();
        assert_eq!(of_core, 4, "visitors of core {core}");
    }

    visitors.retain(|(_, name)| name != "b.");
    // The core itself has one.
    let have_left = async {
        while server.endings[1].strong_count() > 1 {
            sleep(Duration::from_millis(1)).await;
        }
    };
    timeout(TEST_TIMEOUT, have_left)
        .await
        .expect("nobody leaves");
    for _ in 0..4 {
        let newcomer = visitor(&server).await;
        assert_eq!(newcomer.1, "b.");
        visitors.push(newcomer);
    }
}

#[tokio::test]
async fn a_stop_answers_what_is_under_way_on_all_cores() {
    let server = Server::start(&["a.", "b."]).await;
    let mut busy = Vec::new();
    for _ in 0..4 {
        let (mut stream, _) = visitor(&server).await;
        send(&mut stream, "/slow").await;
        busy.push(stream);
    }
    sleep(Duration::from_millis(100)).await;
    server.stop.send(()).unwrap();
    let mut answers = Vec::new();
    for stream in &mut busy {
        answers.push(answer(stream).await);
    }
    answers.sort();
    assert_eq!(answers, ["a.", "a.", "b.", "b."]);
    timeout(TEST_TIMEOUT, server.ended)
        .await
        .expect("the server still runs")
        .unwrap();
}

#[tokio::test]
async fn the_limit_of_visits_holds_for_all_cores_together() {
    // A Redis that takes every connection and never says a word.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("redis://{}", silent.local_addr().unwrap());
    let mut limits = Settings::from_env().unwrap().limits;
    limits.max_in_flight = 1;
    let shared = Arc::new(Shared::new(&limits));
    let of_one_core = || {
        let counter = Counter::new(url.parse().unwrap(), limits, shared.clone());
        app(Arc::new(counter.unwrap()))
    };
    let (one, other) = (of_one_core(), of_one_core());

    let visit = || Request::builder().uri("/").body(Body::empty()).unwrap();
    let waits = tokio::spawn(one.oneshot(visit()));
    timeout(TEST_TIMEOUT, async {
        while shared.in_flight.available_permits() > 0 {
            sleep(Duration::from_millis(1)).await;
        }
    })
    .await
    .expect("the visit takes the only place that all cores have");
    let answer = other.oneshot(visit()).await.unwrap();
    assert_eq!(answer.status(), 503);
    let body = to_bytes(answer.into_body(), usize::MAX).await.unwrap();
    assert!(body.starts_with(b"Too many visitors"), "{body:?}");
    assert_eq!(waits.await.unwrap().unwrap().status(), 503);
}
