//! A proxy between a service and Redis that makes everything go wrong that can.
//!
//! A new way to go wrong is a variant of [`Fault`], a place in [`Fault::ALL`], without which
//! chance never picks it, and what `pass_on` does then.

use std::collections::{BTreeMap, VecDeque};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::mem;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use fastrand::Rng;
use private_redis::resp::{Value, read_request, read_value, write_request};

/// What can happen to a command and its reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// The command and its reply are each up to 20 ms late.
    Late,
    /// The reply comes when nobody waits for it any more.
    TooLate,
    /// The reply comes in pieces.
    Pieces,
    /// The connection is cut before Redis has heard the command.
    LostCommand,
    /// The connection is cut after Redis has done what it was told.
    LostReply,
    /// The connection is cut in the middle of the reply.
    HalfReply,
    /// Something else comes instead of the reply. Redis has done what it was told.
    Garbage,
}

impl Fault {
    /// All of them.
    pub const ALL: [Fault; 7] = [
        Fault::Late,
        Fault::TooLate,
        Fault::Pieces,
        Fault::LostCommand,
        Fault::LostReply,
        Fault::HalfReply,
        Fault::Garbage,
    ];

    /// How many commands in a thousand it happens to, by default. Nothing happens to the rest.
    pub fn per_thousand(self) -> u64 {
        match self {
            Fault::Late => 60,
            Fault::TooLate => 3,
            Fault::Pieces => 40,
            Fault::LostCommand | Fault::LostReply | Fault::HalfReply | Fault::Garbage => 15,
        }
    }
}

/// How long each half of a late exchange takes, at most, in milliseconds.
const LATE_MS_MAX: u64 = 20;

/// How late a reply is that comes too late. Our steps wait for 800 ms.
const TOO_LATE: Duration = Duration::from_millis(1000);

/// How many pieces a reply comes in, at most, and how long it is between two of them.
const PIECES_MAX: usize = 8;
const BETWEEN_PIECES: Duration = Duration::from_millis(1);

/// What comes instead of a reply: not RESP, not the end of it, not a number, not a count.
const GARBAGE: [&[u8]; 8] = [
    b"HTTP/1.1 400 Bad Request\r\n\r\n",
    b"\x00\xff\xfe\r\n\r\n",
    b":12a\r\n",
    b":99999999999999999999\r\n",
    b"$-7\r\n",
    b"+OK\r\n",
    b"-LOADING Redis is loading the dataset in memory\r\n",
    b":-1\r\n",
];

/// How long Redis may take.
const REDIS_TIMEOUT: Duration = Duration::from_secs(5);

/// How often a silent client's thread looks whether all is over.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// A port that leads to a Redis.
///
/// What happens to the commands of a connection follows from the seed and from how many connections came
/// before it. So a seed repeats the plan; who comes when, and so meets what, is up to the threads.
#[derive(Debug)]
pub struct FaultProxy {
    addr: SocketAddr,
    wire: Arc<Wire>,
    accepting: Option<JoinHandle<()>>,
}

/// What went over the wire.
#[derive(Clone, Debug, Default)]
pub struct Record {
    /// Every `INCR` and `INCRBY` that the service sent, in the order of arrival, but for the first ones if only
    /// the last are kept.
    pub counts: Vec<Count>,
    /// How many of the first are not kept.
    pub forgotten: usize,
    /// How many commands of all kinds came.
    pub commands: u64,
    /// How often each fault happened.
    pub faults: BTreeMap<Fault, u64>,
}

/// One command that counts, as the wire saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Count {
    /// How much it adds.
    pub size: u64,
    /// When it came.
    pub came: Instant,
    /// The numbers that Redis has counted for it; `None` if Redis has not heard of it.
    pub numbers: Option<Range<u64>>,
    /// When the reply was handed over to the service, at the earliest; `None` if it never was.
    pub replied: Option<Instant>,
}

