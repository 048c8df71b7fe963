//! Asks a Redis a question, from blocking code.

use std::fmt::{self, Write as _};
use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

use crate::resp::{Value, ValueReader, write_request};
use crate::url::RedisUrl;

/// How many bytes are read at once.
const READ_BYTES: usize = 16 * 1024;

/// How much of an answer that is not RESP an error message quotes.
const QUOTED_BYTES: usize = 40;

/// A connection to a Redis that asks one question at a time.
#[derive(Debug)]
pub struct RedisClient {
    address: String,
    stream: TcpStream,
    reader: ValueReader,
    timeout: Duration,
}

/// What can go wrong between a client and a Redis.
#[derive(Debug)]
pub enum ClientError {
    /// The text is not a URL of a Redis, and why not.
    MalformedUrl(String),
    /// Nobody takes connections at the address, or its name is unknown.
    Unreachable {
        /// `host:port`.
        address: String,
        /// What the operating system says.
        source: io::Error,
    },
    /// The connection was made, and no whole answer came in time.
    Silent {
        /// `host:port`.
        address: String,
        /// The time it was given.
        timeout: Duration,
    },
    /// The connection was lost before the answer.
    Closed {
        /// `host:port`.
        address: String,
        /// What the operating system says.
        source: io::Error,
    },
    /// What came is not an answer of a Redis.
    NotRedis {
        /// `host:port`.
        address: String,
        /// The beginning of what came instead, made printable.
        got: String,
    },
    /// The server wants a password, and the URL has none.
    PasswordNeeded {
        /// `host:port`.
        address: String,
    },
    /// The server does not accept the user and password of the URL.
    PasswordRefused {
        /// `host:port`.
        address: String,
    },
    /// The server answered with an error.
    Refused {
        /// The name of the command.
        command: String,
        /// The server's words, such as `LOADING Redis is loading the dataset in memory`.
        message: String,
    },
}

impl RedisClient {
    /// Connects to `redis://[user:password@]host[:port][/database]`, gives the password, selects
    /// the database and waits for the answer to a `PING`. `timeout` holds for the connection and
    /// for each answer, here and later.
    ///
    /// # Errors
    ///
    /// Each variant of [`ClientError`] can occur.
    pub fn connect_url(url: &str, timeout: Duration) -> Result<RedisClient, ClientError> {
        let url = RedisUrl::parse(url).map_err(ClientError::MalformedUrl)?;
        let address = match url.host.contains(':') {
            true => format!("[{}]:{}", url.host, url.port),
            false => format!("{}:{}", url.host, url.port),
        };
        let stream = connect((url.host.as_str(), url.port), timeout).map_err(|source| {
            ClientError::Unreachable {
                address: address.clone(),
                source,
            }
        })?;
        let mut client = RedisClient {
            address,
            stream,
            reader: ValueReader::default(),
            timeout,
        };
        match (client.greet(&url), &url.password) {
            (Ok(()), _) => Ok(client),
            (Err(error), Some(password)) => Err(error.without(password)),
            (Err(error), None) => Err(error),
        }
    }

