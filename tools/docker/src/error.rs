//! What can go wrong with a command.

use std::{
    fmt, io,
    process::{Command, ExitStatus},
};

/// How many lines of a command's output an error carries.
const LINES_MAX: usize = 30;

/// What went wrong with a command, in words: the command, how it ended, what it printed last.
#[derive(Debug)]
pub struct Error(String);

impl Error {
    /// Something went wrong for which these are the words.
    pub fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }

    /// The command could not be started.
    pub(crate) fn cannot_start(command: &Command, error: &io::Error) -> Self {
        Self(format!("cannot start `{}`: {error}", shown(command)))
    }

    /// The command has ended, but not well.
    pub(crate) fn failed(command: &Command, status: ExitStatus, output: &str) -> Self {
        let lines: Vec<&str> = output.lines().collect();
        let last = &lines[lines.len().saturating_sub(LINES_MAX)..];
        let last = last.iter().map(|line| format!("\n  | {line}"));
        let last: String = last.collect();
        Self(format!(
            "`{}` failed ({status}); its last lines:{last}",
            shown(command)
        ))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Error {}

/// A command as one would type it.
fn shown(command: &Command) -> String {
    let words = [command.get_program()]
        .into_iter()
        .chain(command.get_args());
    let words: Vec<_> = words.map(|word| word.to_string_lossy()).collect();
    words.join(" ")
}