#[derive(Debug)]
struct Wire {
    redis: Mutex<SocketAddr>,
    /// How many connections were accepted, and how many of them, the first ones, are silent.
    accepted: AtomicU64,
    silent: AtomicU64,
    /// How many of them, the first ones, are cut.
    cut: AtomicU64,
    /// What happens to the next commands that count, whatever the odds.
    ordered: Mutex<VecDeque<Fault>>,
    /// How late every command is, in milliseconds.
    delay: AtomicU64,
    /// How many commands that count stay on record, at least; twice as many at most.
    kept: AtomicUsize,
    seed: u64,
    odds: fn(Fault) -> u64,
    is_over: AtomicBool,
    record: Mutex<Record>,
}

impl FaultProxy {
    /// Opens a port that leads to the Redis at `redis`. `odds` says to how many commands in a
    /// thousand a fault happens, such as [`Fault::per_thousand`].
    ///
    /// # Errors
    ///
    /// When there is no port to listen on.
    pub fn start(redis: SocketAddr, seed: u64, odds: fn(Fault) -> u64) -> io::Result<FaultProxy> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let addr = listener.local_addr()?;
        let wire = Arc::new(Wire {
            redis: Mutex::new(redis),
            accepted: AtomicU64::new(0),
            silent: AtomicU64::new(0),
            cut: AtomicU64::new(0),
            ordered: Mutex::default(),
            delay: AtomicU64::new(0),
            kept: AtomicUsize::new(usize::MAX),
            seed,
            odds,
            is_over: AtomicBool::new(false),
            record: Mutex::default(),
        });
        let accepting = Some(thread::spawn({
            let wire = wire.clone();
            move || wire.accept(&listener)
        }));
        Ok(FaultProxy {
            addr,
            wire,
            accepting,
        })
    }

    /// Where it is, such as `redis://127.0.0.1:23456`.
    pub fn url(&self) -> String {
        format!("redis://{}", self.addr)
    }

    /// From now on, new connections lead to `redis`. The old ones stay where they are.
    pub fn lead_to(&self, redis: SocketAddr) {
        *lock(&self.wire.redis) = redis;
    }

    /// From now on, nothing comes through on the connections that there are: neither a byte nor the end.
    /// It is what a client sees of a machine that has lost its power.
    pub fn silence(&self) {
        let accepted = self.wire.accepted.load(Ordering::SeqCst);
        self.wire.silent.store(accepted, Ordering::SeqCst);
    }

    /// From now on, the connections that there are lead nowhere: each is ended within 50 ms.
    pub fn cut(&self) {
        let accepted = self.wire.accepted.load(Ordering::SeqCst);
        self.wire.cut.store(accepted, Ordering::SeqCst);
    }

    /// Orders a fault for each of the next `times` commands that count, whatever the odds.
    pub fn order(&self, fault: Fault, times: usize) {
        lock(&self.wire.ordered).extend(std::iter::repeat_n(fault, times));
    }

    /// From now on, every command is that late. On one connection, one command waits for the other.
    pub fn delay(&self, delay: Duration) {
        let milliseconds = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX);
        self.wire.delay.store(milliseconds, Ordering::SeqCst);
    }

    /// From now on only the last commands that count are kept on record: at least `last`, and at most
    /// twice as many. Without that, the record grows for as long as commands come.
    pub fn keep(&self, last: usize) {
        self.wire.kept.store(last.max(1), Ordering::SeqCst);
    }

    /// How many commands of all kinds came so far.
    pub fn commands(&self) -> u64 {
        self.wire.record().commands
    }

    /// How much the last commands that count add, so many of them at most, the newest last.
    pub fn last_sizes(&self, commands: usize) -> Vec<u64> {
        let record = self.wire.record();
        let skip = record.counts.len().saturating_sub(commands);
        record.counts[skip..]
            .iter()
            .map(|count| count.size)
            .collect()
    }

    /// How often each fault has happened so far.
    pub fn faults(&self) -> BTreeMap<Fault, u64> {
        self.wire.record().faults.clone()
    }

    /// Waits until no command is under way, closes the port and returns what went over the wire.
    pub fn finish(mut self) -> Record {
        self.close();
        mem::take(&mut *self.wire.record())
    }

    fn close(&mut self) {
        self.wire.is_over.store(true, Ordering::Relaxed);
        // Wakes the thread that waits for the next connection.
        let _ = TcpStream::connect(self.addr);
        if let Some(accepting) = self.accepting.take() {
            let _ = accepting.join();
        }
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.close();
    }
}

