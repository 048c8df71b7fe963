//! The health check, as Docker runs it, against servers of every kind.

use std::{
    io::{Read, Write},
    net::TcpListener,
    process::Command,
    thread::{self, JoinHandle},
};

/// Runs the health check and returns its exit status and what it printed.
fn healthcheck(arguments: &[&str]) -> (Option<i32>, String) {
    let program = env!("CARGO_BIN_EXE_healthcheck");
    let output = Command::new(program).args(arguments).output().unwrap();
    let printed = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(printed).unwrap())
}

/// A server for one client, which gives this answer and returns the request.
fn server(answer: &'static str) -> (String, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let server = thread::spawn(move || {
        let (mut client, _) = listener.accept().unwrap();
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            client.read_exact(&mut byte).unwrap();
            request.push(byte[0]);
        }
        client.write_all(answer.as_bytes()).unwrap();
        // The client closes when it has read enough, or has waited long enough.
        let _ = client.read_to_end(&mut Vec::new());
        String::from_utf8(request).unwrap()
    });
    (address, server)
}

/// What the health check finds at a server that gives this answer.
fn found(answer: &'static str) -> (Option<i32>, String) {
    let (address, _server) = server(answer);
    let (status, printed) = healthcheck(&[&address]);
    (status, printed.replace(&address, "ADDRESS"))
}

fn healthy(finding: &str) -> (Option<i32>, String) {
    (Some(0), format!("healthy: {finding}\n"))
}

fn unhealthy(finding: &str) -> (Option<i32>, String) {
    (Some(1), format!("unhealthy: {finding}\n"))
}

#[test]
fn a_server_that_is_ready_is_healthy() {
    let expected = healthy("ADDRESS is ready");
    assert_eq!(found("HTTP/1.1 200 OK\r\n\r\n"), expected);
    assert_eq!(found("HTTP/1.0 200 OK\r\n\r\n"), expected);
}

#[test]
fn a_server_without_readyz_is_healthy() {
    let expected = healthy("ADDRESS serves, but has no /readyz");
    assert_eq!(found("HTTP/1.1 404 Not Found\r\n\r\n"), expected);
}

#[test]
fn a_server_that_answers_otherwise_is_unhealthy() {
    let with = |status: &str| unhealthy(&format!("ADDRESS answers /readyz with {status:?}"));
    assert_eq!(
        found("HTTP/1.1 503 Service Unavailable\r\n\r\n"),
        with("503")
    );
    assert_eq!(
        found("HTTP/1.1 500 Internal Server Error\r\n\r\n"),
        with("500")
    );
    assert_eq!(found("HTTP/1.1 301 Moved Permanently\r\n\r\n"), with("301"));
    assert_eq!(
        found("-ERR unknown command 'GET'\r\n"),
        with("-ERR unknown")
    );
}

#[test]
fn a_server_that_does_not_answer_is_unhealthy() {
    let (status, printed) = found("");
    assert_eq!(status, Some(1));
    let expected = "unhealthy: ADDRESS does not answer: ";
    assert!(printed.starts_with(expected), "{printed}");

    // Its listener is closed at the end of this line, so nobody listens there.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr();
    let address = address.unwrap().to_string();
    let (status, printed) = healthcheck(&[&address]);
    assert_eq!(status, Some(1));
    let expected = format!("unhealthy: {address} does not answer: ");
    assert!(printed.starts_with(&expected), "{printed}");
}

#[test]
fn a_wrong_use_is_answered_with_the_right_one() {
    let expected = unhealthy(r#""nonsense" is not an address such as 127.0.0.1:5000"#);
    assert_eq!(healthcheck(&["nonsense"]), expected);
    for arguments in [&[][..], &["127.0.0.1:5000", "127.0.0.1:5001"]] {
        let (status, printed) = healthcheck(arguments);
        assert_eq!(status, Some(2));
        assert!(
            printed.starts_with("usage: healthcheck ADDRESS"),
            "{printed}"
        );
    }
}

#[test]
fn a_check_is_no_visit() {
    let (address, server) = server("HTTP/1.1 200 OK\r\n\r\n");
    assert_eq!(healthcheck(&[&address]).0, Some(0));
    let request = server.join().unwrap();
    assert!(request.starts_with("GET /readyz HTTP/1.1\r\n"), "{request}");
}
