//! A step that lies in the one way that its argument names, or is honest. The suite starts it as it
//! starts every step.

use std::{
    collections::{HashMap, VecDeque},
    env,
    io::{self, BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::SeqCst},
    },
    thread,
    time::{Duration, Instant},
};

use private_redis::resp::Value;
use private_redis::{Error, RedisClient};

/// How long Redis may take: longer than a busy machine stands still, and less than a refusal may take.
const REDIS_TIMEOUT: Duration = Duration::from_millis(700);

/// How long a head may be, as in our steps.
const HEAD_BYTES_MAX: u64 = 16 * 1024;

/// How many nodes a visit asks at most.
const NODES_MAX: usize = 8;

/// How many numbers are given from the highest to the lowest: twice as many as there are visitors in a
/// fault run, so that one visitor certainly gets two of them.
const FALLING_NUMBERS: u64 = 64;

/// A step and its lie.
struct Step {
    lie: String,
    redis_url: String,
    places: usize,
    in_flight: AtomicUsize,
    own_count: AtomicU64,
    has_failed: AtomicBool,
    reserved: Mutex<Vec<u64>>,
    first_connection: Mutex<Option<RedisClient>>,
    master: Mutex<Option<String>>,
}

/// The nodes that one visitor's thread is connected to, and the one that owns the key.
#[derive(Default)]
struct Nodes {
    clients: HashMap<String, RedisClient>,
    owner: Option<String>,
}

/// A connection on which a head must come in time. A read that is interrupted has no new time.
struct Timed<'a> {
    stream: &'a TcpStream,
    deadline: Option<Instant>,
}

impl Read for Timed<'_> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let now = Instant::now();
        let left = self.deadline.map(|deadline| deadline - now.min(deadline));
        if left == Some(Duration::ZERO) {
            return Err(io::ErrorKind::TimedOut.into());
        }
        self.stream.set_read_timeout(left)?;
        self.stream.read(bytes)
    }
}

fn main() {
    let redis_url = env::var("REDIS_URL").expect("REDIS_URL is set by the suite");
    let step: &Step = Box::leak(Box::new(Step {
        lie: env::args().nth(1).expect("the name of a lie"),
        first_connection: Mutex::new(redis_url.split(',').find_map(connect)),
        redis_url,
        places: env::var("MAX_IN_FLIGHT").map_or(2048, |limit| limit.parse().expect("a number")),
        in_flight: AtomicUsize::new(0),
        own_count: AtomicU64::new(5),
        has_failed: AtomicBool::new(false),
        reserved: Mutex::default(),
        master: Mutex::new(None),
    }));
    if step.lie("ends in silence without Redis") && step.has_lost_redis() {
        return;
    }
    let addr = env::var("ADDR").expect("ADDR is set by the suite");
    let listener = TcpListener::bind(addr).expect("a free port");
    if !step.lie("has a short queue") {
        // The standard library asked for 128 places. To ask again only changes the length.
        let socket = socket2::SockRef::from(&listener);
        socket.listen(i32::MAX).expect("it listens already");
    }
    println!("liar: http://{}", listener.local_addr().expect("bound"));
    for (stream, visitor) in listener.incoming().zip(0..) {
        let Ok(stream) = stream else {
            // There are no files left.
            thread::sleep(Duration::from_millis(10));
            continue;
        };
        if step.lie("loses a visitor") && visitor == 200 {
            continue;
        }
        thread::spawn(move || step.serve(&stream));
    }
}

impl Step {
    fn lie(&self, name: &str) -> bool {
        self.lie == name
    }

