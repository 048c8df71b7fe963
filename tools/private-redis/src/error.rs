//! What can go wrong with a private Redis.

use std::fmt;
use std::process::ExitStatus;

use processes::Tail;

use crate::ClientError;

/// What can go wrong with a private Redis.
///
/// The message says what happened and to what, and ends with the last lines that the server
/// printed, where there are any.
#[derive(Debug)]
pub enum Error {
    /// A private Redis does not answer `PING`.
    RedisNotReady {
        /// The program, in words.
        name: String,
        /// The port it was told to listen on.
        port: u16,
        /// How it ended, if it did.
        status: Option<ExitStatus>,
        /// The last lines of its log.
        output: String,
    },
    /// The nodes of a cluster have not become what they should be.
    Cluster {
        /// What was waited for, and how long.
        what: String,
        /// What was seen instead, last.
        seen: String,
    },
    /// The process, its folder or its port failed.
    Process(processes::Error),
    /// A Redis did not answer as expected.
    Client(ClientError),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::RedisNotReady {
                name,
                port,
                status,
                output,
            } => {
                let address = format!("127.0.0.1:{port}");
                match status {
                    None => write!(f, "{name} does not answer PING on {address}"),
                    Some(status) => {
                        write!(f, "{name} ended ({status}) and does not serve {address}")
                    }
                }?;
                Tail(output).fmt(f)
            }
            Error::Cluster { what, seen } => {
                write!(f, "the Redis Cluster does not have {what}{}", Tail(seen))
            }
            Error::Process(source) => source.fmt(f),
            Error::Client(source) => source.fmt(f),
        }
    }
}

/// The messages quote their causes.
impl std::error::Error for Error {}

impl From<ClientError> for Error {
    fn from(error: ClientError) -> Error {
        Error::Client(error)
    }
}

impl From<processes::Error> for Error {
    fn from(error: processes::Error) -> Error {
        Error::Process(error)
    }
}