impl Wire {
    fn accept(&self, listener: &TcpListener) {
        thread::scope(|scope| {
            for (number, client) in (0..).zip(listener.incoming()) {
                if self.is_over() {
                    return;
                }
                self.accepted.store(number + 1, Ordering::SeqCst);
                // A connection that fails is a fault like any other.
                scope.spawn(move || client.and_then(|client| self.serve(client, number)));
            }
        });
    }

    /// Passes on one command and its reply after the other, until somebody ends the connection. To
    /// return is to cut it.
    fn serve(&self, client: TcpStream, number: u64) -> io::Result<()> {
        let mut random = random(self.seed, number);
        client.set_nodelay(true)?;
        client.set_write_timeout(Some(REDIS_TIMEOUT))?;
        let addr = *lock(&self.redis);
        let redis = TcpStream::connect_timeout(&addr, REDIS_TIMEOUT)?;
        redis.set_nodelay(true)?;
        redis.set_read_timeout(Some(REDIS_TIMEOUT))?;
        let mut client = BufReader::new(client);
        let mut redis = BufReader::new(Copying {
            stream: redis,
            copy: Vec::new(),
        });
        let mut goes_on = true;
        while goes_on && !self.is_over() {
            client.get_ref().set_read_timeout(Some(POLL_INTERVAL))?;
            let has_ended = client.fill_buf().map(<[u8]>::is_empty);
            if number < self.cut.load(Ordering::SeqCst) {
                return Ok(());
            }
            if number < self.silent.load(Ordering::SeqCst) {
                thread::sleep(POLL_INTERVAL);
                continue;
            }
            match has_ended {
                Ok(true) => return Ok(()),
                Ok(false) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
                Err(error) => return Err(error),
            }
            client.get_ref().set_read_timeout(Some(REDIS_TIMEOUT))?;
            let command = read_request(&mut client)?;
            let fault = self.choose(&command, &mut random);
            goes_on = self.pass_on(&command, fault, &mut random, client.get_mut(), &mut redis)?;
        }
        Ok(())
    }

    /// Passes on a command and its reply, unless the fault is that it does not. Returns whether the
    /// connection goes on.
    fn pass_on(
        &self,
        command: &[Vec<u8>],
        fault: Option<Fault>,
        random: &mut Rng,
        client: &mut TcpStream,
        redis: &mut BufReader<Copying>,
    ) -> io::Result<bool> {
        let count = self.note_command(command);
        thread::sleep(Duration::from_millis(self.delay.load(Ordering::SeqCst)));
        let late = |random: &mut Rng| Duration::from_millis(random.u64(..LATE_MS_MAX));
        match fault {
            Some(Fault::LostCommand) => return Ok(false),
            Some(Fault::Late) => thread::sleep(late(random)),
            _ => {}
        }
        let mut request = Vec::new();
        write_request(command, &mut request);
        redis.get_mut().stream.write_all(&request)?;
        let value = read_value(redis)?;
        // Redis says nothing unasked, so this is the reply and no more.
        let reply = mem::take(&mut redis.get_mut().copy);
        self.note_reply(count, &value);
        match fault {
            Some(Fault::LostReply) => return Ok(false),
            Some(Fault::HalfReply) => {
                client.write_all(&reply[..reply.len() / 2])?;
                return Ok(false);
            }
            Some(Fault::Garbage) => {
                client.write_all(GARBAGE[random.usize(..GARBAGE.len())])?;
                return Ok(true);
            }
            Some(Fault::Late) => thread::sleep(late(random)),
            Some(Fault::TooLate) => thread::sleep(TOO_LATE),
            Some(Fault::Pieces | Fault::LostCommand) | None => {}
        }
        let is_whole = fault != Some(Fault::Pieces);
        let (beginning, end) = reply.split_at(if is_whole { 0 } else { reply.len() - 1 });
        for piece in beginning.chunks(beginning.len().div_ceil(PIECES_MAX).max(1)) {
            client.write_all(piece)?;
            thread::sleep(BETWEEN_PIECES);
        }
        // Before the last byte is out, nobody can know the reply.
        self.note_delivery(count);
        client.write_all(end)?;
        Ok(true)
    }

