//! The health check against servers of every kind.

use std::{
    io::{Read, Write},
    net::TcpListener,
    thread::{self, JoinHandle},
};

use docker::healthcheck::check;

/// A server for one visitor, which gives this answer and returns the request.
fn server(answer: &'static str) -> (String, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let server = thread::spawn(move || {
        let (mut visitor, _) = listener.accept().unwrap();
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            visitor.read_exact(&mut byte).unwrap();
            request.push(byte[0]);
        }
        visitor.write_all(answer.as_bytes()).unwrap();
        // The visitor closes when it has read enough, or has lost patience.
        let _ = visitor.read_to_end(&mut Vec::new());
        String::from_utf8(request).unwrap()
    });
    (address, server)
}

fn found(answer: &'static str) -> Result<String, String> {
    let (address, _server) = server(answer);
    let shown = |text: String| text.replace(&address, "ADDRESS");
    check(&address).map(shown).map_err(shown)
}

#[test]
fn who_is_ready_is_healthy() {
    assert_eq!(
        found("HTTP/1.1 200 OK\r\n\r\n"),
        Ok("ADDRESS is ready".into())
    );
    assert_eq!(
        found("HTTP/1.0 200 OK\r\n\r\n"),
        Ok("ADDRESS is ready".into())
    );
}

#[test]
fn who_serves_but_knows_no_readyz_is_healthy() {
    let expected = "ADDRESS serves, but has no /readyz";
    assert_eq!(found("HTTP/1.1 404 Not Found\r\n\r\n"), Ok(expected.into()));
}

#[test]
fn whoever_answers_otherwise_is_not_healthy() {
    let not_ready = found("HTTP/1.1 503 Service Unavailable\r\n\r\n");
    assert_eq!(
        not_ready,
        Err(r#"ADDRESS answers /readyz with "503""#.into())
    );
    assert!(found("HTTP/1.1 500 Internal Server Error\r\n\r\n").is_err());
    assert!(found("HTTP/1.1 301 Moved Permanently\r\n\r\n").is_err());
    let other = found("-ERR unknown command 'GET'\r\n");
    assert_eq!(
        other,
        Err(r#"ADDRESS answers /readyz with "-ERR unknown""#.into())
    );
}

#[test]
fn whoever_does_not_answer_is_not_healthy() {
    let silent = found("").unwrap_err();
    assert!(silent.starts_with("ADDRESS does not answer: "), "{silent}");
    let nobody = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .to_string();
    let error = check(&nobody).unwrap_err();
    assert!(
        error.starts_with(&format!("{nobody} does not answer: ")),
        "{error}"
    );
    assert_eq!(
        check("nonsense").unwrap_err(),
        r#""nonsense" is no address such as 127.0.0.1:5000"#
    );
}

#[test]
fn a_check_is_no_visit() {
    let (address, server) = server("HTTP/1.1 200 OK\r\n\r\n");
    check(&address).unwrap();
    let request = server.join().unwrap();
    assert!(request.starts_with("GET /readyz HTTP/1.1\r\n"), "{request}");
}
