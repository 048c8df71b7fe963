//! The embedded server serves the clients that people have, and falls over for nobody.

mod common;

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use private_redis::embedded::{CONNECTIONS_MAX, QUIET_TIMEOUT, STORE_BYTES_MAX};
use private_redis::resp::REQUEST_BYTES_MAX;
use private_redis::{Durability, RedisClient, RedisServer};
use redis::AsyncCommands;

/// Longer than any answer takes, on however busy a machine.
const LONG: Duration = Duration::from_secs(60);

fn connect(port: u16) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(LONG)).unwrap();
    stream
}

const PING: &[u8] = b"*1\r\n$4\r\nPING\r\n";

/// Sends a `PING` and waits for its answer.
fn ping(client: &mut TcpStream) {
    client.write_all(PING).unwrap();
    let mut answer = [0; 7];
    client.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"+PONG\r\n");
}

fn assert_serves(port: u16) {
    RedisClient::connect_url(&format!("redis://127.0.0.1:{port}"), LONG)
        .expect("the server still serves");
}

#[tokio::test]
async fn the_redis_crate_works_with_either_protocol() {
    let port = common::serve_embedded();
    for protocol in ["resp2", "resp3"] {
        let url = format!("redis://127.0.0.1:{port}/?protocol={protocol}");
        let client = redis::Client::open(url).unwrap();
        let mut connection = client.get_multiplexed_async_connection().await.unwrap();
        assert_eq!(connection.ping::<String>().await.unwrap(), "PONG");
        let _: () = connection.set("visits", 41).await.unwrap();
        assert_eq!(
            connection.incr::<_, _, u64>("visits", 1).await.unwrap(),
            42,
            "INCRBY"
        );
        let incr = redis::cmd("INCR")
            .arg("visits")
            .query_async::<u64>(&mut connection)
            .await;
        assert_eq!(incr.unwrap(), 43);
        assert_eq!(connection.get::<_, u64>("visits").await.unwrap(), 43);
        assert_eq!(
            connection.get::<_, Option<u64>>("nothing").await.unwrap(),
            None
        );
        assert_eq!(connection.del::<_, u64>("visits").await.unwrap(), 1);
        let error = redis::cmd("NONSENSE")
            .query_async::<()>(&mut connection)
            .await
            .unwrap_err();
        assert!(error.to_string().contains("unknown command"), "{error}");
    }
}

#[tokio::test]
async fn a_pool_of_connections_counts_without_a_gap() {
    let port = common::serve_embedded();
    let client = redis::Client::open(format!("redis://127.0.0.1:{port}")).unwrap();
    let mut tasks = Vec::new();
    for _ in 0..8 {
        let mut connection = client.get_multiplexed_async_connection().await.unwrap();
        tasks.push(tokio::spawn(async move {
            let mut numbers = Vec::new();
            for _ in 0..100 {
                // What deadpool-redis sends before it hands out a connection.
                let pipeline = redis::pipe()
                    .cmd("UNWATCH")
                    .ignore()
                    .cmd("PING")
                    .arg("1")
                    .to_owned();
                assert_eq!(
                    pipeline
                        .query_async::<(String,)>(&mut connection)
                        .await
                        .unwrap()
                        .0,
                    "1"
                );
                numbers.push(connection.incr::<_, _, u64>("visits", 1).await.unwrap());
            }
            numbers
        }));
    }
    let mut numbers = Vec::new();
    for task in tasks {
        numbers.extend(task.await.unwrap());
    }
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=800).collect::<Vec<u64>>());
}

#[test]
fn redis_cli_works_with_either_protocol() {
    let port = common::serve_embedded().to_string();
    for protocol in ["-2", "-3"] {
        let child = Command::new("redis-cli")
            .args([protocol, "-p", &port])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn();
        let Ok(mut child) = child else {
            return common::skipped("redis-cli");
        };
        let script =
            b"PING\nSET visits 41\nINCR visits\nGET nothing\nINFO server\nDEL visits\nNONSENSE a\n";
        child.stdin.take().unwrap().write_all(script).unwrap();
        let output = child.wait_with_output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.starts_with("PONG\nOK\n42\n\n"), "{protocol}: {text}");
        assert!(text.contains("redis_mode:standalone"), "{protocol}: {text}");
        assert!(
            text.contains("\n1\nERR unknown command 'NONSENSE'; the embedded Redis has only "),
            "{protocol}: {text}"
        );
    }
}

