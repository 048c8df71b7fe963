//! Ctrl-C, and the signals by which others ask us to end (SIGTERM, SIGHUP).

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::Error;

/// The exit status of a program that Ctrl-C ended.
pub const STATUS: u8 = 128 + SIGINT as u8;

/// Whether we were asked to end.
#[derive(Clone, Debug, Default)]
pub struct Interrupted(Arc<AtomicBool>);

impl Interrupted {
    /// Whether we were asked to end.
    pub fn yet(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Asks to end, as Ctrl-C does.
    pub fn now(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// From now on Ctrl-C only sets a flag; a second one ends us at once.
///
/// # Errors
///
/// When the operating system refuses.
pub fn catch() -> Result<Interrupted, Error> {
    catch_and(|| {})
}

/// From now on Ctrl-C sets a flag and calls `first`, which may say what happens now; a second one ends
/// us at once.
///
/// # Errors
///
/// When the operating system refuses.
pub fn catch_and(first: impl Fn() + Send + 'static) -> Result<Interrupted, Error> {
    let interrupted = Interrupted::default();
    let Interrupted(flag) = interrupted.clone();
    let handler = move || {
        if flag.swap(true, Ordering::Relaxed) {
            exit();
        }
        first();
    };
    set_handler(handler)?;
    Ok(interrupted)
}

/// From now on Ctrl-C ends us at once.
///
/// # Errors
///
/// When the operating system refuses.
pub fn exit_on_interrupt() -> Result<(), Error> {
    set_handler(exit)
}

/// Calls the handler for each signal, in a thread of its own, where it may do what it wants.
fn set_handler(handler: impl Fn() + Send + 'static) -> Result<(), Error> {
    let refused = |error| Error(format!("cannot catch Ctrl-C: {error}"));
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP]).map_err(refused)?;
    let wait = move || signals.forever().for_each(|_| handler());
    let thread = thread::Builder::new().name("signals".to_owned());
    thread.spawn(wait).map_err(refused)?;
    Ok(())
}

/// Ends us if Ctrl-C has ended a program that we waited for. It reaches both, and we may see the other's
/// end before our own handler has run.
pub fn exit_if_interrupted(ended: ExitStatus) {
    if ended.signal() == Some(SIGINT) {
        exit();
    }
}

/// Nothing to clean up here: whatever we started is on the janitor's list and ends with us.
fn exit() {
    std::process::exit(STATUS.into());
}
