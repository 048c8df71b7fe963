//! What the client makes of answers, good and bad.

use std::{
    io::{self, Read, Write},
    net::TcpListener,
    thread,
    time::Duration,
};

use load::{Connection, Response};

/// What the client makes of an answer that arrives in these pieces.
fn answer(method: &'static str, pieces: &'static [&'static str]) -> io::Result<Response> {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read(&mut [0; 1024]).unwrap();
        for piece in pieces {
            stream.write_all(piece.as_bytes()).unwrap();
            thread::sleep(Duration::from_millis(10));
        }
    });
    Connection::open(addr).unwrap().ask(method, "/")
}

#[test]
fn an_answer_may_arrive_in_pieces_and_in_chunks() {
    let whole = answer(
        "GET",
        &["HTTP/1.1 200 OK\r\ncontent-le", "ngth: 5\r\n\r\nhe", "llo"],
    )
    .unwrap();
    assert_eq!((whole.status, whole.text().as_str()), (200, "hello"));
    const CHUNKS: &str = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nhel\r\n";
    assert_eq!(
        answer("GET", &[CHUNKS, "2\r\nl", "o\r\n0\r\n\r\n"])
            .unwrap()
            .text(),
        "hello"
    );
    assert_eq!(
        answer("GET", &["HTTP/1.0 200 OK\r\n\r\n", "hello"])
            .unwrap()
            .text(),
        "hello"
    );
    assert_eq!(
        answer("HEAD", &["HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n"])
            .unwrap()
            .text(),
        ""
    );
}

#[test]
fn a_bad_answer_is_an_error_that_says_what_is_bad() {
    for (pieces, reason) in [
        (
            &["HTTP/1.1 200 OK\r\ncontent length: 5\r\n\r\nhello"][..],
            "malformed",
        ),
        (
            &["HTTP/1.1 200 OK\r\ncontent-length: five\r\n\r\nhello"],
            "content-length: five",
        ),
        (
            &["HTTP/1.1 200 OK\r\ncontent-length: 99999999\r\n\r\n"],
            "a body of 99999999 bytes",
        ),
        (
            &["HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nhello"],
            "closed in the middle",
        ),
        (
            &["HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nz\r\n"],
            "the size of a chunk",
        ),
        (
            &["HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nabc"],
            "without an end",
        ),
        (
            &["HTTP/1.1 200 OK\r\ncontent-length: +5\r\n\r\nhello"],
            "content-length: +5",
        ),
        (
            &["HTTP/1.1 200 OK\r\ncontent-length: 5\r\nContent-Length: 5\r\n\r\nhello"],
            "more than once",
        ),
        (
            &[
                "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ncontent-length: 3\r\n\r\n0\r\n\r\n",
            ],
            "transfer-encoding and content-length",
        ),
        (
            &["HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\nhello"],
            "transfer-encoding: gzip",
        ),
        (
            &["HTTP/1.1 200 OK\ncontent-length: 5\r\n\r\nhello"],
            "without a carriage return",
        ),
        (
            &["HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\nhello"],
            "without a carriage return",
        ),
        (
            &["HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello!!!"],
            "3 bytes follow",
        ),
        (&["nonsense\r\n\r\n"], "malformed"),
        (&[], "closed without an answer"),
    ] {
        let error = answer("GET", pieces).unwrap_err().to_string();
        assert!(error.contains(reason), "{pieces:?}: {error}");
    }
}

#[test]
fn an_answer_to_head_has_no_body() {
    let error = answer(
        "HEAD",
        &["HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello"],
    );
    let error = error.unwrap_err().to_string();
    assert!(error.contains("5 bytes follow"), "{error}");
}

#[test]
fn a_connection_is_closed_when_the_server_closes_it_and_not_before() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut connection = Connection::open(listener.local_addr().unwrap()).unwrap();
    let (mut stream, _) = listener.accept().unwrap();
    stream.write_all(b"a last word").unwrap();
    assert!(!connection.is_closed().unwrap());
    drop(stream);
    while !connection.is_closed().unwrap() {
        thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn the_number_on_the_page_is_read_to_the_letter() {
    let page = |status, text: &str| {
        let body = text.as_bytes().to_vec();
        Response {
            status,
            body,
            ..Response::default()
        }
        .seen()
    };
    assert_eq!(
        page(200, "Hello World! I have been seen 12 times.\n"),
        Some(12)
    );
    assert_eq!(page(500, "Hello World! I have been seen 12 times.\n"), None);
    for text in [
        "Hello World! I have been seen 12 times.",
        "Hello World! I have been seen +12 times.\n",
        "12",
    ] {
        assert_eq!(page(200, text), None, "{text}");
    }
}

#[test]
fn what_is_no_http_is_found_out_before_it_ends() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut connection = Connection::open(listener.local_addr().unwrap()).unwrap();
    let (mut stream, _) = listener.accept().unwrap();
    stream.write_all(b"SSH-2.0-OpenSSH_9.9\r\n").unwrap();
    let error = connection.ask("GET", "/").unwrap_err().to_string();
    assert!(error.contains("malformed"), "{error}");
}
