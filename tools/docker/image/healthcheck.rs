//! Asks a server over HTTP whether it is well.

use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream},
    process::ExitCode,
    time::Duration,
};

/// How long the server may take to accept the connection, and to answer.
const TIMEOUT: Duration = Duration::from_secs(1);

/// What is asked: the page that says whether the server and its Redis are well, and does not count.
const REQUEST: &str = "GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

/// The start of every answer, as in RFC 9112, section 4: the version, a space, three digits.
const STATUS_LINE: &str = "HTTP/1.1 200";

/// Asks the server at `address` and prints what it found. Docker keeps the line: see it with
/// `docker inspect`. The exit status is 0 for healthy and 1 for unhealthy, as Docker wants it.
pub fn run(address: &str) -> ExitCode {
    match check(address) {
        Ok(finding) => {
            println!("healthy: {finding}");
            ExitCode::SUCCESS
        }
        Err(finding) => {
            println!("unhealthy: {finding}");
            ExitCode::FAILURE
        }
    }
}

/// Asks the server at `address`, such as `127.0.0.1:5000`, and says what it found.
///
/// A server that does not know `/readyz` is well, too: the early steps do not know it, and whoever
/// can say `404` serves.
///
/// # Errors
///
/// When the server is not well: nobody listens, the answer does not come or is no HTTP, or it is
/// another status than 200 and 404.
pub fn check(address: &str) -> Result<String, String> {
    let server: SocketAddr = address
        .parse()
        .map_err(|_| format!("{address:?} is no address such as 127.0.0.1:5000"))?;
    match status(server) {
        Ok(status) if status == "200" => Ok(format!("{address} is ready")),
        Ok(status) if status == "404" => Ok(format!("{address} serves, but has no /readyz")),
        Ok(status) => Err(format!("{address} answers /readyz with {status:?}")),
        Err(error) => Err(format!("{address} does not answer: {error}")),
    }
}

/// The status that the server gives, as it stands there.
fn status(server: SocketAddr) -> io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&server, TIMEOUT)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.write_all(REQUEST.as_bytes())?;
    let mut line = [0; STATUS_LINE.len()];
    stream.read_exact(&mut line)?;
    let line = String::from_utf8_lossy(&line);
    let status = line
        .strip_prefix("HTTP/1.")
        .and_then(|rest| rest.split_once(' '));
    Ok(status.map_or(&*line, |(_, status)| status).to_owned())
}
