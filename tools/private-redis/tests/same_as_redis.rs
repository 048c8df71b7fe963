//! The embedded server answers as Redis does, byte for byte.
//!
//! Every conversation is held with both, over a plain socket, and each begins with an empty store.

mod common;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use private_redis::resp::write_request;
use private_redis::{Durability, RedisServer};

/// Ends each conversation: when its answer is there, all others are.
const END: &str = "*2\r\n$4\r\nECHO\r\n$7\r\nthe-end\r\n";
const END_ANSWER: &[u8] = b"$7\r\nthe-end\r\n";

/// Longer than any answer takes, on however busy a machine.
const LONG: Duration = Duration::from_secs(60);

/// One conversation on a new connection, each piece a packet of its own.
fn talk(port: u16, pieces: &[&[u8]]) -> Vec<u8> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_nodelay(true).unwrap();
    stream.set_read_timeout(Some(LONG)).unwrap();
    for piece in pieces {
        stream.write_all(piece).unwrap();
        thread::sleep(Duration::from_millis(if pieces.len() > 1 { 2 } else { 0 }));
    }
    let mut answer = Vec::new();
    let mut bytes = [0; 4096];
    while !answer.ends_with(END_ANSWER) {
        match stream.read(&mut bytes) {
            Ok(0) => {
                answer.extend_from_slice(b"<closed>");
                break;
            }
            Ok(count) => answer.extend_from_slice(&bytes[..count]),
            Err(error) => panic!(
                "no end after {:?}: {error}",
                answer.escape_ascii().to_string()
            ),
        }
    }
    without_identity(&answer)
}

/// Leaves out of an answer to `HELLO` what must differ: name, version, number of the connection.
fn without_identity(answer: &[u8]) -> Vec<u8> {
    let mut left = Vec::new();
    let mut skip = 0;
    for line in answer.split_inclusive(|&byte| byte == b'\n') {
        if skip > 0 {
            skip -= 1;
            continue;
        }
        left.extend_from_slice(line);
        skip = match line {
            b"server\r\n" | b"version\r\n" => 2,
            b"id\r\n" => 1,
            _ => 0,
        };
    }
    left
}

/// Holds a conversation with both servers and compares.
fn compare(servers: &[RedisServer; 2], pieces: &[&[u8]]) {
    let [embedded, real] = servers.each_ref().map(|server| {
        server.client().unwrap().command(&["FLUSHALL"]).unwrap();
        talk(server.port(), pieces)
    });
    assert!(
        embedded == real,
        "the answers differ\n     sent: {}\n embedded: {}\n    redis: {}",
        pieces.concat().escape_ascii(),
        embedded.escape_ascii(),
        real.escape_ascii(),
    );
}

fn servers() -> Option<[RedisServer; 2]> {
    let programs = [common::embedded_program(), common::real_program()?];
    Some(programs.map(|program| RedisServer::start(&program, Durability::None).unwrap()))
}

const CONVERSATIONS: &str = include_str!("conversations.txt");

#[test]
fn commands_are_answered_alike() {
    let Some(servers) = servers() else { return };
    for line in CONVERSATIONS
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
    {
        let mut sent = Vec::new();
        for request in line.split(" ; ") {
            let words: Vec<&str> = request.split(' ').collect();
            write_request(&words, &mut sent);
        }
        compare(&servers, &[&sent, END.as_bytes()]);
    }
}

/// Frames that are malformed, or larger than any server takes, each followed by a command that
/// must not be answered any more; and some that are odd and yet right.
const FRAMES: &[&str] = &[
    "*2\r\n$4\r\nECHO\r\n$0\r\n\r\n",
    "*2\r\n$4\r\nPING\r\n$3\r\n\0\r\n\r\n",
    "*2\r\n$4\r\nECHO\r\n$2\r\n\r\n\r\n",
    "*\r\n",
    "*x\r\n",
    "* 1\r\n",
    "*+1\r\n",
    "*01\r\n",
    "*-0\r\n",
    "*1x\r\n",
    "*1.0\r\n",
    "*2147483648\r\n",
    "*9223372036854775808\r\n",
    "*1\r\nPING\r\n",
    "*1\r\n:3\r\n",
    "*1\r\n\r\n",
    "*1\r\n*1\r\n",
    "*1\r\n$\r\n",
    "*1\r\n$x\r\n",
    "*1\r\n$-1\r\n",
    "*1\r\n$+4\r\n",
    "*1\r\n$04\r\n",
    "*1\r\n$536870913\r\n",
    "*1\r\n$9223372036854775808\r\n",
    "*2\r\n$4\r\nPING\r\n+a\r\n",
];

#[test]
fn odd_and_malformed_frames_are_answered_alike() {
    let Some(servers) = servers() else { return };
    for frame in FRAMES {
        compare(&servers, &[frame.as_bytes(), END.as_bytes()]);
    }
}

#[test]
fn lines_without_an_end_are_refused_alike() {
    let Some(servers) = servers() else { return };
    let x = |count| "x".repeat(count);
    // One byte more than the limit, and nothing after it that could stay unread.
    for line in [format!("*{}", x(65_536)), format!("*1\r\n${}", x(65_536))] {
        compare(&servers, &[line.as_bytes()]);
    }
}

#[test]
fn requests_are_answered_alike_however_they_are_cut() {
    let Some(servers) = servers() else { return };
    let mut pipeline = Vec::new();
    for request in [
        &["SET", "a", "one\r\ntwo"][..],
        &["GET", "a"],
        &["INCR", "b"],
        &["GET", "nothing"],
        &["INCR", "a"],
        &["INCR", "b"],
    ] {
        write_request(request, &mut pipeline);
    }
    pipeline.extend_from_slice(END.as_bytes());
    for size in [1, 2, 3, 7, 30, pipeline.len()] {
        let pieces: Vec<&[u8]> = pipeline.chunks(size).collect();
        compare(&servers, &pieces);
    }
    let mut many = Vec::new();
    for _ in 0..10_000 {
        write_request(&["INCR", "a"], &mut many);
    }
    compare(&servers, &[&many, END.as_bytes()]);
}

/// How often a command was called is what shows how many commands a page costs.
#[test]
fn calls_are_counted_alike() {
    let Some(servers) = servers() else { return };
    let counts = servers.each_ref().map(|server| {
        let mut client = server.client().unwrap();
        client.command(&["CONFIG", "RESETSTAT"]).unwrap();
        for request in [
            &["INCR", "a"][..],
            &["INCR", "a"],
            &["INCRBY", "a", "x"],
            &["GET", "a"],
            &["CLIENT", "SETNAME", "a"],
            &["GET"],
            &["FOO"],
        ] {
            // Those that fail on purpose are among what is counted, or not counted.
            let _ = client.command(request);
        }
        let info = client.command(&["INFO", "commandstats"]).unwrap();
        let info = info.as_text().unwrap().to_owned();
        let mut counts: Vec<String> = info
            .lines()
            .filter(|line| line.starts_with("cmdstat_") && !line.contains(":calls=0,"))
            .map(|line| line.split(',').next().unwrap_or_default().to_owned())
            .collect();
        counts.sort();
        counts
    });
    assert_eq!(counts[0], counts[1]);
    assert!(
        counts[0].contains(&"cmdstat_incr:calls=2".to_owned()),
        "{counts:?}"
    );
}
