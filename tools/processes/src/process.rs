//! Child processes that do what they are told and do not outlive us.

mod tail;

use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::process::{self, Pid, WaitId, WaitIdOptions};

use crate::janitor::{self, Entry};
use crate::{Error, last_lines, poll};
use tail::{Source, Tail};

/// How often a process is asked whether it has ended.
const POLL_INTERVAL: Duration = Duration::from_millis(5);

/// How long to wait for the last words of a process that has ended, and for the end of a process
/// that has closed its output. Both follow at once, but for what escaped from its group.
const LAST_WORDS_TIMEOUT: Duration = Duration::from_millis(500);

/// How many lines of output an error message carries.
const ERROR_LINES: usize = 20;

/// Where the output of a process goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// To our own standard output and standard error.
    Inherit,
    /// Both streams into a buffer that keeps the last thousand lines.
    Capture,
    /// Standard output into such a buffer, standard error to our own.
    CaptureStdout,
}

/// The signals that a test bench needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// SIGINT, what Ctrl-C sends.
    Interrupt,
    /// SIGTERM, the polite request to end.
    Terminate,
    /// SIGKILL, the end without a chance to object.
    Kill,
    /// SIGSTOP, which freezes the process.
    Stop,
    /// SIGCONT, which thaws it.
    Continue,
}

/// A child process and everything it started, in a process group of its own. What leaves the
/// group, as daemons do, is on its own.
///
/// When it is dropped the whole group is killed. When *we* are killed, the janitor kills it.
/// A terminal's Ctrl-C does not reach it: pass it on with [`signal`](Process::signal).
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    status: Option<ExitStatus>,
    output: Arc<Tail>,
}

impl Process {
    /// Starts `command`. The name is for messages. Standard input is empty.
    ///
    /// # Errors
    ///
    /// When the program cannot be started or cannot be watched over.
    pub fn spawn(name: &str, mut command: Command, output: Output) -> Result<Process, Error> {
        let piped = |yes| {
            if yes {
                Stdio::piped()
            } else {
                Stdio::inherit()
            }
        };
        command
            .stdin(Stdio::null())
            .stdout(piped(output != Output::Inherit))
            .stderr(piped(output == Output::Capture))
            // A group of its own, so that its own children can be reached.
            .process_group(0);
        let what = format!("start {name} ({})", command.get_program().display());
        let error = |error| Error::cannot(&what, &error);

        let mut child = command.spawn().map_err(error)?;
        let listed = janitor::add(&Entry::Group(child.id()));
        let output = Arc::<Tail>::default();
        if let Some(stdout) = child.stdout.take() {
            output.follow(Source::Stdout, stdout);
        }
        if let Some(stderr) = child.stderr.take() {
            output.follow(Source::Stderr, stderr);
        }
        let process = Process {
            name: name.to_owned(),
            child,
            status: None,
            output,
        };
        // A child that the janitor does not know of is dropped, and so killed.
        listed.map(|()| process).map_err(error)
    }

    /// The process number, which is also the number of its process group.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal to the process and to everything it started that stayed in its group:
    /// gunicorn's workers, the child of Flask's reloader. To a process that is known to have ended
    /// nothing is sent, and that is no error.
    ///
    /// # Errors
    ///
    /// When the operating system refuses.
    pub fn signal(&self, signal: Signal) -> Result<(), Error> {
        if self.status.is_some() {
            return Ok(());
        }
        let signal = match signal {
            Signal::Interrupt => process::Signal::INT,
            Signal::Terminate => process::Signal::TERM,
            Signal::Kill => process::Signal::KILL,
            Signal::Stop => process::Signal::STOP,
            Signal::Continue => process::Signal::CONT,
        };
        match process::kill_process_group(Pid::from_child(&self.child), signal) {
            // The group is gone. macOS answers PERM when only a dead leader is left in it.
            Ok(()) | Err(Errno::SRCH | Errno::PERM) => Ok(()),
            Err(error) => Err(self.out_of_control(&error.into())),
        }
    }