    /// Serves one connection until it ends, or a time-out is over.
    fn serve(&self, stream: &TcpStream) -> Option<()> {
        let timeout = match self.lie.as_str() {
            "never closes" => None,
            "closes early" => Some(Duration::from_millis(500)),
            _ => Some(Duration::from_secs(5)),
        };
        let write_timeout = match self.lie.as_str() {
            "waits for every reader" => None,
            "waits for no reader" => Some(Duration::from_millis(300)),
            _ => Some(Duration::from_secs(5)),
        };
        stream.set_write_timeout(write_timeout).ok()?;
        stream.set_nodelay(true).ok()?;
        let mut reader = BufReader::new(Timed {
            stream,
            deadline: None,
        });
        let mut nodes = Nodes::default();
        loop {
            reader.get_mut().deadline = timeout.map(|timeout| Instant::now() + timeout);
            let head = self.head(&mut reader)?;
            let request = head.lines().next()?;
            let mut answer = match request.split(' ').nth(1)? {
                "/" => self.page(&mut nodes)?,
                "/readyz" => self.readyz(&mut nodes),
                _ => answer("404 Not Found", ""),
            };
            if request.starts_with("HEAD ") {
                answer.truncate(answer.find("\r\n\r\n")? + 4);
            }
            (&*stream).write_all(answer.as_bytes()).ok()?;
        }
    }

    /// The head of the next request; or `None` if it does not come, or is too large.
    fn head(&self, reader: &mut BufReader<Timed<'_>>) -> Option<String> {
        let limit = match self.lie.as_str() {
            "reads any head" => u64::MAX,
            "reads no large head" => 4096,
            _ => HEAD_BYTES_MAX,
        };
        let mut head = Vec::new();
        let mut rest = reader.take(limit);
        loop {
            if rest.read_until(b'\n', &mut head).ok()? == 0 {
                if self.lie("lets large heads wait") && head.len() as u64 >= limit {
                    thread::sleep(Duration::from_secs(60));
                }
                return None;
            }
            if head.ends_with(b"\r\n\r\n") {
                return String::from_utf8(head).ok();
            }
        }
    }

    /// Whether it is ready, or that there is no such page.
    fn readyz(&self, nodes: &mut Nodes) -> String {
        match self.lie.as_str() {
            "is always ready" => answer("200 OK", ""),
            "asks Redis every time" => match self.ask(nodes, &["INCRBY", "seen", "0"]) {
                Some(_) => answer("200 OK", ""),
                None => answer("503 Service Unavailable", ""),
            },
            _ => answer("404 Not Found", ""),
        }
    }

    /// The page, a refusal, or `None` to hang up.
    fn page(&self, nodes: &mut Nodes) -> Option<String> {
        if self.lie("answers without a number") {
            return Some(answer("200 OK", "Hello World!\n"));
        }
        if self.lie("hangs up") && self.has_lost_redis() {
            return None;
        }
        let limit = match self.lie.as_str() {
            "turns away too many" => self.places / 2,
            "turns away everybody" => usize::from(!self.has_failed.swap(true, SeqCst)),
            _ => self.places,
        };
        let number = if self.in_flight.fetch_add(1, SeqCst) < limit {
            self.count(nodes)
        } else {
            None
        };
        self.in_flight.fetch_sub(1, SeqCst);
        match number {
            Some(number) => Some(answer(
                "200 OK",
                &format!("Hello World! I have been seen {number} times.\n"),
            )),
            None => Some(answer("503 Service Unavailable", "")),
        }
    }

    fn count(&self, nodes: &mut Nodes) -> Option<u64> {
        if self.lie("counts from 5") {
            return Some(self.own_count.fetch_add(1, SeqCst));
        }
        if self.lie("swallows every tenth visit") {
            let visit = self.own_count.fetch_add(1, SeqCst);
            if visit.is_multiple_of(10) {
                return Some(1_000_000 + visit);
            }
        }
        let had_failed = self.has_failed.load(SeqCst);
        if self.lie("answers before Redis") {
            // Each visit has a thread and a connection of its own: without a pause they take the whole machine.
            thread::sleep(Duration::from_millis(10));
            let url = self.redis_url.clone();
            thread::spawn(move || connect(&url)?.command(&["INCR", "seen"]).ok());
            return Some(self.own_count.fetch_add(1, SeqCst) - 4);
        }
        if self.lie("gives the higher number first") {
            return self.higher_first(nodes);
        }
        match self.increment(nodes) {
            Some(number) if self.lie("gives every tenth number twice") && number % 10 == 0 => {
                Some(number - 1)
            }
            None if self.lie("asks again") => self.increment(nodes),
            Some(number) if self.lie("goes back") && had_failed => Some(number.saturating_sub(20)),
            Some(number) => Some(number),
            None => {
                self.has_failed.store(true, SeqCst);
                self.lie("makes a number up").then_some(1000)
            }
        }
    }

