//! What can go wrong with a process.

use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;
use std::{fmt, io};

/// What can go wrong with a process, a folder or a port.
///
/// The message says what happened and to what, and ends with the last lines that the process
/// printed, where there are any.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A program could not be started.
    #[error("cannot start {name} ({}): {source}", .program.display())]
    Spawn {
        /// The name given to the process.
        name: String,
        /// The program that was to run.
        program: PathBuf,
        /// Why it did not start.
        source: io::Error,
    },
    /// A process did not print the line that was waited for.
    #[error("{name} {}{}", no_line(.timeout, .status), Tail(.output))]
    NoLine {
        /// The name given to the process.
        name: String,
        /// How long it was given.
        timeout: Duration,
        /// How it ended, if it did.
        status: Option<ExitStatus>,
        /// The last lines of its captured output.
        output: String,
    },
    /// A process could not be signalled or waited for.
    #[error("cannot control {name}: {source}")]
    Control {
        /// The name given to the process.
        name: String,
        /// Why not.
        source: io::Error,
    },
    /// No temporary folder could be made.
    #[error("cannot make a temporary folder: {0}")]
    Folder(#[source] io::Error),
    /// No free port was found.
    #[error("cannot find a free port on 127.0.0.1: {0}")]
    Port(#[source] io::Error),
    /// Ctrl-C cannot be caught.
    #[error("cannot catch Ctrl-C: {0}")]
    Interrupt(#[source] ctrlc::Error),
}

fn no_line(timeout: &Duration, status: &Option<ExitStatus>) -> String {
    match status {
        None => format!("did not print the expected line within {timeout:?}"),
        Some(status) => format!("ended ({status}) before it printed the expected line"),
    }
}

/// The end of a message: the last lines of a process, each behind a bar.
pub struct Tail<'a>(pub &'a str);

impl fmt::Display for Tail<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return Ok(());
        }
        write!(f, "; its last lines:")?;
        let mut lines = self.0.lines();
        lines.try_for_each(|line| write!(f, "\n  | {line}"))
    }
}
