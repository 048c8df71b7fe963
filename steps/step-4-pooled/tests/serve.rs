//! The server around the app, over real sockets: what it does to slow clients, panics and a stop.

use std::{future, net::SocketAddr, time::Duration};

use axum::{Router, routing::get};
use step_4_pooled::{
    serve::{listen, serve},
    settings::{Limits, Settings},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::oneshot,
    task::JoinHandle,
    time::{Instant, sleep, timeout},
};

/// Longer than anything here takes on the slowest machine.
const TEST_TIMEOUT: Duration = Duration::from_secs(20);

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nhost: test\r\n\r\n";
const SLOW_REQUEST: &[u8] = b"GET /slow HTTP/1.1\r\nhost: test\r\n\r\n";

/// A server for `app`, and the handle that stops it.
struct Server {
    addr: SocketAddr,
    stop: oneshot::Sender<()>,
    ended: JoinHandle<()>,
}

impl Server {
    async fn start(app: Router, change: impl FnOnce(&mut Limits)) -> Self {
        let mut limits = Settings::from_env().unwrap().limits;
        change(&mut limits);
        let listener = listen("127.0.0.1:0".parse().unwrap(), &limits).unwrap();
        let addr = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let ended = tokio::spawn(async move {
            serve(listener, app, limits, async {
                stopped.await.unwrap_or(());
            })
            .await;
        });
        Self { addr, stop, ended }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.addr).await.unwrap()
    }
}

/// Reads one answer with a body that ends in a line break.
async fn answer(stream: &mut TcpStream) -> String {
    let mut text = String::new();
    let mut chunk = [0; 1024];
    while !text.contains("\r\n\r\n") || !text.ends_with('\n') || text.ends_with("\r\n") {
        let read = timeout(TEST_TIMEOUT, stream.read(&mut chunk))
            .await
            .expect("no answer came")
            .unwrap();
        assert_ne!(read, 0, "closed after {text:?}");
        text.push_str(std::str::from_utf8(&chunk[..read]).unwrap());
    }
    text
}

/// Waits until the server closes the connection.
async fn closed(stream: &mut TcpStream) {
    let read = timeout(TEST_TIMEOUT, stream.read(&mut [0; 1]))
        .await
        .expect("the connection is still open");
    assert_eq!(
        read.unwrap_or(0),
        0,
        "something came where the end was expected"
    );
}

/// `/` answers at once, `/slow` after a while, `/panic` never.
fn app() -> Router {
    let slow = || async {
        sleep(Duration::from_millis(300)).await;
        "slow\n"
    };
    let panic = || async {
        if true {
            panic!("on purpose")
        }
    };
    Router::new()
        .route("/", get(|| async { "fast\n" }))
        .route("/slow", get(slow))
        .route("/panic", get(panic))
}

/// Nothing is accepted here. Linux never answers a client for whom the backlog has no room.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_burst_of_connections_finds_room_in_the_backlog() {
    let limits = Settings::from_env().unwrap().limits;
    let listener = listen("127.0.0.1:0".parse().unwrap(), &limits).unwrap();
    let addr = listener.local_addr().unwrap();
    let allowed = std::fs::read_to_string("/proc/sys/net/core/somaxconn").unwrap();
    let burst = allowed.trim().parse::<usize>().unwrap().min(512);
    let mut waiting = Vec::new();
    while waiting.len() < burst {
        let client = timeout(Duration::from_secs(5), TcpStream::connect(addr)).await;
        let found = waiting.len();
        let client = client.unwrap_or_else(|_| panic!("only {found} of {burst} found room"));
        waiting.push(client.unwrap());
    }
}

#[tokio::test]
async fn an_address_may_be_of_either_kind() {
    let limits = Settings::from_env().unwrap().limits;
    for addr in ["127.0.0.1:0", "[::1]:0"] {
        let addr: SocketAddr = addr.parse().unwrap();
        let has_such = std::net::TcpListener::bind(addr).is_ok();
        assert_eq!(listen(addr, &limits).is_ok(), has_such, "{addr}");
    }
}

#[tokio::test]
async fn the_port_of_a_stopped_server_is_free_at_once() {
    let server = Server::start(app(), |_| {}).await;
    let mut idle = server.connect().await;
    idle.write_all(REQUEST).await.unwrap();
    answer(&mut idle).await;
    server.stop.send(()).unwrap();
    timeout(TEST_TIMEOUT, server.ended)
        .await
        .expect("the server still runs")
        .unwrap();
    // The server has closed this connection and the client has not, so the system keeps it for a while.
    let limits = Settings::from_env().unwrap().limits;
    listen(server.addr, &limits).expect("the port is still taken");
}