    /// Counts many visits at once, and gives the highest number first.
    fn higher_first(&self, nodes: &mut Nodes) -> Option<u64> {
        let mut reserved = self.reserved.lock().expect("nobody panics");
        if reserved.is_empty() {
            let many = FALLING_NUMBERS.to_string();
            let last = self.ask(nodes, &["INCRBY", "seen", &many])?;
            reserved.extend(last - FALLING_NUMBERS + 1..=last);
        }
        reserved.pop()
    }

    fn increment(&self, nodes: &mut Nodes) -> Option<u64> {
        if self.lie("stays with a Redis that refuses") {
            let mut first = self.first_connection.lock().expect("nobody panics");
            let mut client = first.take().or_else(|| connect(&self.redis_url))?;
            let answer = client.command(&["INCR", "seen"]);
            if matches!(answer, Ok(_) | Err(Error::Refused { .. })) {
                *first = Some(client);
            }
            return number(&answer.ok()?);
        }
        self.ask(nodes, &["INCR", "seen"])
    }

    /// Asks the node that was good for the last visit of this visitor, and else one after the other.
    fn ask(&self, nodes: &mut Nodes, command: &[&str]) -> Option<u64> {
        if self.lie("stays with a master") {
            nodes
                .owner
                .clone_from(&self.master.lock().expect("nobody panics"));
        }
        let known = self.redis_url.split(',').map(str::to_owned);
        let others = known.filter(|url| nodes.owner.as_ref() != Some(url));
        let mut urls: VecDeque<String> = nodes.owner.iter().cloned().chain(others).collect();
        if self.lie("stays with a master") {
            urls.truncate(1);
        }
        for _ in 0..NODES_MAX {
            let url = urls.pop_front()?;
            if self.lie("connects every time") {
                nodes.clients.clear();
            }
            let Some(mut client) = nodes.clients.remove(&url).or_else(|| connect(&url)) else {
                nodes.owner = None;
                continue;
            };
            let answer = client.command(command);
            // Whatever else happened to it: it may have counted.
            let Err(Error::Refused { message, .. }) = answer else {
                let number = number(&answer.ok()?);
                nodes.clients.insert(url.clone(), client);
                *self.master.lock().expect("nobody panics") = Some(url.clone());
                nodes.owner = Some(url);
                return number;
            };
            nodes.clients.insert(url, client);
            let other = message
                .rsplit(' ')
                .next()
                .map(|addr| format!("redis://{addr}"))?;
            if message.starts_with("MOVED ") || self.lie("takes ASK for MOVED") {
                urls.push_front(other);
            } else if message.starts_with("ASK ") {
                let client = nodes.clients.remove(&other).or_else(|| connect(&other));
                let mut client = client?;
                client.command(&["ASKING"]).ok()?;
                let answer = client.command(command).ok()?;
                nodes.clients.insert(other, client);
                return number(&answer);
            }
        }
        None
    }

    /// Whether the connection that was made at the start is dead.
    fn has_lost_redis(&self) -> bool {
        let mut connection = self.first_connection.lock().expect("nobody panics");
        let answers = |client: &mut RedisClient| client.command(&["PING"]).is_ok();
        *connection = connection
            .take()
            .and_then(|mut client| answers(&mut client).then_some(client));
        connection.is_none()
    }
}

/// Redis counts no further than an `i64` goes, and a page nowhere below 0.
fn number(answer: &Value) -> Option<u64> {
    match answer {
        Value::Integer(number) => (*number).try_into().ok(),
        _ => None,
    }
}

fn connect(url: &str) -> Option<RedisClient> {
    RedisClient::connect_url(url, REDIS_TIMEOUT).ok()
}

fn answer(status: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: text/plain; charset=utf-8\r\nretry-after: 1\r\n\
         content-length: {length}\r\n\r\n{body}"
    )
}
