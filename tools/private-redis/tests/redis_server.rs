//! A private Redis does what it is told: the tests of everything else rely on that.

mod common;

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use private_redis::{Durability, RedisClient, RedisServer};

fn get(client: &mut RedisClient, key: &str) -> String {
    client
        .command(&["GET", key])
        .unwrap()
        .as_text()
        .expect("the key has a value")
        .to_owned()
}

fn assert_unreachable(server: &RedisServer) {
    let error = server.client().expect_err("nothing listens there any more");
    assert!(
        error.to_string().starts_with("no Redis can be reached at "),
        "{error}"
    );
}

#[test]
fn what_was_counted_survives_sigkill_with_an_append_only_file() {
    let Some(program) = common::real_program() else {
        return;
    };
    let mut server = RedisServer::start(&program, Durability::AppendOnly).unwrap();
    let port = server.port();
    for expected in 1..=3 {
        let mut client = server.client().unwrap();
        assert_eq!(
            client.command(&["INCR", "visits"]).unwrap().as_integer(),
            Some(expected)
        );
        server.kill().unwrap();
        assert_unreachable(&server);
        assert_eq!(server.id(), None);
        server.start_again().unwrap();
        assert_eq!(server.port(), port);
    }
    assert_eq!(get(&mut server.client().unwrap(), "visits"), "3");
}

#[test]
fn what_was_counted_is_gone_without_durability() {
    for program in common::programs() {
        let mut server = RedisServer::start(&program, Durability::None).unwrap();
        server
            .client()
            .unwrap()
            .command(&["INCR", "visits"])
            .unwrap();
        server.stop().unwrap();
        assert_unreachable(&server);
        server
            .stop()
            .expect("a server that does not run is as stopped as can be");
        server.start_again().unwrap();
        let exists = server
            .client()
            .unwrap()
            .command(&["EXISTS", "visits"])
            .unwrap();
        assert_eq!(exists.as_integer(), Some(0), "{program}");
    }
}

#[test]
fn a_frozen_server_takes_connections_and_answers_when_it_is_thawed() {
    for program in common::programs() {
        let mut server = RedisServer::start(&program, Durability::None).unwrap();
        let mut before = server.client().unwrap();
        server.freeze().unwrap();
        let error = RedisClient::connect_url(&server.url(), Duration::from_millis(200));
        let error = error.expect_err("it is frozen").to_string();
        assert!(
            error.contains("did not answer within 200ms"),
            "{program}: {error}"
        );
        server.thaw().unwrap();
        assert_eq!(before.command(&["PING"]).unwrap().as_text(), Some("PONG"));
        server.stop().unwrap();
        assert!(
            server
                .freeze()
                .unwrap_err()
                .to_string()
                .contains("does not run")
        );
    }
}

#[test]
fn a_reserved_server_is_not_there_until_it_is_started() {
    for program in common::programs() {
        let mut server = RedisServer::reserve(&program, Durability::None).unwrap();
        assert_unreachable(&server);
        server.start_again().unwrap();
        server.client().unwrap();
    }
}

#[test]
fn another_redis_on_the_port_is_not_taken_for_our_server() {
    let other = common::serve_embedded();
    for program in common::programs() {
        let mut server = RedisServer::reserve(&program, Durability::None).unwrap();
        let listener = TcpListener::bind(("127.0.0.1", server.port())).unwrap();
        // Whoever connects to our port is answered by another Redis.
        std::thread::spawn(move || forward(&listener, other));
        let error = server.start_again().unwrap_err();
        let message = error.to_string();
        let expected = format!(") and does not serve 127.0.0.1:{}", server.port());
        assert!(message.contains(&expected), "{message}");
        assert!(
            message.to_lowercase().contains("address already in use"),
            "{message}"
        );
    }
}

fn forward(listener: &TcpListener, port: u16) {
    for client in listener.incoming() {
        let mut client = client.unwrap();
        let mut server = TcpStream::connect(("127.0.0.1", port)).unwrap();
        let (mut client_reads, mut server_reads) =
            (client.try_clone().unwrap(), server.try_clone().unwrap());
        std::thread::spawn(move || std::io::copy(&mut client, &mut server));
        std::thread::spawn(move || std::io::copy(&mut server_reads, &mut client_reads));
    }
}

#[test]
fn nothing_is_left_when_a_server_is_dropped() {
    for program in common::programs() {
        let server = RedisServer::start(&program, Durability::AppendOnly).unwrap();
        let (port, folder) = (server.port(), server.folder().path().to_owned());
        assert!(folder.is_dir());
        drop(server);
        assert!(
            TcpStream::connect(("127.0.0.1", port)).is_err(),
            "{program} still listens on {port}"
        );
        assert!(!folder.exists(), "{} is still there", folder.display());
    }
}

#[test]
fn a_real_server_tells_its_version() {
    let Some(program) = common::real_program() else {
        return;
    };
    let version = program.version().expect("it answers --version");
    assert!(
        version.starts_with(|first: char| first.is_ascii_digit()),
        "{version:?}"
    );
    assert_eq!(common::embedded_program().version(), None);
}

/// The commands between two looks of Redis at its sockets share one wait for the disk; here there is one.
#[test]
fn a_slow_disk_delays_what_is_answered_after_it_was_written() {
    let Some(program) = common::real_program() else {
        return;
    };
    if !program.can_slow_disk() {
        return eprintln!("skipped: strace may not trace a program here");
    }
    let delay = Duration::from_millis(100);
    let mut server = RedisServer::reserve(&program, Durability::AppendOnly).unwrap();
    server.slow_disk(delay);
    server.start_again().unwrap();
    let mut client = server.client().unwrap();
    let started = Instant::now();
    client.command(&["INCR", "seen"]).unwrap();
    assert!(started.elapsed() >= delay, "{:?}", started.elapsed());
    // It stops for strace where a filter says so, and nowhere else.
    let id = server.id().unwrap().to_string();
    let filters = [id.as_str(), "self"].map(filters_of);
    assert!(
        filters[0] > filters[1] || filters[1].is_none(),
        "{filters:?}"
    );
    server.kill().unwrap();
    server.start_again().unwrap();
    let count = server.client().unwrap().command(&["GET", "seen"]).unwrap();
    assert_eq!(count.as_text(), Some("1"));
}

/// How many filters a process has on its system calls. Linux says so since 5.9.
fn filters_of(process: &str) -> Option<u32> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let mut lines = status.lines();
    let filters = lines.find_map(|line| line.strip_prefix("Seccomp_filters:"));
    filters.and_then(|filters| filters.trim().parse().ok())
}
