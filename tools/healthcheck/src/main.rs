//! Asks a server over HTTP whether it is ready: the health check in the image.
//!
//!     healthcheck 127.0.0.1:5000
//!
//! The image is built from `scratch`. It has no shell and no `curl` for Docker to ask with, so it
//! brings this program along. It prints one line, which Docker keeps (see it with
//! `docker inspect`), and ends with status 0 for healthy and 1 for unhealthy, as Docker wants it.

use std::{
    env,
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream},
    process::ExitCode,
    time::Duration,
};

/// How long the server may take to accept the connection, and to answer.
const TIMEOUT: Duration = Duration::from_secs(1);

/// What is asked: the path that says whether the server and its Redis are ready, and does not count.
const REQUEST: &str = "GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

/// The start of every response, as in RFC 9112, section 4: the version, a space, three digits.
const STATUS_LINE: &str = "HTTP/1.1 200";

fn main() -> ExitCode {
    let mut arguments = env::args().skip(1);
    let (Some(address), None) = (arguments.next(), arguments.next()) else {
        eprintln!("usage: healthcheck ADDRESS, such as 127.0.0.1:5000");
        return ExitCode::from(2);
    };
    match check(&address) {
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
/// A server without `/readyz` is healthy, too: the early steps have none, and a server
/// that says `404` serves.
///
/// # Errors
///
/// When the server is not healthy: it cannot be connected to, its response does not come or is not
/// HTTP, or the status is another than 200 and 404.
fn check(address: &str) -> Result<String, String> {
    let server: SocketAddr = address
        .parse()
        .map_err(|_| format!("{address:?} is not an address such as 127.0.0.1:5000"))?;
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
