//! What can go wrong with a Redis.

use std::fmt;

/// What can go wrong with a Redis, private or not.
#[derive(Debug)]
pub enum Error {
    /// It answered a command with an error.
    Refused {
        /// The name of the command.
        command: String,
        /// The server's words, such as `LOADING Redis is loading the dataset in memory`.
        message: String,
    },
    /// Anything else, in words: what happened, to what, and why.
    Failed(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Refused { command, message } => {
                write!(f, "Redis answered {command} with: {message}")
            }
            Error::Failed(message) => f.write_str(message),
        }
    }
}

impl std::error::Error for Error {}

impl From<processes::Error> for Error {
    fn from(error: processes::Error) -> Error {
        Error::Failed(error.to_string())
    }
}
