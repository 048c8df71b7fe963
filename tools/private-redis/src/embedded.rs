//! A small Redis in this crate: a dictionary behind a socket.
//!
//! It is for machines that have no Redis. It has just the commands that a visit counter, its tools and the
//! libraries under them send, and refuses all others by name. It keeps nothing when it ends, and it is not
//! for measurements: every connection has a thread, and all of them share one lock.
//!
//! There is a limit on everything: those below, and those of [`resp`](crate::resp). For one client it
//! holds less than half a MiB: a request that is not complete, and answers that were not read.

mod commands;
mod session;
mod store;

use std::io::{self, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use store::Store;

/// How many clients may be connected at once.
pub const CONNECTIONS_MAX: usize = 1024;

/// How many bytes all keys and values may have together, each entry with 100 more for its administration.
pub const STORE_BYTES_MAX: usize = 64 * 1024 * 1024;

/// How long a client may take to finish a request, or to begin its first one. It may be silent after
/// that, as in Redis: connections wait in pools, and not all clients notice that theirs was closed. But
/// where more than half of the clients that there may be are connected, whoever is silent for this long
/// is closed, so that they cannot keep everybody else out.
pub const QUIET_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a client may refuse to read its answers before it is disconnected.
pub const WRITE_TIMEOUT: Duration = Duration::from_secs(30);

/// How many times in a row `accept` may fail before the server gives up.
const ACCEPT_FAILURES_MAX: usize = 100;

/// How long to wait after `accept` failed: with no file descriptor left, it fails at once again.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How large the stack of a connection's thread is. Nothing here recurses.
const STACK_BYTES: usize = 256 * 1024;

/// Serves clients of `listener` until the process ends.
///
/// # Errors
///
/// When connections cannot be accepted, again and again.
#[expect(
    clippy::needless_pass_by_value,
    reason = "nobody else may accept from it any more"
)]
pub fn serve(listener: TcpListener) -> io::Result<()> {
    let store = Arc::new(Mutex::new(Store::new()));
    let mut failures = 0;
    for id in 1.. {
        match listener.accept() {
            Ok((stream, _)) => {
                failures = 0;
                start_session(stream, id, &store);
            }
            // A client that was gone before its turn, or a shortage that may pass.
            Err(_) if failures < ACCEPT_FAILURES_MAX => {
                failures += 1;
                std::thread::sleep(ACCEPT_PAUSE);
            }
            Err(error) => return Err(error),
        }
    }
    unreachable!("there are more numbers than connections in the life of a computer")
}

/// How many clients are connected: each holds the store, and so does [`serve`].
fn connections(store: &Arc<Mutex<Store>>) -> usize {
    Arc::strong_count(store) - 1
}

/// Gives the client a thread, or refuses it when there are too many.
fn start_session(mut stream: TcpStream, id: i64, store: &Arc<Mutex<Store>>) {
    if connections(store) >= CONNECTIONS_MAX {
        let _ = stream.write_all(b"-ERR max number of clients reached\r\n");
        return;
    }
    let store = Arc::clone(store);
    // A thread that does not start drops the connection. The client sees that it is closed.
    let _ = std::thread::Builder::new()
        .stack_size(STACK_BYTES)
        // A connection that breaks ends, and that is all there is to do about it.
        .spawn(move || session::answer_all(stream, id, &store));
}
