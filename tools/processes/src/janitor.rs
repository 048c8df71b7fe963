//! One helper process that kills and removes what this process leaves behind.
//!
//! `Drop` runs when a process ends in good order. Nothing runs when it is killed with SIGKILL, so
//! somebody else must notice. The janitor is a shell that reads a pipe which this process holds:
//! the operating system closes the pipe, however this process ends. What is left to chance is the
//! instant between the start of a child and the line that tells the janitor of it.

use std::io;
use std::path::Path;

/// Puts a process group on the list: the janitor kills it when this process is gone.
pub(crate) fn add_group(group: u32) -> io::Result<()> {
    imp::tell(format!("+group {group}").as_bytes())
}

/// Takes a process group off the list. Call this before its leader is reaped: after that, the
/// number may belong to somebody else.
pub(crate) fn drop_group(group: u32) {
    // If the janitor is gone, there is no list to take it off.
    let _ = imp::tell(format!("-group {group}").as_bytes());
}

/// Puts a folder on the list: the janitor removes it when this process is gone.
pub(crate) fn add_folder(folder: &Path) -> io::Result<()> {
    imp::tell_of_folder(b"+folder ", folder)
}

/// Takes a folder off the list.
pub(crate) fn drop_folder(folder: &Path) {
    let _ = imp::tell_of_folder(b"-folder ", folder);
}

#[cfg(unix)]
mod imp {
    use std::io::{self, Write};
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::process::CommandExt;
    use std::path::Path;
    use std::process::{ChildStdin, Command, Stdio};
    use std::sync::{Mutex, PoisonError};

    /// The janitor's standard input. It is never closed on purpose: the end of the process does it.
    static JANITOR: Mutex<Option<ChildStdin>> = Mutex::new(None);

    /// Sends one line to the janitor, which is started by the first one.
    pub(super) fn tell(line: &[u8]) -> io::Result<()> {
        let mut janitor = JANITOR.lock().unwrap_or_else(PoisonError::into_inner);
        if janitor.is_none() {
            *janitor = Some(start()?);
        }
        let Some(pipe) = janitor.as_mut() else {
            unreachable!("it was started above")
        };
        // One write: a line that is cut off by our death would name something else.
        pipe.write_all(&[line, b"\n"].concat())
    }

    pub(super) fn tell_of_folder(message: &[u8], folder: &Path) -> io::Result<()> {
        let folder = folder.as_os_str().as_bytes();
        if folder.contains(&b'\n') {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "the path of the temporary folder contains a line break; set TMPDIR to one that does not",
            ));
        }
        tell(&[message, folder].concat())
    }

    /// Starts the shell, away from everything that this process shares with its own parent: the
    /// terminal's signals (a group of its own), the working folder, standard output and error. A
    /// janitor that kept those open would keep `program | head` from ending.
    fn start() -> io::Result<ChildStdin> {
        let mut janitor = Command::new("/bin/sh")
            .arg("-c")
            .arg(include_str!("janitor.sh"))
            .arg("lab-janitor")
            .process_group(0)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| {
                io::Error::new(error.kind(), format!("cannot run /bin/sh: {error}"))
            })?;
        Ok(janitor
            .stdin
            .take()
            .expect("standard input was asked to be a pipe"))
    }
}

/// Without a POSIX shell there is no janitor: children are ended by `Drop` alone.
#[cfg(not(unix))]
mod imp {
    use std::io;
    use std::path::Path;

    pub(super) fn tell(_line: &[u8]) -> io::Result<()> {
        Ok(())
    }

    pub(super) fn tell_of_folder(_message: &[u8], _folder: &Path) -> io::Result<()> {
        Ok(())
    }
}
