//! A visitor that notices everything: no library in between retries or reuses a connection.

use std::{
    io::{self, Read, Write},
    net::{Ipv4Addr, TcpStream},
    time::Duration,
};

/// How long an answer may take.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Opens the page and returns the number on it.
pub fn visit(port: u16) -> u64 {
    let answer = request(port).and_then(answer);
    let answer = answer.unwrap_or_else(|error| panic!("no answer on port {port}: {error}"));
    number(&answer).unwrap_or_else(|| panic!("there is no number in this answer:\n{answer}"))
}

/// Asks for the page and does not wait for the answer.
pub fn request(port: u16) -> io::Result<TcpStream> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    Ok(stream)
}

/// Waits for the whole answer.
pub fn answer(mut stream: TcpStream) -> io::Result<String> {
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

/// The number in an answer, if it is the page.
pub fn number(answer: &str) -> Option<u64> {
    let rest = answer.strip_prefix("HTTP/1.1 200 ")?;
    let (_, rest) = rest.split_once("\r\n\r\nHello World! I have been seen ")?;
    rest.strip_suffix(" times.\n")?.parse().ok()
}