    fn greet(&mut self, url: &RedisUrl) -> Result<(), ClientError> {
        match (&url.user, &url.password) {
            (_, None) => {}
            (None, Some(password)) => self.authenticate(&["AUTH", password])?,
            (Some(user), Some(password)) => self.authenticate(&["AUTH", user, password])?,
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
    /// An answer that is an error is [`ClientError::Refused`] or
    /// [`ClientError::PasswordNeeded`], and the connection can go on. After any other error,
    /// connect anew: an answer may still be under way.
    pub fn command(&mut self, arguments: &[&str]) -> Result<Value, ClientError> {
        let mut request = Vec::new();
        write_request(arguments, &mut request);
        self.stream
            .write_all(&request)
            .map_err(|error| self.lost(error))?;
        match self.read_value()? {
            Value::Error(message) if message.starts_with("NOAUTH") => {
                Err(ClientError::PasswordNeeded {
                    address: self.address.clone(),
                })
            }
            Value::Error(message) => {
                let command = arguments.first().copied().unwrap_or_default().to_owned();
                Err(ClientError::Refused { command, message })
            }
            value => Ok(value),
        }
    }

    fn authenticate(&mut self, arguments: &[&str]) -> Result<(), ClientError> {
        match self.command(arguments) {
            Ok(_) => Ok(()),
            Err(ClientError::Refused { message, .. }) if message.starts_with("WRONGPASS") => {
                Err(ClientError::PasswordRefused {
                    address: self.address.clone(),
                })
            }
            Err(error) => Err(error),
        }
    }

    fn read_value(&mut self) -> Result<Value, ClientError> {
        let mut bytes = [0; READ_BYTES];
        let deadline = Instant::now() + self.timeout;
        loop {
            let count = match self.stream.read(&mut bytes) {
                Ok(0) => return Err(self.lost(io::ErrorKind::UnexpectedEof.into())),
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(self.lost(error)),
            };
            self.reader.push(&bytes[..count]);
            match self.reader.next_value() {
                Ok(Some(value)) => return Ok(value),
                // The time-out of the socket begins anew with every byte.
                Ok(None) if Instant::now() >= deadline => {
                    return Err(self.lost(io::ErrorKind::TimedOut.into()));
                }
                Ok(None) => {}
                Err(_) => return Err(self.not_redis(&bytes[..count])),
            }
        }
    }

    fn lost(&self, source: io::Error) -> ClientError {
        let address = self.address.clone();
        match source.kind() {
            // Unix says the one, Windows the other.
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => ClientError::Silent {
                address,
                timeout: self.timeout,
            },
            _ => ClientError::Closed { address, source },
        }
    }

    fn not_redis(&self, got: &[u8]) -> ClientError {
        let mut quoted = got[..got.len().min(QUOTED_BYTES)]
            .escape_ascii()
            .to_string();
        if got.len() > QUOTED_BYTES {
            let _ = write!(quoted, "…");
        }
        ClientError::NotRedis {
            address: self.address.clone(),
            got: quoted,
        }
    }
}

/// Connects to the first address of the host that answers.
fn connect(host: (&str, u16), timeout: Duration) -> io::Result<TcpStream> {
    let mut error = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in host.to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, timeout) {
            Ok(stream) => {
                stream.set_nodelay(true)?;
                stream.set_read_timeout(Some(timeout))?;
                stream.set_write_timeout(Some(timeout))?;
                return Ok(stream);
            }
            Err(failure) => error = failure,
        }
    }
    Err(error)
}

impl ClientError {
    /// The same without the password, which the server may have repeated. Redis itself quotes the
    /// arguments of a command that it does not know, and cuts them when they are long.
    fn without(self, password: &str) -> ClientError {
        match self {
            ClientError::Refused { command, message } => {
                let unquoted = message.split(['\'', '`', '"']).next().unwrap_or_default();
                let message = unquoted.replace(password, "***");
                ClientError::Refused { command, message }
            }
            ClientError::NotRedis { address, .. } => {
                let got = "…".to_owned();
                ClientError::NotRedis { address, got }
            }
            other => other,
        }
    }
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ClientError::MalformedUrl(why) => {
                write!(
                    f,
                    "{why}; expected redis://[user:password@]host[:port][/database]"
                )
            }
            ClientError::Unreachable { address, source } => {
                write!(f, "no Redis can be reached at {address}: {source}")
            }
            ClientError::Silent { address, timeout } => {
                write!(
                    f,
                    "{address} takes connections but did not answer within {timeout:?}"
                )
            }
            ClientError::Closed { address, source } => {
                write!(
                    f,
                    "{address} closed the connection before it answered: {source}"
                )
            }
            ClientError::NotRedis { address, got } => {
                write!(
                    f,
                    "what listens on {address} is not a Redis; it answered \"{got}\""
                )
            }
            ClientError::PasswordNeeded { address } => {
                write!(
                    f,
                    "the Redis at {address} asks for a password; put it in the URL: redis://:PASSWORD@{address}"
                )
            }
            ClientError::PasswordRefused { address } => {
                write!(
                    f,
                    "the Redis at {address} does not accept the user and password of the URL"
                )
            }
            ClientError::Refused { command, message } => {
                write!(f, "Redis answered {command} with: {message}")
            }
        }
    }
}

impl std::error::Error for ClientError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            ClientError::Unreachable { source, .. } | ClientError::Closed { source, .. } => {
                Some(source)
            }
            _ => None,
        }
    }
}

impl From<ClientError> for io::Error {
    fn from(error: ClientError) -> io::Error {
        match error {
            ClientError::Silent { .. } => io::Error::new(io::ErrorKind::TimedOut, error),
            error => io::Error::other(error),
        }
    }
}
