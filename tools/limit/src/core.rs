//! One core: an event loop with its visitors, its batches and its connection to Redis.

use std::{
    convert::Infallible,
    io, mem, net,
    sync::mpsc::{Receiver, Sender, channel},
    time::{SystemTime, UNIX_EPOCH},
};

use mio::{Events, Interest, Poll, Token, Waker, net::TcpStream};
use slab::Slab;

use crate::{redis::Redis, visitor::Visitor};

/// How many events one look at the sockets may bring. More wait for the next look.
const EVENTS_MAX: usize = 1024;

/// Events of the connection to Redis. All other tokens but the next are keys of visitors.
const REDIS: Token = Token(usize::MAX);

/// The acceptor has dealt a visitor.
const DEALT: Token = Token(usize::MAX - 1);

/// What one thread works on.
pub struct Core {
    poll: Poll,
    dealt: Receiver<net::TcpStream>,
    visitors: Slab<Visitor>,
    redis: Redis,
    /// Who waits for the next batch, in order of arrival. Nobody in here or below can leave: the key
    /// would belong to somebody else when the number comes.
    waiting: Vec<usize>,
    /// Whom the batch that is under way counts.
    batch: Vec<usize>,
    date: Date,
}

/// The acceptor's end of a core.
pub struct Dealer {
    visitors: Sender<net::TcpStream>,
    waker: Waker,
}

impl Dealer {
    /// Hands a visitor over to the core.
    pub fn deal(&self, stream: net::TcpStream) -> io::Result<()> {
        stream.set_nonblocking(true)?;
        // Send a small answer now; do not wait to see whether it grows (Nagle's algorithm).
        stream.set_nodelay(true)?;
        self.visitors.send(stream).map_err(io::Error::other)?;
        self.waker.wake()
    }
}

impl Core {
    /// A core without visitors, and the way to give it some.
    pub fn new(mut redis: Redis) -> io::Result<(Self, Dealer)> {
        let poll = Poll::new()?;
        let registry = poll.registry();
        registry.register(redis.stream(), REDIS, Interest::READABLE)?;
        let waker = Waker::new(registry, DEALT)?;
        let (visitors, dealt) = channel();
        let core = Self {
            poll,
            dealt,
            visitors: Slab::new(),
            redis,
            waiting: Vec::new(),
            batch: Vec::new(),
            date: Date::default(),
        };
        Ok((core, Dealer { visitors, waker }))
    }

    /// Serves until something fails that is not a visitor's own affair.
    pub fn run(mut self) -> io::Result<Infallible> {
        let mut events = Events::with_capacity(EVENTS_MAX);
        loop {
            match self.poll.poll(&mut events, None) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
                _ => self.date.look(),
            }
            for event in &events {
                match event.token() {
                    DEALT => self.let_in()?,
                    REDIS => {
                        if let Some(last) = self.redis.reply()? {
                            self.hand_out(last)?;
                        }
                    }
                    Token(key) => {
                        // Old news of somebody who has left since need not interest anybody.
                        if let Some(visitor) = self.visitors.get_mut(key) {
                            visitor.notice(event);
                            self.go_on(key);
                        }
                    }
                }
            }
            // Group commit: all who came while the last batch was under way are the next one.
            if self.batch.is_empty() && !self.waiting.is_empty() {
                mem::swap(&mut self.batch, &mut self.waiting);
                self.redis.add(self.batch.len())?;
            }
        }
    }

    /// Lets in whom the acceptor has dealt. Their first event says that they can be read.
    fn let_in(&mut self) -> io::Result<()> {
        for stream in self.dealt.try_iter() {
            let place = self.visitors.vacant_entry();
            let mut stream = TcpStream::from_std(stream);
            self.poll.registry().register(
                &mut stream,
                Token(place.key()),
                Interest::READABLE | Interest::WRITABLE,
            )?;
            place.insert(Visitor::new(stream));
        }
        Ok(())
    }

    /// Gives everybody in the batch a number: `last` to the last of them.
    fn hand_out(&mut self, last: u64) -> io::Result<()> {
        let before = last.checked_sub(self.batch.len() as u64);
        let before = before.ok_or_else(|| io::Error::other("somebody has set the count back"))?;
        let mut batch = mem::take(&mut self.batch);
        for (key, number) in batch.drain(..).zip(before + 1..) {
            self.visitors[key].welcome(number, &self.date.text);
            self.go_on(key);
        }
        // Given back for its memory.
        self.batch = batch;
        Ok(())
    }

    /// Does for a visitor what can be done now.
    fn go_on(&mut self, key: usize) {
        match self.visitors[key].go_on(&self.date.text) {
            Ok(true) => self.waiting.push(key),
            Ok(false) => {}
            // It has left, or is to leave. That is the end of the connection and of nothing else.
            Err(_) => drop(self.visitors.remove(key)),
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
    fn look(&mut self) {
        let now = SystemTime::now();
        let second = now.duration_since(UNIX_EPOCH).map_or(0, |t| t.as_secs());
        if second != self.second || self.text.is_empty() {
            self.second = second;
            self.text = httpdate::fmt_http_date(now);
        }
    }
}