#[tokio::test]
async fn half_a_request_is_closed_at_the_header_timeout() {
    let server = Server::start(app(), |limits| {
        limits.header_timeout = Duration::from_millis(100);
    })
    .await;
    let mut slow = server.connect().await;
    slow.write_all(&REQUEST[..10]).await.unwrap();
    closed(&mut slow).await;
}

#[tokio::test]
async fn a_silent_and_an_idle_connection_are_closed_at_the_header_timeout() {
    let server = Server::start(app(), |limits| {
        limits.header_timeout = Duration::from_millis(100);
    })
    .await;
    let mut silent = server.connect().await;
    closed(&mut silent).await;

    let mut idle = server.connect().await;
    idle.write_all(REQUEST).await.unwrap();
    assert!(answer(&mut idle).await.ends_with("fast\n"));
    closed(&mut idle).await;
}

/// The timer of the connection expires in the middle, and the last answer has moved the deadline.
#[tokio::test]
async fn a_client_that_asks_again_in_time_stays() {
    let header_timeout = Duration::from_secs(3);
    let server = Server::start(app(), |limits| limits.header_timeout = header_timeout).await;
    let mut client = server.connect().await;
    let started = Instant::now();
    while started.elapsed() < header_timeout + Duration::from_secs(1) {
        client.write_all(REQUEST).await.unwrap();
        assert!(answer(&mut client).await.ends_with("fast\n"));
        sleep(Duration::from_millis(200)).await;
    }
    closed(&mut client).await;
}

#[tokio::test]
async fn over_the_connection_limit_the_oldest_idle_connection_gives_way() {
    let server = Server::start(app(), |limits| {
        limits.max_connections = 3;
        limits.lame_duck = Duration::ZERO;
    })
    .await;
    let mut clients = Vec::new();
    for _ in 0..4 {
        let mut client = server.connect().await;
        client.write_all(REQUEST).await.unwrap();
        answer(&mut client).await;
        clients.push(client);
    }
    closed(&mut clients[0]).await;
    for client in &mut clients[1..] {
        client.write_all(REQUEST).await.unwrap();
        assert!(answer(client).await.ends_with("fast\n"));
    }
}

/// On a busy machine the second client may be accepted only after the answer. But not each time.
#[tokio::test]
async fn whoever_is_served_has_to_give_way_only_after_the_answer() {
    for _ in 0..10 {
        let server = Server::start(app(), |limits| limits.max_connections = 1).await;
        let mut first = server.connect().await;
        first.write_all(SLOW_REQUEST).await.unwrap();
        sleep(Duration::from_millis(100)).await;
        let mut second = server.connect().await;
        second.write_all(REQUEST).await.unwrap();
        let last = answer(&mut first).await;
        assert!(last.ends_with("slow\n"), "{last}");
        assert!(answer(&mut second).await.ends_with("fast\n"));
        if last.contains("connection: close") {
            return;
        }
    }
    panic!("no answer to a client that has to give way says that it is the last one");
}

#[tokio::test]
async fn half_a_request_gives_way() {
    let server = Server::start(app(), |limits| {
        limits.max_connections = 1;
        limits.header_timeout = TEST_TIMEOUT;
    })
    .await;
    let mut slow = server.connect().await;
    slow.write_all(&REQUEST[..10]).await.unwrap();
    let mut other = server.connect().await;
    other.write_all(REQUEST).await.unwrap();
    assert!(answer(&mut other).await.ends_with("fast\n"));
    closed(&mut slow).await;
}

#[tokio::test]
async fn a_head_over_the_limit_is_refused() {
    let server = Server::start(app(), |_| {}).await;
    let mut client = server.connect().await;
    let long = [REQUEST[..16].to_vec(), vec![b'a'; 20_000]].concat();
    client.write_all(&long).await.unwrap();
    let mut text = [0; 12];
    client.read_exact(&mut text).await.unwrap();
    assert_eq!(&text, b"HTTP/1.1 431");
}

