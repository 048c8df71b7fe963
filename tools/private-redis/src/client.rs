//! Asks a Redis a question, from blocking code.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use crate::Error;
use crate::resp::{Timed, Value, read_value, write_request};
use crate::url::RedisUrl;

/// How much of an answer that is not RESP an error message quotes.
const QUOTED_BYTES: usize = 40;

/// A connection to a Redis that asks one question at a time.
#[derive(Debug)]
pub struct RedisClient {
    address: String,
    reader: BufReader<Timed>,
    timeout: Duration,
}

impl RedisClient {
    /// Connects to `redis://[user:password@]host[:port][/database]`, gives the password, selects
    /// the database and waits for the answer to a `PING`. `timeout` holds for the connection and
    /// for each answer, here and later.
    ///
    /// # Errors
    ///
    /// When the URL is malformed, nothing answers there, what answers is no Redis, or refuses. No error
    /// shows the password.
    pub fn connect_url(url: &str, timeout: Duration) -> Result<RedisClient, Error> {
        let url = RedisUrl::parse(url).map_err(|why| {
            let expected = "redis://[user:password@]host[:port][/database]";
            Error::Failed(format!("{why}; expected {expected}"))
        })?;
        let stream = connect(&url.address, timeout).map_err(|error| {
            let address = &url.address;
            Error::Failed(format!("no Redis can be reached at {address}: {error}"))
        })?;
        let mut client = RedisClient {
            address: url.address.clone(),
            reader: BufReader::new(Timed::new(stream)),
            timeout,
        };
        match (client.greet(&url), &url.password) {
            (Ok(()), _) => Ok(client),
            (Err(error), Some(password)) => Err(without(password, error)),
            (Err(error), None) => Err(error),
        }
    }

    fn greet(&mut self, url: &RedisUrl) -> Result<(), Error> {
        match (&url.user, &url.password) {
            (Some(user), Some(password)) => drop(self.command(&["AUTH", user, password])?),
            (None, Some(password)) => drop(self.command(&["AUTH", password])?),
            (_, None) => {}
        }
        if url.database != 0 {
            self.command(&["SELECT", &url.database.to_string()])?;
        }
        match self.command(&["PING"])? {
            Value::Simple(pong) if pong == "PONG" => Ok(()),
            other => Err(self.not_redis(format!("{other:?}").as_bytes())),
        }
    }

    /// Sends a command and waits for its answer.
    ///
    /// # Errors
    ///
    /// After [`Error::Refused`] the connection can go on. After any other error, connect anew: an answer
    /// may still be under way.
    pub fn command(&mut self, arguments: &[&str]) -> Result<Value, Error> {
        let message = match self.ask(arguments)? {
            Value::Error(message) => message,
            value => return Ok(value),
        };
        let address = &self.address;
        Err(match message.split(' ').next() {
            Some("NOAUTH") => Error::Failed(format!(
                "the Redis at {address} asks for a password; put it in the URL: redis://:PASSWORD@{address}"
            )),
            Some("WRONGPASS") => Error::Failed(format!(
                "the Redis at {address} does not accept the user and password of the URL"
            )),
            _ => {
                let command = arguments.first().copied().unwrap_or_default().to_owned();
                Error::Refused { command, message }
            }
        })
    }

    fn ask(&mut self, arguments: &[&str]) -> Result<Value, Error> {
        let mut request = Vec::new();
        write_request(arguments, &mut request);
        let connection = self.reader.get_mut();
        connection.limit(self.timeout);
        let sent = connection.stream.write_all(&request);
        sent.map_err(|error| self.lost(&error))?;
        let beginning = match self.reader.fill_buf() {
            Ok(bytes) => bytes[..bytes.len().min(QUOTED_BYTES + 1)].to_vec(),
            Err(error) => return Err(self.lost(&error)),
        };
        read_value(&mut self.reader).map_err(|error| match error.kind() {
            io::ErrorKind::InvalidData => self.not_redis(&beginning),
            _ => self.lost(&error),
        })
    }

    fn lost(&self, error: &io::Error) -> Error {
        let (address, timeout) = (&self.address, self.timeout);
        Error::Failed(match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
                format!("{address} takes connections but did not answer within {timeout:?}")
            }
            _ => format!("{address} closed the connection before it answered: {error}"),
        })
    }

    fn not_redis(&self, got: &[u8]) -> Error {
        let quoted = got[..got.len().min(QUOTED_BYTES)].escape_ascii();
        let rest = if got.len() > QUOTED_BYTES { "…" } else { "" };
        Error::Failed(format!(
            "what listens on {} is not a Redis; it answered \"{quoted}{rest}\"",
            self.address
        ))
    }
}

/// Connects to the first address of the host that answers.
fn connect(host: &str, timeout: Duration) -> io::Result<TcpStream> {
    let mut error = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in host.to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, timeout) {
            Ok(stream) => {
                stream.set_nodelay(true)?;
                stream.set_write_timeout(Some(timeout))?;
                return Ok(stream);
            }
            Err(failure) => error = failure,
        }
    }
    Err(error)
}

/// An error without the password, which the server may have repeated: it quotes what it does not know, and
/// may cut it short.
fn without(password: &str, error: Error) -> Error {
    let unquoted = |text: &str| match text.split_once(['\'', '`', '"']) {
        Some((before, _)) => format!("{before}…"),
        None => text.to_owned(),
    };
    match error {
        Error::Refused { command, message } => {
            let message = unquoted(&message).replace(password, "***");
            Error::Refused { command, message }
        }
        Error::Failed(message) => Error::Failed(unquoted(&message)),
    }
}
