//! The connection to Redis: one `INCRBY` at a time, by hand.

use std::{
    io::{self, Read, Write},
    net,
};

use mio::net::TcpStream;

use crate::unless_it_blocks;

/// A connection.
pub struct Redis {
    stream: TcpStream,
    /// What has arrived of the reply.
    reply: Vec<u8>,
}

impl Redis {
    /// Connects to a URL such as `redis://127.0.0.1:6379`.
    pub fn connect(url: &str) -> Result<Self, String> {
        // All before the last @ may be secret.
        let shown = url.rsplit_once('@');
        let shown = shown.map_or_else(|| url.to_owned(), |(_, addr)| format!("***@{addr}"));
        let addr = url.strip_prefix("redis://").ok_or_else(|| {
            format!("REDIS_URL is {shown:?}, but must be a URL such as redis://127.0.0.1:6379")
        })?;
        let stream = net::TcpStream::connect(addr.trim_end_matches('/'));
        let stream = stream.and_then(|stream| {
            stream.set_nodelay(true)?;
            stream.set_nonblocking(true)?;
            Ok(TcpStream::from_std(stream))
        });
        let stream = stream.map_err(|error| {
            format!(
                "REDIS_URL is {shown:?}, but nothing answers there: {error}; start a Redis first"
            )
        })?;
        Ok(Self {
            stream,
            reply: Vec::new(),
        })
    }

    /// The socket, for the event loop.
    pub fn stream(&mut self) -> &mut TcpStream {
        &mut self.stream
    }

    /// Sends the order to add so many visits to the count.
    pub fn add(&mut self, visits: usize) -> io::Result<()> {
        let visits = visits.to_string();
        let length = visits.len();
        let command = format!("*3\r\n$6\r\nINCRBY\r\n$4\r\nseen\r\n${length}\r\n{visits}\r\n");
        // Nothing else is on its way, so there is always room for these few bytes.
        self.stream.write_all(command.as_bytes())
    }

    /// The new count, once all of the reply is there.
    pub fn reply(&mut self) -> io::Result<Option<u64>> {
        let mut chunk = [0; 64];
        while !self.reply.ends_with(b"\r\n") {
            match unless_it_blocks(|| self.stream.read(&mut chunk))? {
                None => return Ok(None),
                Some(0) => return Err(io::Error::other("Redis has closed the connection")),
                Some(length) => self.reply.extend_from_slice(&chunk[..length]),
            }
        }
        let reply = String::from_utf8_lossy(&self.reply);
        let count = reply.strip_prefix(':');
        let count = count.and_then(|count| count.trim_end().parse().ok());
        let count = count.ok_or_else(|| io::Error::other(format!("Redis says {reply:?}")))?;
        self.reply.clear();
        Ok(Some(count))
    }
}
