//! What differs between Unix and other systems, all in one place but for the
//! [janitor](crate::janitor).

#[cfg(unix)]
pub(crate) use unix::{has_ended, own_group, signal_group};

#[cfg(not(unix))]
pub(crate) use other::{has_ended, own_group, signal_group};

#[cfg(unix)]
mod unix {
    use std::io;
    use std::os::unix::process::CommandExt;
    use std::process::{Child, Command};

    use rustix::io::Errno;
    use rustix::process::{self, Pid, WaitId, WaitIdOptions};

    use crate::Signal;

    /// Makes the child the leader of a process group, so that its own children can be reached.
    pub(crate) fn own_group(command: &mut Command) {
        command.process_group(0);
    }

    /// Sends a signal to every process of the child's group. A group that is gone is no error.
    pub(crate) fn signal_group(child: &Child, signal: Signal) -> io::Result<()> {
        let signal = match signal {
            Signal::Interrupt => process::Signal::INT,
            Signal::Terminate => process::Signal::TERM,
            Signal::Kill => process::Signal::KILL,
            Signal::Stop => process::Signal::STOP,
            Signal::Continue => process::Signal::CONT,
        };
        match process::kill_process_group(pid(child), signal) {
            // macOS answers PERM for a group in which only a dead leader is left.
            Ok(()) | Err(Errno::SRCH | Errno::PERM) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether the child has ended. It is not reaped: its number is still its own, and it is safe
    /// to signal its group.
    pub(crate) fn has_ended(child: &Child) -> io::Result<bool> {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        Ok(process::waitid(WaitId::Pid(pid(child)), options)?.is_some())
    }

    fn pid(child: &Child) -> Pid {
        Pid::from_raw(child.id().cast_signed()).expect("the kernel numbers processes from 1")
    }
}

#[cfg(not(unix))]
mod other {
    use std::io;
    use std::process::{Child, Command};

    use crate::Signal;

    pub(crate) fn own_group(_command: &mut Command) {}

    pub(crate) fn signal_group(_child: &Child, _signal: Signal) -> io::Result<()> {
        Err(io::Error::new(
            io::ErrorKind::Unsupported,
            "this system has no signals",
        ))
    }

    /// There are no groups to signal before the child is reaped, so there is nothing to find out.
    pub(crate) fn has_ended(_child: &Child) -> io::Result<bool> {
        Ok(true)
    }
}