#[test]
fn one_client_too_many_is_turned_away_and_let_in_when_another_has_gone() {
    let port = common::serve_embedded();
    // Each is answered before the next one connects: the listen backlog is short.
    let mut clients: Vec<TcpStream> = (0..CONNECTIONS_MAX)
        .map(|_| {
            let mut client = connect(port);
            ping(&mut client);
            client
        })
        .collect();
    let mut answer = String::new();
    connect(port).read_to_string(&mut answer).unwrap();
    assert_eq!(answer, "-ERR max number of clients reached\r\n");

    drop(clients.pop());
    // The place is free when the server has seen that the client went.
    let url = format!("redis://127.0.0.1:{port}");
    let is_let_in = (0..6000).any(|_| {
        std::thread::sleep(Duration::from_millis(10));
        RedisClient::connect_url(&url, LONG).is_ok()
    });
    assert!(is_let_in, "the place of the client that left stayed taken");
}

#[test]
fn an_oversized_request_is_refused_before_it_is_sent_and_the_answer_arrives() {
    let port = common::serve_embedded();
    for request in ["*2\r\n$4\r\nECHO\r\n$100000000\r\n", "*100000\r\n"] {
        let mut client = connect(port);
        // What is sent after the mistake must not destroy the answer to it.
        client.write_all(request.as_bytes()).unwrap();
        client.write_all(&vec![b'x'; 200_000]).unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).unwrap();
        assert!(
            answer.starts_with("-ERR Protocol error: invalid "),
            "{request:?}: {answer:?}"
        );
        assert_eq!(
            answer.matches("\r\n").count(),
            1,
            "{request:?}: more than one answer: {answer:?}"
        );
    }
    assert_serves(port);
}

#[test]
fn a_string_that_does_not_end_in_crlf_is_refused() {
    let port = common::serve_embedded();
    let mut client = connect(port);
    client.write_all(b"*1\r\n$4\r\nPINGxxINCR a\r\n").unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).unwrap();
    assert_eq!(
        answer,
        "-ERR Protocol error: expected CRLF after a bulk string\r\n"
    );
}

#[test]
fn clients_that_stop_in_the_middle_of_a_request_disturb_nobody() {
    let port = common::serve_embedded();
    let _halves: Vec<TcpStream> = (0..100)
        .map(|_| {
            let mut client = connect(port);
            client.write_all(b"*2\r\n$4\r\nINCR\r\n$10\r\nvis").unwrap();
            client
        })
        .collect();
    assert_serves(port);
}

/// Goal: clients whose requests are large or without an end do not fill the memory.
/// Method: as many of them as are let in send the same half of a request of 1 MiB, in large arguments or
/// in small ones; and then the server is asked for its peak.
#[cfg(target_os = "linux")]
#[test]
fn large_and_half_requests_take_little_memory() {
    const MEMORY_MAX_KIB: u64 = 192 * 1024;
    let large = format!("$65000\r\n{}\r\n", "x".repeat(65_000)).repeat(16);
    let small = "$1\r\nx\r\n".repeat(15_999);
    for (what, request) in [
        ("large arguments", format!("*99\r\n{large}")),
        ("small arguments", format!("*16000\r\n{small}")),
    ] {
        let server = RedisServer::start(&common::embedded_program(), Durability::None).unwrap();
        let send = |_| {
            let mut client = connect(server.port());
            // The server may refuse it, and close, before it has read all.
            let _ = client.write_all(request.as_bytes());
            client
        };
        let clients: Vec<TcpStream> = (0..CONNECTIONS_MAX - 10).map(send).collect();
        let status = format!("/proc/{}/status", server.id().unwrap());
        let status = std::fs::read_to_string(status).unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let peak = peak.unwrap().trim_end_matches("kB").trim();
        let count = clients.len();
        assert!(
            peak.parse::<u64>().unwrap() <= MEMORY_MAX_KIB,
            "{what}, {count} times, took {peak} KiB, more than {MEMORY_MAX_KIB}"
        );
        assert_serves(server.port());
    }
}

/// Whether the server closes the connection within twice the time that it gives. Meanwhile the client
/// sends another byte now and then: that must not begin the time anew.
fn is_closed(mut client: TcpStream, drip: &[u8]) -> bool {
    let started = Instant::now();
    let pause = QUIET_TIMEOUT / 20;
    client.set_read_timeout(Some(pause)).unwrap();
    let mut drip = drip.iter().cycle();
    while started.elapsed() < 2 * QUIET_TIMEOUT {
        let has_left = match client.read(&mut [0; 64]) {
            Ok(count) => count == 0,
            Err(error) => !matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
        };
        if has_left {
            return true;
        }
        if let Some(&byte) = drip.next() {
            let _ = client.write_all(&[byte]);
        }
    }
    false
}

