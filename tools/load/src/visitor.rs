//! One visitor who comes again whatever happens.

use std::{
    io,
    net::SocketAddr,
    time::{Duration, Instant},
};

use crate::{http::Connection, response::Response};

/// How a visit ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// With the page and this number.
    Number(u64),
    /// With a 503 and `Retry-After`.
    Refused,
    /// With a 200 that is not the page with its number.
    NoNumber,
    /// With any other answer, of this status.
    Failed(u16),
    /// The connection ended before the answer did.
    Cut,
    /// Nobody took the connection.
    Unconnected,
    /// There was no answer in time.
    Silent,
}

impl Outcome {
    /// What an answer means.
    pub fn of(response: &Response) -> Self {
        match response.seen() {
            Some(number) => Self::Number(number),
            None if response.turns_away() => Self::Refused,
            None if response.status == 200 => Self::NoNumber,
            None => Self::Failed(response.status),
        }
    }

    /// Whether the visit may have been counted though no number came: only who was never let in certainly
    /// was not.
    pub fn is_unknown(self) -> bool {
        !matches!(self, Self::Number(_) | Self::Unconnected)
    }
}

/// A visit that is over.
#[derive(Clone, Copy, Debug)]
pub struct Visit {
    /// How it ended.
    pub outcome: Outcome,
    /// How long it took, from the attempt to connect on.
    pub took: Duration,
}

/// A client that visits over a connection that stays open, and opens another one when that has ended.
pub struct Visitor {
    addrs: Vec<SocketAddr>,
    timeout: Duration,
    connection: Option<Connection>,
}

impl Visitor {
    /// A visitor of these copies of a service, who prefers the first one and goes on to the next when
    /// nobody takes the connection. No visit takes longer than `timeout`, which holds for the connection
    /// and for the answer.
    pub fn new(addrs: Vec<SocketAddr>, timeout: Duration) -> Self {
        Self {
            addrs,
            timeout,
            connection: None,
        }
    }

    /// Connects, and says whether somebody took the connection in time. Without it, the next visit does.
    pub fn connect_within(&mut self, timeout: Duration) -> bool {
        self.connection = self.connect(Instant::now() + timeout);
        self.connection.is_some()
    }

    /// Visits once.
    pub fn visit(&mut self) -> Visit {
        let started = Instant::now();
        let outcome = self.try_visit(started + self.timeout);
        if !matches!(outcome, Outcome::Number(_) | Outcome::Refused) {
            self.connection = None;
        }
        let took = started.elapsed();
        Visit { outcome, took }
    }

    fn try_visit(&mut self, deadline: Instant) -> Outcome {
        // A connection that the server has closed meanwhile, or said that it would, is no visit's fault.
        let mut open = self.connection.take();
        if let Some(connection) = &mut open
            && (!connection.is_open() || connection.is_closed().unwrap_or(true))
        {
            open = None;
        }
        let Some(connection) = open.or_else(|| self.connect(deadline)) else {
            return Outcome::Unconnected;
        };
        let connection = self.connection.insert(connection);
        let left = deadline.saturating_duration_since(Instant::now());
        let sent = connection.send("GET", "/");
        match sent.and_then(|()| connection.receive("GET", left)) {
            Ok(response) => Outcome::of(&response),
            Err(error) if error.kind() == io::ErrorKind::TimedOut => Outcome::Silent,
            Err(_) => Outcome::Cut,
        }
    }

    /// Connects to the first copy that takes the connection, which is then the one to begin with.
    fn connect(&mut self, deadline: Instant) -> Option<Connection> {
        for _ in 0..self.addrs.len() {
            let left = deadline.saturating_duration_since(Instant::now());
            let left = left.max(Duration::from_millis(1));
            match Connection::open_within(self.addrs[0], left) {
                Ok(connection) => return Some(connection),
                Err(_) => self.addrs.rotate_left(1),
            }
        }
        None
    }
}
