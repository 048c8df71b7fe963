//! What can go wrong with a process.

use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;
use std::{fmt, io};

/// What can go wrong with a process, a folder or a port.
///
/// The message says what happened and to what, and ends with the last lines that the process
/// printed, where there are any.
#[derive(Debug)]
pub enum Error {
    /// A program could not be started.
    Spawn {
        /// The name given to the process.
        name: String,
        /// The program that was to run.
        program: PathBuf,
        /// Why it did not start.
        source: io::Error,
    },
    /// A process did not print the line that was waited for.
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
    Control {
        /// The name given to the process.
        name: String,
        /// Why not.
        source: io::Error,
    },
    /// No temporary folder could be made.
    Folder(io::Error),
    /// No free port was found.
    Port(io::Error),
    /// Ctrl-C cannot be caught.
    Interrupt(ctrlc::Error),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Spawn {
                name,
                program,
                source,
            } => write!(f, "cannot start {name} ({}): {source}", program.display()),
            Error::NoLine {
                name,
                timeout,
                status,
                output,
            } => {
                match status {
                    None => write!(
                        f,
                        "{name} did not print the expected line within {timeout:?}"
                    ),
                    Some(status) => {
                        write!(
                            f,
                            "{name} ended ({status}) before it printed the expected line"
                        )
                    }
                }?;
                Tail(output).fmt(f)
            }
            Error::Control { name, source } => write!(f, "cannot control {name}: {source}"),
            Error::Folder(source) => write!(f, "cannot make a temporary folder: {source}"),
            Error::Port(source) => write!(f, "cannot find a free port on 127.0.0.1: {source}"),
            Error::Interrupt(source) => write!(f, "cannot catch Ctrl-C: {source}"),
        }
    }
}

/// The messages quote their causes.
impl std::error::Error for Error {}

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
