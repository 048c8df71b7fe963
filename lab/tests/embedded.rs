//! The embedded server serves the clients that people have, and falls over for nobody.

mod common;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::Duration;

use lab::embedded::CONNECTIONS_MAX;
use lab::redis::RedisClient;
use redis::AsyncCommands;

/// Longer than any answer takes, on however busy a machine.
const LONG: Duration = Duration::from_secs(60);

fn connect(port: u16) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(LONG)).unwrap();
    stream
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
        let script = b"PING\nSET visits 41\nINCR visits\nGET nothing\nCOMMAND DOCS\nINFO server\nDEL visits\nNONSENSE a\n";
        child.stdin.take().unwrap().write_all(script).unwrap();
        let output = child.wait_with_output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.starts_with("PONG\nOK\n42\n\n"), "{protocol}: {text}");
        assert!(text.contains("redis_mode:standalone"), "{protocol}: {text}");
        assert!(
            text.contains("\n1\nERR unknown command 'NONSENSE', with args beginning with: 'a' \n"),
            "{protocol}: {text}"
        );
    }
}

#[test]
fn one_client_too_many_is_turned_away_and_let_in_when_another_has_gone() {
    let port = common::serve_embedded();
    // Each is answered before the next one knocks: the queue in front of the door is short.
    let mut clients: Vec<TcpStream> = (0..CONNECTIONS_MAX)
        .map(|_| {
            let mut client = connect(port);
            client.write_all(b"PING\r\n").unwrap();
            let mut answer = [0; 7];
            client.read_exact(&mut answer).unwrap();
            assert_eq!(&answer, b"+PONG\r\n");
            client
        })
        .collect();
    let mut answer = String::new();
    connect(port).read_to_string(&mut answer).unwrap();
    assert_eq!(answer, "-ERR max number of clients reached\r\n");

    let mut leaving = clients.pop().unwrap();
    leaving.write_all(b"QUIT\r\n").unwrap();
    leaving.read_to_string(&mut String::new()).unwrap();
    drop(leaving);
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
    let error = client
        .command(&["CLIENT", "SETINFO", "COLOUR", "red"])
        .unwrap_err()
        .to_string();
    assert_eq!(
        error,
        "Redis answered CLIENT with: ERR Unrecognized option 'COLOUR'"
    );
    client.command(&["CLIENT", "SETNAME", "lab"]).unwrap();
    let info = client.command(&["CLIENT", "INFO"]).unwrap();
    assert!(info.as_text().unwrap().contains(" name=lab "), "{info:?}");
}