/// The system keeps what it can of the answers. After that the client has to take some.
#[tokio::test]
async fn a_client_that_takes_no_answers_is_closed_at_the_answer_timeout() {
    let server = Server::start(app(), |limits| {
        limits.answer_timeout = Duration::from_millis(100);
    })
    .await;
    let mut greedy = server.connect().await;
    let requests = REQUEST.repeat(1000);
    let is_cut_off = async { while greedy.write_all(&requests).await.is_ok() {} };
    timeout(TEST_TIMEOUT, is_cut_off)
        .await
        .expect("the connection is still open");
}

#[tokio::test]
async fn a_client_that_has_asked_may_close_its_own_side() {
    let server = Server::start(app(), |_| {}).await;
    let mut client = server.connect().await;
    client.write_all(SLOW_REQUEST).await.unwrap();
    client.shutdown().await.unwrap();
    assert!(answer(&mut client).await.ends_with("slow\n"));
    closed(&mut client).await;
}

#[tokio::test]
async fn a_panic_ends_its_connection_and_nothing_else() {
    let server = Server::start(app(), |limits| {
        // To write down where it panicked takes a busy machine a while.
        limits.header_timeout = TEST_TIMEOUT;
    })
    .await;
    let mut other = server.connect().await;
    let mut unlucky = server.connect().await;
    unlucky
        .write_all(b"GET /panic HTTP/1.1\r\nhost: test\r\n\r\n")
        .await
        .unwrap();
    closed(&mut unlucky).await;
    other.write_all(REQUEST).await.unwrap();
    assert!(answer(&mut other).await.ends_with("fast\n"));
}

#[tokio::test]
async fn a_stop_answers_what_is_under_way_and_closes_what_is_idle() {
    let server = Server::start(app(), |_| {}).await;
    let mut idle = server.connect().await;
    idle.write_all(REQUEST).await.unwrap();
    answer(&mut idle).await;
    let mut busy = server.connect().await;
    busy.write_all(SLOW_REQUEST).await.unwrap();
    sleep(Duration::from_millis(100)).await;

    server.stop.send(()).unwrap();
    assert!(answer(&mut busy).await.ends_with("slow\n"));
    closed(&mut idle).await;
    timeout(TEST_TIMEOUT, server.ended)
        .await
        .expect("the server still runs")
        .unwrap();
    assert!(
        TcpStream::connect(server.addr).await.is_err(),
        "the port is still open"
    );
}

/// On a connection that has had an answer, and on one that has not.
#[tokio::test]
async fn a_stop_waits_for_the_rest_of_half_a_request() {
    let server = Server::start(app(), |_| {}).await;
    let (mut kept, mut new) = (server.connect().await, server.connect().await);
    kept.write_all(REQUEST).await.unwrap();
    answer(&mut kept).await;
    for client in [&mut kept, &mut new] {
        client.write_all(&REQUEST[..10]).await.unwrap();
    }
    sleep(Duration::from_millis(100)).await;
    server.stop.send(()).unwrap();
    // Idle connections are closed by now.
    sleep(Duration::from_millis(300)).await;
    for client in [&mut kept, &mut new] {
        client.write_all(&REQUEST[10..]).await.unwrap();
        let last = answer(client).await;
        assert!(
            last.contains("connection: close") && last.ends_with("fast\n"),
            "{last}"
        );
    }
}

/// Nobody accepts connections while the runtime has no time for the server.
#[tokio::test]
async fn a_stop_answers_who_waits_in_the_backlog() {
    let server = Server::start(app(), |limits| limits.lame_duck = Duration::ZERO).await;
    server.stop.send(()).unwrap();
    let addr = server.addr;
    let waiting = (0..32).map(|_| std::net::TcpStream::connect(addr).unwrap());
    let waiting: Vec<_> = waiting.collect();
    for client in waiting {
        client.set_nonblocking(true).unwrap();
        let mut client = TcpStream::from_std(client).unwrap();
        client.write_all(REQUEST).await.unwrap();
        assert!(answer(&mut client).await.ends_with("fast\n"));
    }
}

#[tokio::test]
async fn a_stop_does_not_wait_for_ever() {
    let stuck = Router::new().route("/", get(future::pending::<&str>));
    let server = Server::start(stuck, |limits| {
        limits.drain_timeout = Duration::from_millis(100);
    })
    .await;
    let mut visitor = server.connect().await;
    visitor.write_all(REQUEST).await.unwrap();
    sleep(Duration::from_millis(100)).await;
    server.stop.send(()).unwrap();
    timeout(TEST_TIMEOUT, server.ended)
        .await
        .expect("the drain has no deadline")
        .unwrap();
}
