//! Asks a Redis a question, from blocking code.

use std::fmt;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

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

/// What can go wrong between a client and a Redis.
#[derive(Debug)]
pub enum ClientError {
    /// The text is not a URL of a Redis, and why not.
    MalformedUrl(String),
    /// Nothing listens at the address, or its name is unknown.
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
        let stream = connect((&url.host, url.port), timeout);
        let stream = stream.map_err(|source| ClientError::Unreachable {
            address: address.clone(),
            source,
        })?;
        let mut client = RedisClient {
            address,
            reader: BufReader::new(Timed::new(stream)),
            timeout,
        };
        match (client.greet(&url), &url.password) {
            (Ok(()), _) => Ok(client),
            (Err(error), Some(password)) => Err(error.without(password)),
            (Err(error), None) => Err(error),
        }
    }

    fn greet(&mut self, url: &RedisUrl) -> Result<(), ClientError> {
        if let Some(password) = &url.password {
            let answer = match &url.user {
                None => self.command(&["AUTH", password]),
                Some(user) => self.command(&["AUTH", user, password]),
            };
            let address = self.address.clone();
            answer.map_err(|error| match error {
                ClientError::Refused { message, .. } if message.starts_with("WRONGPASS") => {
                    ClientError::PasswordRefused { address }
                }
                other => other,
            })?;
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
        let address = self.address.clone();
        match self.ask(arguments)? {
            Value::Error(message) if message.starts_with("NOAUTH") => {
                Err(ClientError::PasswordNeeded { address })
            }
            Value::Error(message) => {
                let command = arguments.first().copied().unwrap_or_default().to_owned();
                Err(ClientError::Refused { command, message })
            }
            value => Ok(value),
        }
    }

    fn ask(&mut self, arguments: &[&str]) -> Result<Value, ClientError> {
        let mut request = Vec::new();
        write_request(arguments, &mut request);
        let connection = self.reader.get_mut();
        connection.limit(self.timeout);
        let sent = connection.stream.write_all(&request);
        sent.map_err(|error| self.lost(error))?;
        let beginning = match self.reader.fill_buf() {
            Ok(bytes) => bytes[..bytes.len().min(QUOTED_BYTES + 1)].to_vec(),
            Err(error) => return Err(self.lost(error)),
        };
        read_value(&mut self.reader).map_err(|error| match error.kind() {
            io::ErrorKind::InvalidData => self.not_redis(&beginning),
            _ => self.lost(error),
        })
    }

    fn lost(&self, source: io::Error) -> ClientError {
        let (address, timeout) = (self.address.clone(), self.timeout);
        match source.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
                ClientError::Silent { address, timeout }
            }
            _ => ClientError::Closed { address, source },
        }
    }

    fn not_redis(&self, got: &[u8]) -> ClientError {
        let quoted = got[..got.len().min(QUOTED_BYTES)].escape_ascii();
        let rest = if got.len() > QUOTED_BYTES { "…" } else { "" };
        ClientError::NotRedis {
            address: self.address.clone(),
            got: format!("{quoted}{rest}"),
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
                stream.set_write_timeout(Some(timeout))?;
                return Ok(stream);
            }
            Err(failure) => error = failure,
        }
    }
    Err(error)
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&match self {
            ClientError::MalformedUrl(why) => {
                format!("{why}; expected redis://[user:password@]host[:port][/database]")
            }
            ClientError::Unreachable { address, source } => {
                format!("no Redis can be reached at {address}: {source}")
            }
            ClientError::Silent { address, timeout } => {
                format!("{address} takes connections but did not answer within {timeout:?}")
            }
            ClientError::Closed { address, source } => {
                format!("{address} closed the connection before it answered: {source}")
            }
            ClientError::NotRedis { address, got } => {
                format!("what listens on {address} is not a Redis; it answered \"{got}\"")
            }
            ClientError::PasswordNeeded { address } => format!(
                "the Redis at {address} asks for a password; put it in the URL: redis://:PASSWORD@{address}"
            ),
            ClientError::PasswordRefused { address } => {
                format!("the Redis at {address} does not accept the user and password of the URL")
            }
            ClientError::Refused { command, message } => {
                format!("Redis answered {command} with: {message}")
            }
        })
    }
}

/// The messages quote their causes.
impl std::error::Error for ClientError {}

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
