//! Ports that nobody listens on.

use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU16, Ordering};

use crate::Error;

/// The ports to choose from: FIRST_PORT up to and including FIRST_PORT + PORTS - 1.
///
/// Linux gives outgoing connections ports from 32768 up, macOS from 49152 up. A server port in
/// that range can be taken by any client while the server is down for a moment. Worse: a client
/// that keeps trying to reach it may be given that very port, and then it talks to itself.
const FIRST_PORT: u16 = 20_000;
const PORTS: u16 = 12_000;

/// How many ports are tried before [`free_port`] gives up.
const TRIES_MAX: u16 = 200;

/// Finds a port on 127.0.0.1 that nobody listens on.
///
/// The port is free now and not reserved: whoever binds it must be ready to lose a race. No two
/// calls in one process return the same port, until all have been handed out.
///
/// # Errors
///
/// With the error of the last attempt, when 200 ports in a row cannot be bound.
pub fn free_port() -> Result<u16, Error> {
    // Two processes start at different places, or they would race for the same ports.
    static NEXT: OnceLock<AtomicU16> = OnceLock::new();
    let next = NEXT.get_or_init(|| AtomicU16::new(fastrand::u16(..PORTS)));
    let mut error = io::Error::from(io::ErrorKind::AddrInUse);
    for _ in 0..TRIES_MAX {
        // PORTS does not divide 2^16: the jump when the counter wraps is harmless.
        let port = FIRST_PORT + next.fetch_add(1, Ordering::Relaxed) % PORTS;
        match TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
            Ok(_) => return Ok(port),
            Err(failure) => error = failure,
        }
    }
    Err(Error::cannot("find a free port on 127.0.0.1", &error))
}
