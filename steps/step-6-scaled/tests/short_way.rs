//! The short way around the router, over a real socket: nobody can tell it from the router.

use std::{sync::Arc, time::Duration};

use private_redis::TestRedis;
use step_6_scaled::{
    App, Counter, app,
    connection::Answer,
    cores::{Core, Shared},
    serve::serve,
    settings::Settings,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::timeout,
};

/// Longer than anything here takes on the slowest machine.
const TEST_TIMEOUT: Duration = Duration::from_secs(20);

const REQUESTS: &[&str] = &[
    "GET /",
    "GET /?from=here",
    "GET http://elsewhere/",
    "GET //",
    "GET /favicon.ico",
    "GET /livez",
    "GET /readyz",
    "HEAD /",
    "POST /",
    "OPTIONS /",
];

/// What a server with this app answers to all the requests, but for the date and the order of the headers.
async fn answers<A: Answer>(url: &str, app: impl FnOnce(Arc<Counter>) -> A) -> Vec<String> {
    let limits = Settings::from_env().unwrap().limits;
    let shared = Arc::new(Shared::new(&limits));
    let counter = || Counter::new(url.parse()?, limits, shared);
    let core = Core::start(|| Ok(app(Arc::new(counter()?)))).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(serve(listener, vec![core], limits, std::future::pending()));
    let mut answers = Vec::new();
    for request in REQUESTS {
        let mut stream = TcpStream::connect(addr).await.unwrap();
        let head = format!("{request} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = String::new();
        timeout(TEST_TIMEOUT, stream.read_to_string(&mut answer))
            .await
            .expect("the answer ends")
            .unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let head = head.lines().filter(|line| !line.starts_with("date: "));
        let mut head: Vec<&str> = head.collect();
        head[1..].sort_unstable();
        answers.push(format!("{request}\n{}\n\n{body}", head.join("\n")));
    }
    answers
}

#[tokio::test]
async fn the_short_way_says_what_the_router_says() {
    let (one, other) = (TestRedis::start().unwrap(), TestRedis::start().unwrap());
    let short = answers(one.url(), App::new).await;
    assert!(short[0].ends_with("seen 1 times.\n"), "{}", short[0]);
    assert_eq!(short, answers(other.url(), app).await);
}

#[tokio::test]
async fn the_short_way_refuses_as_the_router_does() {
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("redis://{}", nobody.local_addr().unwrap());
    drop(nobody);
    let short = answers(&url, App::new).await;
    assert!(short[0].contains("503 Service Unavailable"), "{}", short[0]);
    assert_eq!(short, answers(&url, app).await);
}
