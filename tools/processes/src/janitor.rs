//! One helper process that kills, undoes and removes what this process leaves behind.
//!
//! `Drop` runs when a process ends in good order. Nothing runs when it is killed with SIGKILL, so
//! somebody else must notice. The janitor is a shell that reads a pipe which this process holds:
//! the operating system closes the pipe, however this process ends. What is left to chance is the
//! instant between the start of a child and the line that tells the janitor of it.

use std::ffi::OsStr;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{ChildStdin, Command, Stdio};
use std::sync::{Mutex, PoisonError};

/// The janitor's standard input. It is never closed on purpose: the end of the process does it.
static JANITOR: Mutex<Option<ChildStdin>> = Mutex::new(None);

/// What is on the janitor's list.
pub(crate) enum Entry<'a> {
    /// A process group, to be killed.
    Group(u32),
    /// A folder, to be removed.
    Folder(&'a Path),
    /// A command, to be run: its program, arguments and variables.
    Command(&'a Command),
}

/// Puts something on the list: the janitor deals with it when this process is gone.
pub(crate) fn add(entry: &Entry<'_>) -> io::Result<()> {
    tell('+', entry)
}

/// Takes something off the list. A process group goes before its leader is reaped: after that, the
/// number may belong to somebody else.
pub(crate) fn remove(entry: &Entry<'_>) {
    // If the janitor is gone, there is no list to take it off.
    let _ = tell('-', entry);
}

/// Sends one line to the janitor, which is started by the first one.
fn tell(sign: char, entry: &Entry<'_>) -> io::Result<()> {
    let (kind, what) = match entry {
        Entry::Group(group) => ("group", group.to_string().into_bytes()),
        Entry::Folder(folder) => ("folder", folder.as_os_str().as_bytes().to_vec()),
        Entry::Command(command) => ("command", for_shell(command)),
    };
    let mut line = format!("{sign}{kind} ").into_bytes();
    line.extend(what);
    if line.contains(&b'\n') {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "a path contains a line break; set TMPDIR to one that does not",
        ));
    }
    line.push(b'\n');
    let mut janitor = JANITOR.lock().unwrap_or_else(PoisonError::into_inner);
    let pipe = match &mut *janitor {
        Some(pipe) => pipe,
        none => none.insert(start()?),
    };
    // One write: a line that is cut off by our death would name something else.
    pipe.write_all(&line)
}

/// The command as a line that a POSIX shell runs.
fn for_shell(command: &Command) -> Vec<u8> {
    let mut line = b"env".to_vec();
    let mut add = |word: &[u8]| {
        let pieces: Vec<&[u8]> = word.split(|&byte| byte == b'\'').collect();
        line.extend(b" '");
        line.extend(pieces.join(b"'\\''".as_slice()));
        line.push(b'\'');
    };
    // `env` takes what is to be left out first.
    for (name, _) in command.get_envs().filter(|(_, value)| value.is_none()) {
        add(b"-u");
        add(name.as_bytes());
    }
    for (name, value) in command.get_envs() {
        if let Some(value) = value {
            add(&[name.as_bytes(), b"=", value.as_bytes()].concat());
        }
    }
    add(command.get_program().as_bytes());
    command.get_args().map(OsStr::as_bytes).for_each(add);
    line
}

/// Starts the shell, away from everything that this process shares with its own parent: the
/// terminal's signals (a group of its own), the working folder, standard output and error. A
/// janitor that kept those open would keep `program | head` from ending.
fn start() -> io::Result<ChildStdin> {
    let mut janitor = Command::new("/bin/sh")
        .args(["-c", include_str!("janitor.sh"), "janitor"])
        .process_group(0)
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| io::Error::new(error.kind(), format!("cannot run /bin/sh: {error}")))?;
    Ok(janitor
        .stdin
        .take()
        .expect("standard input was asked to be a pipe"))
}
