//! What the tests share.
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::env;
use std::io::{Write, stderr};
use std::net::TcpListener;
use std::path::PathBuf;
use std::thread;

use private_redis::RedisProgram;

/// The embedded server as a program. Cargo builds it for these tests.
pub fn embedded_program() -> RedisProgram {
    RedisProgram::Embedded(PathBuf::from(env!("CARGO_BIN_EXE_embedded-redis")))
}

/// The real server, or `None` and a line that says so.
pub fn real_program() -> Option<RedisProgram> {
    let program = RedisProgram::find();
    if program.is_none() {
        skipped("redis-server");
    }
    program
}

/// Both, or just the embedded one where there is no other.
pub fn programs() -> Vec<RedisProgram> {
    [Some(embedded_program()), real_program()]
        .into_iter()
        .flatten()
        .collect()
}

/// Says that a test was skipped, or fails it where nothing may be skipped.
pub fn skipped(what: &str) {
    let line = format!("skipped: {what} is not on PATH");
    assert!(
        env::var_os("SEEN_STRICT").is_none_or(|strict| strict != "1"),
        "{line}, and SEEN_STRICT=1 forbids that"
    );
    // Written past the test harness, which hides what `eprintln!` says in a test that passes.
    let _ = writeln!(stderr(), "{line}");
}

/// Serves the embedded Redis inside the test and returns its port.
pub fn serve_embedded() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || private_redis::embedded::serve(listener));
    port
}