    /// How the process ended, or `None` while it runs. What it left running in its group when it
    /// ended is killed, and what it printed is complete.
    ///
    /// # Errors
    ///
    /// When the operating system refuses.
    pub fn try_wait(&mut self) -> Result<Option<ExitStatus>, Error> {
        if self.status.is_none() && self.has_ended()? {
            // Only now, before it is reaped, is the number certain to be this group's.
            let _ = self.signal(Signal::Kill);
            janitor::remove(&Entry::Group(self.child.id()));
            let status = self.child.try_wait();
            self.status = status.map_err(|error| self.out_of_control(&error))?;
            self.output.wait_until_complete(LAST_WORDS_TIMEOUT);
        }
        Ok(self.status)
    }

    /// Waits for the process to end. Returns `None` when it still runs after `timeout`.
    ///
    /// # Errors
    ///
    /// When the operating system refuses.
    pub fn wait_timeout(&mut self, timeout: Duration) -> Result<Option<ExitStatus>, Error> {
        poll(timeout, POLL_INTERVAL, || self.try_wait().transpose()).transpose()
    }

    /// Asks the process to end (SIGTERM, and SIGCONT in case it is frozen), and kills it when it
    /// has not within `grace`.
    ///
    /// # Errors
    ///
    /// When the operating system refuses.
    pub fn stop(&mut self, grace: Duration) -> Result<ExitStatus, Error> {
        self.signal(Signal::Terminate)?;
        self.signal(Signal::Continue)?;
        match self.wait_timeout(grace)? {
            Some(status) => Ok(status),
            None => self.kill(),
        }
    }

    /// Kills the process and its group, and waits until it is gone.
    ///
    /// # Errors
    ///
    /// When the operating system refuses.
    pub fn kill(&mut self) -> Result<ExitStatus, Error> {
        if let Some(status) = self.status {
            return Ok(status);
        }
        // The process itself may have left its group.
        let _ = self.signal(Signal::Kill);
        let killed = self.child.kill();
        killed.map_err(|error| self.out_of_control(&error))?;
        loop {
            if let Some(status) = self.try_wait()? {
                return Ok(status);
            }
            std::thread::sleep(POLL_INTERVAL);
        }
    }

    /// Waits for a line on the captured standard output that satisfies `predicate`. Every line
    /// since the start is looked at, as long as the buffer still holds it.
    ///
    /// # Errors
    ///
    /// When the time is over, or as soon as no further line can come. If that is because the process has
    /// ended, [`try_wait`](Process::try_wait) says how.
    pub fn wait_for_line(
        &mut self,
        timeout: Duration,
        predicate: impl Fn(&str) -> bool,
    ) -> Result<String, Error> {
        let deadline = Instant::now() + timeout;
        let mut seen = 0;
        loop {
            // This also ends what a dead process left behind holding its output open.
            self.try_wait()?;
            // Asked before the lines are searched, or the last line could slip through between.
            let complete = self.output.is_complete();
            if let Some(line) = self.output.find(&mut seen, &predicate) {
                return Ok(line);
            }
            if complete || Instant::now() >= deadline {
                return Err(self.no_line(timeout));
            }
            self.output.wait(POLL_INTERVAL);
        }
    }

    /// The last `lines` lines of the captured output, both streams in the order they arrived.
    pub fn output_tail(&self, lines: usize) -> String {
        self.output.last(lines)
    }

    /// Whether the process has ended. It is not reaped: its number is still its own, and it is safe to
    /// signal its group.
    fn has_ended(&self) -> Result<bool, Error> {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        let ended = process::waitid(WaitId::Pid(Pid::from_child(&self.child)), options);
        let ended = ended.map_err(|error| self.out_of_control(&error.into()))?;
        Ok(ended.is_some())
    }

    fn out_of_control(&self, why: &io::Error) -> Error {
        Error::cannot(&format!("control {}", self.name), why)
    }

    fn no_line(&mut self, timeout: Duration) -> Error {
        let grace = match self.output.is_complete() {
            true => LAST_WORDS_TIMEOUT,
            false => Duration::ZERO,
        };
        let ended = self.wait_timeout(grace).ok().flatten();
        let (name, output) = (&self.name, last_lines(&self.output_tail(ERROR_LINES)));
        Error(match ended {
            Some(status) => {
                format!("{name} ended ({status}) before it printed the expected line{output}")
            }
            None => format!("{name} did not print the expected line within {timeout:?}{output}"),
        })
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // There is nobody to tell. The janitor still has it on its list.
        let _ = self.kill();
    }
}
