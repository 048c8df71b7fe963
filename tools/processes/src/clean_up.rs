//! Commands that undo something, also when this process dies before it can run them.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use crate::janitor::{self, Entry};

/// A command that undoes something: it runs when this is dropped, or when this process is gone. In that
/// case it runs twice, 5 s apart, as something that we had started may still have been at work.
#[derive(Debug)]
pub struct CleanUp(Box<Command>);

impl CleanUp {
    /// Prepares to run `command`: its program with its arguments and variables. Its working folder is
    /// any, and what it prints is lost.
    ///
    /// # Errors
    ///
    /// When the process that watches over this one cannot be started, or a word of the command contains
    /// a line break.
    pub fn new(mut command: Command) -> io::Result<CleanUp> {
        janitor::add(&Entry::Command(&command))?;
        // Away from the terminal's signals: a second Ctrl-C must not end it half-way.
        command
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        Ok(CleanUp(Box::new(command)))
    }
}

impl Drop for CleanUp {
    fn drop(&mut self) {
        // If it fails, it stays on the janitor's list, and the janitor tries again at the end.
        if self.0.status().is_ok_and(|status| status.success()) {
            janitor::remove(&Entry::Command(&self.0));
        }
    }
}
