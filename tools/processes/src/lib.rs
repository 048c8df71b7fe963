//! Child processes that cannot outlive this one, however it ends, and what goes with them.
//!
//! - [`Process`] is a child process with a process group of its own: signal it, wait for it or for a line.
//! - [`Folder`] is a temporary folder that goes with us, too, and [`CleanUp`] a command that undoes
//!   something when we go.
//! - [`poll()`] waits for a state.
//! - [`free_port`] is a port that nobody listens on.
//! - [`interrupt`] is Ctrl-C, and [`programs`] what is on `PATH`, and how to install what is not.
//!
//! Everything blocks and uses threads of the standard library: the tools built on this crate do a
//! handful of things at once, and a newcomer waits for every dependency they compile.

mod clean_up;
mod error;
mod folder;
pub mod interrupt;
mod janitor;
mod poll;
mod port;
mod process;
pub mod programs;

pub use clean_up::CleanUp;
pub use error::{Error, last_lines};
pub use folder::Folder;
pub use poll::poll;
pub use port::free_port;
pub use process::{Output, Process, Signal};
