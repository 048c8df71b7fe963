//! One core: an event loop with its clients, its batches and its connection to Redis.

use std::{
    convert::Infallible,
    io, mem, net,
    sync::mpsc::{Receiver, Sender, channel},
    time::{SystemTime, UNIX_EPOCH},
};

use mio::{Events, Interest, Poll, Token, Waker, net::TcpStream};
use slab::Slab;

use crate::{client::Client, redis::Redis};

/// How many events one poll of the sockets may bring. More wait for the next poll.
const EVENTS_MAX: usize = 1024;

/// Events of the connection to Redis. All other tokens but the next are keys of clients.
const REDIS: Token = Token(usize::MAX);

/// The acceptor has dealt a client.
const DEALT: Token = Token(usize::MAX - 1);

/// What one thread works on.
pub struct Core {
    poll: Poll,
    dealt: Receiver<net::TcpStream>,
    clients: Slab<Client>,
    redis: Redis,
    /// The clients that wait for the next batch, in order of arrival. None in here or below is removed:
    /// its key would belong to another client when the number comes.
    waiting: Vec<usize>,
    /// The clients that the batch under way counts.
    batch: Vec<usize>,
    date: Date,
}

/// The acceptor's end of a core.
pub struct Dealer {
    clients: Sender<net::TcpStream>,
    waker: Waker,
}

impl Dealer {
    /// Hands a client over to the core.
    pub fn deal(&self, stream: net::TcpStream) -> io::Result<()> {
        stream.set_nonblocking(true)?;
        // Send a small answer now; do not wait to see whether it grows (Nagle's algorithm).
        stream.set_nodelay(true)?;
        self.clients.send(stream).map_err(io::Error::other)?;
        self.waker.wake()
    }
}

impl Core {
    /// A core without clients, and the way to give it some.
    pub fn new(mut redis: Redis) -> io::Result<(Self, Dealer)> {
        let poll = Poll::new()?;
        let registry = poll.registry();
        registry.register(redis.stream(), REDIS, Interest::READABLE)?;
        let waker = Waker::new(registry, DEALT)?;
        let (clients, dealt) = channel();
        let core = Self {
            poll,
            dealt,
            clients: Slab::new(),
            redis,
            waiting: Vec::new(),
            batch: Vec::new(),
            date: Date::default(),
        };
        Ok((core, Dealer { clients, waker }))
    }

    /// Serves until something fails that is not a client's own affair.
    pub fn run(mut self) -> io::Result<Infallible> {
        let mut events = Events::with_capacity(EVENTS_MAX);
        loop {
            match self.poll.poll(&mut events, None) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
                _ => self.date.refresh(),
            }
            for event in &events {
                match event.token() {
                    DEALT => self.take_dealt()?,
                    REDIS => {
                        if let Some(last) = self.redis.reply()? {
                            self.hand_out(last)?;
                        }
                    }
                    Token(key) => {
                        // The client may have been removed since: the event is stale then.
                        if let Some(client) = self.clients.get_mut(key) {
                            client.notice(event);
                            self.advance(key);
                        }
                    }
                }
            }
            // Group commit: all visits that came while the last batch was under way are the next one.
            if self.batch.is_empty() && !self.waiting.is_empty() {
                mem::swap(&mut self.batch, &mut self.waiting);
                self.redis.add(self.batch.len())?;
            }
        }
    }

    /// Takes over the clients that the acceptor has dealt. Their first event says that they can be read.
    fn take_dealt(&mut self) -> io::Result<()> {
        for stream in self.dealt.try_iter() {
            let place = self.clients.vacant_entry();
            let mut stream = TcpStream::from_std(stream);
            self.poll.registry().register(
                &mut stream,
                Token(place.key()),
                Interest::READABLE | Interest::WRITABLE,
            )?;
            place.insert(Client::new(stream));
        }
        Ok(())
    }

    /// Gives every client in the batch a number: `last` to the last of them.
    fn hand_out(&mut self, last: u64) -> io::Result<()> {
        let before = last.checked_sub(self.batch.len() as u64);
        let before = before
            .ok_or_else(|| io::Error::other("another client of Redis has set the count back"))?;
        let mut batch = mem::take(&mut self.batch);
        for (key, number) in batch.drain(..).zip(before + 1..) {
            self.clients[key].answer_visit(number, &self.date.text);
            self.advance(key);
        }
        // Given back for its memory.
        self.batch = batch;
        Ok(())
    }

    /// Does for a client what can be done now.
    fn advance(&mut self, key: usize) {
        match self.clients[key].advance(&self.date.text) {
            Ok(true) => self.waiting.push(key),
            Ok(false) => {}
            // It has closed the connection, or we are to close it. That is the end of the connection and of nothing else.
            Err(_) => drop(self.clients.remove(key)),
        }
    }
}

/// The date for the answers, written anew when a second has passed.
#[derive(Default)]
struct Date {
    second: u64,
    text: String,
}

impl Date {
    fn refresh(&mut self) {
        let now = SystemTime::now();
        let second = now.duration_since(UNIX_EPOCH).map_or(0, |t| t.as_secs());
        if second != self.second || self.text.is_empty() {
            self.second = second;
            self.text = httpdate::fmt_http_date(now);
        }
    }
}
