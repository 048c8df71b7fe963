//! A step that lies in the one way that its argument names, or is honest. The suite starts it as it
//! starts every step.

use std::{
    env,
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::SeqCst},
    },
    thread,
    time::Duration,
};

use lab::{
    redis::{ClientError, RedisClient},
    resp::Value,
};

/// How long Redis may take.
const REDIS_TIMEOUT: Duration = Duration::from_millis(400);

/// A step and its lie.
struct Step {
    lie: String,
    redis_url: String,
    places: usize,
    in_flight: AtomicUsize,
    own_count: AtomicU64,
    has_failed: AtomicBool,
    kept: Mutex<Option<u64>>,
    first_connection: Mutex<Option<RedisClient>>,
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
        kept: Mutex::new(None),
    }));
    if step.lie("ends in silence without Redis") && step.has_lost_redis() {
        return;
    }
    let addr = env::var("ADDR").expect("ADDR is set by the suite");
    let listener = TcpListener::bind(addr).expect("a free port");
    if !step.lie("has a short queue") {
        // The standard library asked for 128 places. To ask again only changes the length.
        rustix::net::listen(&listener, i32::MAX).expect("it listens already");
    }
    println!("liar: http://{}", listener.local_addr().expect("bound"));
    for (stream, visitor) in listener.incoming().zip(0..) {
        let stream = stream.expect("a visitor");
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

    /// Serves one connection until it ends, or this thread has enough of it.
    fn serve(&self, stream: &TcpStream) -> Option<()> {
        let patience = match self.lie.as_str() {
            "never closes" => None,
            "closes early" => Some(Duration::from_millis(500)),
            _ => Some(Duration::from_secs(5)),
        };
        stream.set_read_timeout(patience).ok()?;
        stream.set_nodelay(true).ok()?;
        let mut lines = BufReader::new(stream).lines();
        let mut redis = None;
        loop {
            let request = lines.next()?.ok()?;
            while !lines.next()?.ok()?.is_empty() {}
            let mut answer = match request.split(' ').nth(1)? {
                "/" => self.page(&mut redis)?,
                _ => answer("404 Not Found", ""),
            };
            if request.starts_with("HEAD ") {
                answer.truncate(answer.find("\r\n\r\n")? + 4);
            }
            (&*stream).write_all(answer.as_bytes()).ok()?;
        }
    }

    /// The page, a refusal, or `None` to hang up.
    fn page(&self, redis: &mut Option<RedisClient>) -> Option<String> {
        if self.lie("hangs up") && self.has_lost_redis() {
            return None;
        }
        let limit = match self.lie.as_str() {
            "turns away too many" => self.places / 2,
            "turns away everybody" => usize::from(!self.has_failed.swap(true, SeqCst)),
            _ => self.places,
        };
        let number = if self.in_flight.fetch_add(1, SeqCst) < limit {
            self.count(redis)
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

    fn count(&self, redis: &mut Option<RedisClient>) -> Option<u64> {
        if self.lie("counts from 5") {
            return Some(self.own_count.fetch_add(1, SeqCst));
        }
        let had_failed = self.has_failed.load(SeqCst);
        if self.lie("answers before Redis") {
            let url = self.redis_url.clone();
            thread::spawn(move || connect(&url)?.command(&["INCR", "seen"]).ok());
            return Some(self.own_count.fetch_add(1, SeqCst) - 4);
        }
        if self.lie("gives the higher number first") {
            return self.higher_first(redis);
        }
        match self.increment(redis) {
            Some(number) if self.lie("gives every tenth number twice") && number % 10 == 0 => {
                Some(number - 1)
            }
            None if self.lie("asks again") => self.increment(redis),
            Some(number) if self.lie("goes back") && had_failed => Some(number.saturating_sub(20)),
            Some(number) => Some(number),
            None => {
                self.has_failed.store(true, SeqCst);
                self.lie("makes a number up").then_some(1000)
            }
        }
    }

    /// Keeps every other number for the next visit.
    fn higher_first(&self, redis: &mut Option<RedisClient>) -> Option<u64> {
        let mut kept = self.kept.lock().expect("nobody panics");
        if let Some(number) = kept.take() {
            return Some(number);
        }
        *kept = Some(self.increment(redis)?);
        self.increment(redis)
    }

    /// Asks the node that was good for the last visit of this visitor, and else one after the other.
    fn increment(&self, redis: &mut Option<RedisClient>) -> Option<u64> {
        let known = redis.take();
        let urls = self.redis_url.split(',');
        let urls = urls.take(if self.lie("knows one node") {
            1
        } else {
            usize::MAX
        });
        for mut client in known.into_iter().chain(urls.filter_map(connect)) {
            match client.command(&["INCR", "seen"]) {
                Ok(Value::Integer(number)) => {
                    *redis = Some(client);
                    return number.try_into().ok();
                }
                // It has refused, and so not counted.
                Err(ClientError::Refused { .. }) => {}
                _ => return None,
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
