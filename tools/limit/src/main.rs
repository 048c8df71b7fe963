//! # The limit: what this machine can do with no framework at all
//!
//! How fast could the last step be? This probe is the answer, in as little as it takes: it reads
//! requests from bare sockets, takes them apart by hand, counts them as steps 5 and 6 do (visits that
//! wait together share one `INCRBY`) and writes the same bytes that step 5 writes. One thread for each
//! core, nothing shared between them, and for each visit one `read` and one `write`. What a step is
//! slower than that, its framework and its overload protection cost.
//!
//! `cargo xtask bench all` measures it beside the steps, and `cargo xtask bench limit 6` beside one.
//!
//! What it deliberately lacks is all that makes step 4 good. It has no time-outs and no limits, so a
//! slow client keeps its place for ever. It does not heal and never says `503`: when Redis is away, or
//! anything else goes wrong, it says so and ends. It does not answer what is under way when it is told
//! to stop, and it has no health page. Of HTTP it knows what a request without a body needs.
//!
//! - [`core`]: a thread with its clients, and the batches
//! - [`client`]: one connection, from its bytes to its bytes
//! - [`request`]: what the bytes ask for
//! - [`redis`]: the connection to Redis, one command at a time

mod client;
mod core;
mod redis;
mod request;

use std::{
    convert::Infallible,
    env, io,
    net::{SocketAddr, TcpListener},
    process::{self, ExitCode},
    thread,
};

use crate::core::Core;

fn main() -> ExitCode {
    let Err(error) = start();
    eprintln!("limit: {error}");
    ExitCode::from(2)
}

/// Starts the cores, and deals the clients out to them in turn.
fn start() -> Result<Infallible, String> {
    let redis_url = setting("REDIS_URL", "redis://127.0.0.1:6379");
    let mut dealers = Vec::new();
    let cores = thread::available_parallelism().map_or(1, usize::from);
    for _ in 0..cores {
        let redis = redis::Redis::connect(&redis_url)?;
        let (core, dealer) =
            Core::new(redis).map_err(|error| format!("cannot make an event loop: {error}"))?;
        thread::spawn(move || {
            let Err(error) = core.run();
            eprintln!("limit: {error}");
            process::exit(1);
        });
        dealers.push(dealer);
    }

    let addr = setting("ADDR", "127.0.0.1:8000");
    let addr: SocketAddr = addr
        .parse()
        .map_err(|_| format!("ADDR is {addr:?}, but must be an address such as 127.0.0.1:8000"))?;
    let listener = listen(addr)
        .map_err(|error| format!("ADDR is {addr}, but limit cannot listen there: {error}"))?;
    let addr = listener.local_addr().unwrap_or(addr);
    println!("limit: http://{addr}");
    for dealer in dealers.iter().cycle() {
        let dealt = listener
            .accept()
            .and_then(|(stream, _)| dealer.deal(stream));
        dealt.map_err(|error| format!("cannot accept a client: {error}"))?;
    }
    unreachable!("there is at least one core")
}

/// A listener whose queue for clients is as long as the system allows. The standard library asks for 128
/// places, and a thousand come at once; to ask again only changes the length.
fn listen(addr: SocketAddr) -> io::Result<TcpListener> {
    let listener = TcpListener::bind(addr)?;
    rustix::net::listen(&listener, i32::MAX)?;
    Ok(listener)
}

/// Reads or writes, unless that would have to be waited for: then `None`.
fn unless_it_blocks(mut attempt: impl FnMut() -> io::Result<usize>) -> io::Result<Option<usize>> {
    loop {
        match attempt() {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result.map(Some),
        }
    }
}

fn setting(name: &str, default: &str) -> String {
    env::var(name).unwrap_or_else(|_| default.to_owned())
}
