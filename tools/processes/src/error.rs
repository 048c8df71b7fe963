//! What can go wrong with a process.

use std::{fmt, io};

/// What went wrong with a process, a folder or a port, in words: what happened, to what, and why.
#[derive(Debug)]
pub struct Error(pub(crate) String);

impl Error {
    /// The operating system has refused something, such as to make a temporary folder.
    pub(crate) fn cannot(what: &str, why: &io::Error) -> Error {
        Error(format!("cannot {what}: {why}"))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Error {}

/// The end of a message: what a process printed last, each line behind a bar.
pub fn last_lines(output: &str) -> String {
    if output.is_empty() {
        return String::new();
    }
    let lines = output.lines().map(|line| format!("\n  | {line}"));
    format!("; its last lines:{}", lines.collect::<String>())
}
