//! Ctrl-C, and the signals by which others ask us to end (SIGTERM, SIGHUP).

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::Error;

/// The number of the signal that Ctrl-C sends.
const SIGINT: u8 = 2;

/// The exit status of a program that Ctrl-C ended.
pub const STATUS: u8 = 128 + SIGINT;

/// Whether we were asked to end.
#[derive(Clone)]
pub struct Interrupted(Arc<AtomicBool>);

impl Interrupted {
    /// Whether we were asked to end.
    pub fn yet(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// From now on Ctrl-C only sets a flag; a second one ends us at once.
///
/// # Errors
///
/// [`Error::Interrupt`] when the operating system refuses, or somebody else catches it.
pub fn catch() -> Result<Interrupted, Error> {
    let flag = Arc::new(AtomicBool::new(false));
    let seen = flag.clone();
    let handler = move || {
        if seen.swap(true, Ordering::Relaxed) {
            exit();
        }
    };
    ctrlc::set_handler(handler).map_err(Error::Interrupt)?;
    Ok(Interrupted(flag))
}

/// From now on Ctrl-C ends us at once.
///
/// # Errors
///
/// [`Error::Interrupt`] when the operating system refuses, or somebody else catches it.
pub fn exit_on_interrupt() -> Result<(), Error> {
    ctrlc::set_handler(exit).map_err(Error::Interrupt)
}

/// Ends us if Ctrl-C has ended a program that we waited for. It reaches both, and we may see the other's
/// end before our own handler has run.
pub fn exit_if_interrupted(ended: ExitStatus) {
    if ended.signal() == Some(SIGINT.into()) {
        exit();
    }
}

/// Nothing to clean up here: whatever we started is on the janitor's list and ends with us.
fn exit() {
    std::process::exit(STATUS.into());
}
