//! Ctrl-C: a wish that whoever waits looks at.

use std::process;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result};

/// The exit status after Ctrl-C: 128 and the number of SIGINT, as shells have it.
pub const EXIT_STATUS: u8 = 130;

static REQUESTED: AtomicBool = AtomicBool::new(false);

/// From now on Ctrl-C and SIGTERM do not end the program, but make [`requested`] true. The second
/// one ends it at once; its children are killed with it.
///
/// # Errors
///
/// When the operating system refuses.
pub fn listen() -> Result<()> {
    ctrlc::set_handler(|| {
        if REQUESTED.swap(true, Ordering::Relaxed) {
            process::exit(EXIT_STATUS.into());
        }
        anstream::eprintln!("stopping; the rounds that are finished are kept");
    })
    .context("cannot listen for Ctrl-C")
}

/// Whether somebody asked to stop.
pub fn requested() -> bool {
    REQUESTED.load(Ordering::Relaxed)
}
