//! A Redis for tests, on every machine.

use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::thread;
use std::time::Duration;

use crate::{Durability, Error, RedisClient, RedisProgram, RedisServer};

/// A Redis for a test: a private real one where there is one, else the embedded one, in a thread.
///
/// A test that ran on the embedded one says so on standard error. With `SEEN_STRICT` in the
/// environment it does not run at all: a machine that is to prove something needs the real one.
#[derive(Debug)]
pub struct TestRedis {
    url: String,
    _server: Option<RedisServer>,
}

impl TestRedis {
    /// Starts one.
    ///
    /// # Errors
    ///
    /// When it does not start.
    ///
    /// # Panics
    ///
    /// When `SEEN_STRICT` is set and there is no real server on `PATH`.
    pub fn start() -> Result<Self, Error> {
        if let Some(program) = RedisProgram::find() {
            let server = RedisServer::start(&program, Durability::None)?;
            return Ok(Self {
                url: server.url(),
                _server: Some(server),
            });
        }
        assert!(
            std::env::var_os("SEEN_STRICT").is_none(),
            "redis-server is not on PATH, and SEEN_STRICT is set; install it"
        );
        eprintln!("redis-server is not on PATH: this test runs on the embedded Redis");
        let url =
            serve_embedded().map_err(|error| Error::Failed(format!("cannot listen: {error}")))?;
        Ok(Self { url, _server: None })
    }

    /// Connects to it. Each question may take 2 s.
    ///
    /// # Errors
    ///
    /// See [`RedisClient::connect_url`].
    pub fn client(&self) -> Result<RedisClient, Error> {
        RedisClient::connect_url(&self.url, Duration::from_secs(2))
    }

    /// Where it is, such as `redis://127.0.0.1:23456`.
    pub fn url(&self) -> &str {
        &self.url
    }
}

fn serve_embedded() -> io::Result<String> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = listener.local_addr()?;
    thread::spawn(|| crate::embedded::serve(listener));
    Ok(format!("redis://{address}"))
}