#[test]
fn who_says_nothing_or_does_not_finish_is_closed() {
    let port = common::serve_embedded();
    let clients: [(&str, &[u8], &[u8]); 4] = [
        ("never a word", b"", b""),
        (
            "half a request",
            b"*1\r\n$4\r\nPING\r\n*2\r\n$4\r\nINCR\r\n$100\r\n",
            b"",
        ),
        ("a byte now and then", b"*2\r\n$4\r\nINCR\r\n$100\r\n", b"x"),
        ("half of the first request", b"*2\r\n$4\r\nIN", b""),
    ];
    let waiting = clients.map(|(what, first, drip)| {
        let mut client = connect(port);
        client.write_all(first).unwrap();
        thread::spawn(move || (what, is_closed(client, drip)))
    });
    for waiting in waiting {
        let (what, is_closed) = waiting.join().unwrap();
        assert!(is_closed, "{what}: the connection stays");
    }
}

#[test]
fn the_store_is_limited_and_what_is_removed_makes_room() {
    let url = format!("redis://127.0.0.1:{}", common::serve_embedded());
    let mut client = RedisClient::connect_url(&url, LONG).unwrap();
    let value = "x".repeat(REQUEST_BYTES_MAX - 1000);
    let fill = |client: &mut RedisClient| {
        (0..)
            .map(|number| client.command(&["SET", &format!("key {number}"), &value]))
            .find_map(Result::err)
            .unwrap()
            .to_string()
    };
    let is_full =
        "Redis answered SET with: OOM command not allowed when used memory > 'maxmemory'.";
    assert_eq!(fill(&mut client), is_full);
    // A value can be replaced by one of its size or less, and so makes room, and so does a removed one.
    client.command(&["SET", "key 0", &value]).unwrap();
    client.command(&["SET", "key 1", ""]).unwrap();
    client.command(&["SET", "one more", &value]).unwrap();
    client.command(&["SET", "too many", &value]).unwrap_err();
    client.command(&["DEL", "key 2"]).unwrap();
    client.command(&["SET", "too many", &value]).unwrap();
    client.command(&["FLUSHALL"]).unwrap();
    assert_eq!(fill(&mut client), is_full);
    let most = (STORE_BYTES_MAX / REQUEST_BYTES_MAX - 1).to_string();
    let exists = client.command(&["EXISTS", &format!("key {most}")]).unwrap();
    assert_eq!(exists.as_integer(), Some(1), "key {most}");
}

/// A pool keeps connections for hours, and one that was lost may be lost for ever: see step 2.
#[test]
fn who_was_served_may_be_silent_while_there_is_room() {
    let port = common::serve_embedded();
    let mut client = connect(port);
    ping(&mut client);
    thread::sleep(QUIET_TIMEOUT + Duration::from_secs(1));
    // And then not all at once: the time for this request begins with it.
    client.write_all(&PING[..6]).unwrap();
    thread::sleep(Duration::from_millis(100));
    client.write_all(&PING[6..]).unwrap();
    let mut answer = [0; 7];
    client.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"+PONG\r\n");
}

#[test]
fn silent_clients_do_not_keep_all_places() {
    let port = common::serve_embedded();
    let _silent: Vec<TcpStream> = (0..CONNECTIONS_MAX)
        .map(|_| {
            let mut client = connect(port);
            ping(&mut client);
            client
        })
        .collect();
    let url = format!("redis://127.0.0.1:{port}");
    let deadline = Instant::now() + 2 * QUIET_TIMEOUT;
    while RedisClient::connect_url(&url, LONG).is_err() {
        assert!(Instant::now() < deadline, "silent clients keep all places");
        thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn a_library_may_tell_its_name() {
    let port = common::serve_embedded();
    let mut client = RedisClient::connect_url(&format!("redis://127.0.0.1:{port}"), LONG).unwrap();
    assert_eq!(
        client
            .command(&["CLIENT", "SETINFO", "LIB-NAME", "lab"])
            .unwrap()
            .as_text(),
        Some("OK")
    );
    let answer = client.command(&["CLIENT", "SETNAME", "lab"]).unwrap();
    assert_eq!(answer.as_text(), Some("OK"));
}

/// A web page may make a browser send a form to any port of this machine, with commands in its body.
#[test]
fn a_browser_is_refused() {
    let port = common::serve_embedded();
    let mut browser = connect(port);
    let form = [b"POST / HTTP/1.1\r\nHost: x\r\n\r\n", PING].concat();
    browser.write_all(&form).unwrap();
    let mut answer = String::new();
    browser.read_to_string(&mut answer).unwrap();
    assert_eq!(answer, "-ERR Protocol error: expected '*', got 'P'\r\n");
}
