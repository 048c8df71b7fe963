//! What can go wrong with a private Redis.

use std::process::ExitStatus;

use processes::Tail;

use crate::ClientError;

/// What can go wrong with a private Redis.
///
/// The message says what happened and to what, and ends with the last lines that the server
/// printed, where there are any.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A private Redis does not answer `PING`.
    #[error("{name} {}127.0.0.1:{port}{}", not_ready(.status), Tail(.output))]
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
    #[error("the Redis Cluster does not have {what}{}", Tail(.seen))]
    Cluster {
        /// What was waited for, and how long.
        what: String,
        /// What was seen instead, last.
        seen: String,
    },
    /// The process, its folder or its port failed.
    #[error(transparent)]
    Process(#[from] processes::Error),
    /// A Redis did not answer as expected.
    #[error(transparent)]
    Client(#[from] ClientError),
}

fn not_ready(status: &Option<ExitStatus>) -> String {
    match status {
        None => "does not answer PING on ".to_owned(),
        Some(status) => format!("ended ({status}) and does not serve "),
    }
}
