//! Asks a Redis that comes and goes.

use std::time::Duration;

use private_redis::{RedisClient, resp::Value};

/// Asks a Redis again and again, over one connection for as long as that lasts.
pub struct Asker {
    timeout: Duration,
    /// The connection, and where it leads.
    client: Option<(String, RedisClient)>,
}

impl Asker {
    /// One that waits for so long at most.
    pub fn new(timeout: Duration) -> Self {
        Self {
            timeout,
            client: None,
        }
    }

    /// What the Redis at that URL answers, if it does.
    pub fn ask(&mut self, url: &str, command: &[&str]) -> Option<Value> {
        let known = self.client.take().filter(|(known, _)| known == url);
        let mut client = match known {
            Some((_, client)) => client,
            None => RedisClient::connect_url(url, self.timeout).ok()?,
        };
        let answer = client.command(command).ok()?;
        self.client = Some((url.to_owned(), client));
        Some(answer)
    }
}