    fn choose(&self, command: &[Vec<u8>], random: &mut Rng) -> Option<Fault> {
        let mut draw = random.u64(..1000);
        let by_the_odds = Fault::ALL.into_iter().find(|&fault| {
            let odds = (self.odds)(fault);
            let is_it = draw < odds;
            draw = draw.saturating_sub(odds);
            is_it
        });
        let counts = command_size(command).is_some();
        let ordered = counts.then(|| lock(&self.ordered).pop_front()).flatten();
        let fault = ordered.or(by_the_odds);
        let mut record = self.record();
        record.commands += 1;
        if let Some(fault) = fault {
            *record.faults.entry(fault).or_default() += 1;
        }
        fault
    }

    /// Notes a command that counts, and returns its place in the record.
    fn note_command(&self, command: &[Vec<u8>]) -> Option<usize> {
        let size = command_size(command)?;
        let kept = self.kept.load(Ordering::SeqCst);
        let mut record = self.record();
        if record.counts.len() / 2 >= kept {
            record.counts.drain(..kept);
            record.forgotten += kept;
        }
        record.counts.push(Count {
            size,
            came: Instant::now(),
            numbers: None,
            replied: None,
        });
        Some(record.forgotten + record.counts.len() - 1)
    }

    /// Changes a command on record, unless it is forgotten.
    fn amend(&self, count: Option<usize>, change: impl FnOnce(&mut Count)) {
        let mut record = self.record();
        let place = count.and_then(|count| count.checked_sub(record.forgotten));
        if let Some(count) = place.and_then(|place| record.counts.get_mut(place)) {
            change(count);
        }
    }

    fn note_reply(&self, count: Option<usize>, reply: &Value) {
        let last = reply.as_integer().and_then(|last| u64::try_from(last).ok());
        if let Some(last) = last {
            self.amend(count, |count| {
                count.numbers = Some((last + 1).saturating_sub(count.size)..last + 1);
            });
        }
    }

    fn note_delivery(&self, count: Option<usize>) {
        self.amend(count, |count| count.replied = Some(Instant::now()));
    }

    fn record(&self) -> MutexGuard<'_, Record> {
        lock(&self.record)
    }

    fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }
}

/// How much a command adds, if it counts.
fn command_size(command: &[Vec<u8>]) -> Option<u64> {
    let text = |index: usize| std::str::from_utf8(command.get(index)?).ok();
    match text(0)?.to_ascii_uppercase().as_str() {
        "INCR" => Some(1),
        "INCRBY" => text(2)?.parse().ok(),
        _ => None,
    }
}

/// The random choices of the `number`th of many who have nothing to do with each other: always the same for
/// the same seed.
pub fn random(seed: u64, number: u64) -> Rng {
    Rng::with_seed(Rng::with_seed(seed).u64(..).wrapping_add(number))
}

/// A connection that keeps a copy of what is read from it: a client gets the bytes that Redis sent.
struct Copying {
    stream: TcpStream,
    copy: Vec<u8>,
}

impl Read for Copying {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let count = self.stream.read(bytes)?;
        self.copy.extend_from_slice(&bytes[..count]);
        Ok(count)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
