//! A small blocking HTTP/1.1 client that trusts nobody: it has a time-out and a limit for everything,
//! and an answer that is not well-formed is an error.

use std::{
    fmt,
    io::{self, BufRead, BufReader, Read, Write},
    net::{Shutdown, SocketAddr, TcpStream},
    time::{Duration, Instant},
};

use crate::{
    framing::{self, Framing, malformed},
    url::Url,
};

/// How long a connection may take to be accepted.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long an answer may take, unless the caller is in more of a hurry.
pub const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// More than any server that counts has to say.
const ANSWER_BYTES_MAX: u64 = 64 * 1024;

/// What a client sends who is slow, or never means to send the rest.
pub const HALF_A_REQUEST: &[u8] = b"GET / HTTP/1.1\r\nhost: ";

/// The rest.
pub const REST_OF_A_REQUEST: &[u8] = b"half\r\n\r\n";

/// An answer, whole.
#[derive(Clone, Debug, Default)]
pub struct Response {
    /// The status code, such as 200.
    pub status: u16,
    /// The header lines in their order.
    pub headers: Vec<(String, String)>,
    /// Whether the server means to answer more on this connection.
    pub keeps_open: bool,
    /// The body, without its framing.
    pub body: Vec<u8>,
    /// How long it took, from the last byte of the request to the last of the answer.
    pub took: Duration,
}

impl Response {
    /// The value of the first header with that name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.values(name).next()
    }

    /// The values of all headers with that name.
    pub(crate) fn values(&self, name: &str) -> impl Iterator<Item = &str> {
        let named = self.headers.iter();
        let named = named.filter(move |(candidate, _)| candidate.eq_ignore_ascii_case(name));
        named.map(|(_, value)| value.as_str())
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Whether it admits a failure (5xx).
    pub fn is_failure(&self) -> bool {
        (500..=599).contains(&self.status)
    }

    /// Whether it is a refusal that is in order: 503, with `Retry-After` in seconds.
    pub fn turns_away(&self) -> bool {
        let seconds = self.header("retry-after").map(str::parse::<u32>);
        self.status == 503 && matches!(seconds, Some(Ok(_)))
    }

    /// The number on the page, if this is the page and every letter of it is right.
    pub fn seen(&self) -> Option<u64> {
        let text = self.text();
        let number = text
            .strip_prefix("Hello World! I have been seen ")?
            .strip_suffix(" times.\n")?;
        // `parse` would also take `+1` and `007`. Redis counts no further than an `i64` goes.
        let parsed = number.parse::<i64>().ok()?.try_into().ok()?;
        let is_exact = |parsed: &u64| self.status == 200 && parsed.to_string() == number;
        Some(parsed).filter(is_exact)
    }
}

/// As one would see it on a terminal, a body that is too long cut short.
impl fmt::Display for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "HTTP {} after {} ms", self.status, self.took.as_millis())?;
        for (name, value) in &self.headers {
            writeln!(f, "{name}: {value}")?;
        }
        let text: String = self.text().chars().take(200).collect();
        write!(f, "\n{}", text.trim_end())
    }
}

/// Asks for a page once, on a connection of its own.
///
/// # Errors
///
/// When nobody accepts within `timeout`, or there is no whole, well-formed answer within that time.
pub fn get(url: &Url, timeout: Duration) -> io::Result<Response> {
    let mut connection = Connection::open_within(url.addr()?, timeout)?;
    connection.host.clone_from(&url.authority);
    connection.ask_within("GET", &url.path, timeout)
}

/// A connection to a server. It stays open between requests as long as the server wants it to.
pub struct Connection {
    addr: SocketAddr,
    host: String,
    wire: BufReader<Wire>,
    is_open: bool,
}

impl Connection {
    /// Connects.
    ///
    /// # Errors
    ///
    /// When nobody accepts within 5 s.
    pub fn open(addr: SocketAddr) -> io::Result<Self> {
        Self::open_within(addr, CONNECT_TIMEOUT)
    }

    /// Connects.
    ///
    /// # Errors
    ///
    /// When nobody accepts within `timeout`.
    pub fn open_within(addr: SocketAddr, timeout: Duration) -> io::Result<Self> {
        Ok(Self {
            addr,
            host: addr.to_string(),
            wire: Wire::open(addr, timeout)?,
            is_open: true,
        })
    }

    /// Asks and waits for the answer. A connection that the server closed after the last answer, and
    /// said so, is opened anew.
    ///
    /// # Errors
    ///
    /// When there is no whole, well-formed answer within 10 s.
    pub fn ask(&mut self, method: &str, path: &str) -> io::Result<Response> {
        self.ask_within(method, path, ANSWER_TIMEOUT)
    }

    /// The same, for who is in more of a hurry.
    ///
    /// # Errors
    ///
    /// When there is no whole, well-formed answer within `timeout`.
    pub fn ask_within(
        &mut self,
        method: &str,
        path: &str,
        timeout: Duration,
    ) -> io::Result<Response> {
        if !self.is_open {
            self.wire = Wire::open(self.addr, CONNECT_TIMEOUT)?;
        }
        self.send(method, path)?;
        self.receive(method, timeout)
    }

    /// Sends a request and does not wait.
    ///
    /// # Errors
    ///
    /// When the connection is broken.
    pub fn send(&mut self, method: &str, path: &str) -> io::Result<()> {
        let host = &self.host;
        let request = format!("{method} {path} HTTP/1.1\r\nhost: {host}\r\n\r\n");
        self.send_bytes(request.as_bytes())
    }

    /// Sends these bytes and nothing else.
    ///
    /// # Errors
    ///
    /// When the connection is broken.
    pub fn send_bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        let wire = self.wire.get_mut();
        wire.received = 0;
        wire.stream.write_all(bytes)
    }

    /// Says that nothing more will be sent. Answers can still come.
    ///
    /// # Errors
    ///
    /// When the connection is broken.
    pub fn close_own_side(&mut self) -> io::Result<()> {
        self.wire.get_mut().stream.shutdown(Shutdown::Write)
    }

    /// Waits for the answer to the one request that was sent.
    ///
    /// # Errors
    ///
    /// When there is no whole, well-formed answer within `timeout`, or something follows it.
    pub fn receive(&mut self, method: &str, timeout: Duration) -> io::Result<Response> {
        let started = Instant::now();
        self.wire.get_mut().deadline = started + timeout;
        let mut response = self.read_head()?;
        self.is_open = response.keeps_open;
        response.body = self.read_body(framing::of(&response, method)?)?;
        response.took = started.elapsed();
        match self.wire.buffer().len() {
            0 => Ok(response),
            rest => Err(malformed(format_args!(
                "{rest} bytes follow it that nobody asked for"
            ))),
        }
    }

    /// Whether the server has closed the connection by now. Does not wait; what was sent is skipped.
    ///
    /// # Errors
    ///
    /// When the operating system does not say.
    pub fn is_closed(&mut self) -> io::Result<bool> {
        let stream = &mut self.wire.get_mut().stream;
        stream.set_nonblocking(true)?;
        let is_closed = loop {
            match stream.read(&mut [0; 4096]) {
                Ok(0) => break true,
                Ok(_) => {}
                Err(error) => break error.kind() != io::ErrorKind::WouldBlock,
            }
        };
        stream.set_nonblocking(false)?;
        Ok(is_closed)
    }

    /// Whether some of the answer to what was last sent came, be it whole or not.
    pub fn has_begun(&self) -> bool {
        self.wire.get_ref().received > 0
    }

    /// Whether the server means to answer more on this connection.
    pub fn is_open(&self) -> bool {
        self.is_open
    }

    /// Reads line by line, so that what is no HTTP is found out at once.
    fn read_head(&mut self) -> io::Result<Response> {
        let mut bytes = Vec::new();
        loop {
            self.read_line(&mut bytes)?;
            if let Some(head) = framing::parse_head(&bytes)? {
                return Ok(head);
            }
        }
    }

    fn read_body(&mut self, framing: Framing) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        match framing {
            Framing::Length(length) => self.read_exactly(length, &mut body)?,
            Framing::UntilClosed => {
                self.wire.read_to_end(&mut body)?;
                self.is_open = false;
            }
            Framing::Chunks => loop {
                let mut line = Vec::new();
                self.read_line(&mut line)?;
                let length = framing::chunk_length(&line)?;
                self.read_exactly(length.saturating_add(2), &mut body)?;
                if !body.ends_with(b"\r\n") {
                    return Err(malformed("a chunk without an end"));
                }
                body.truncate(body.len() - 2);
                if length == 0 {
                    break;
                }
            },
        }
        Ok(body)
    }

    /// Reads a line to the end of `bytes`. Some parsers forgive an end without a carriage return; two
    /// servers in a row that disagree on it see different answers.
    fn read_line(&mut self, bytes: &mut Vec<u8>) -> io::Result<()> {
        let start = bytes.len();
        self.wire.read_until(b'\n', bytes)?;
        match &bytes[start..] {
            line if line.ends_with(b"\r\n") => Ok(()),
            line if line.ends_with(b"\n") => {
                Err(malformed("a line ends without a carriage return"))
            }
            _ => Err(self.cut_short()),
        }
    }

    fn read_exactly(&mut self, length: u64, bytes: &mut Vec<u8>) -> io::Result<()> {
        if length > ANSWER_BYTES_MAX {
            return Err(malformed(format_args!("a body of {length} bytes")));
        }
        match self.wire.by_ref().take(length).read_to_end(bytes)? {
            read if read as u64 == length => Ok(()),
            _ => Err(self.cut_short()),
        }
    }

    fn cut_short(&self) -> io::Error {
        let message = match self.wire.get_ref().received {
            0 => "closed without an answer".to_owned(),
            length => format!("closed in the middle of an answer, after {length} bytes"),
        };
        io::Error::new(io::ErrorKind::UnexpectedEof, message)
    }
}

/// The receiving side of a connection, with a time-out and a limit for all that is read for one answer.
struct Wire {
    stream: TcpStream,
    deadline: Instant,
    /// How many bytes of this answer came so far.
    received: u64,
}

impl Wire {
    fn open(addr: SocketAddr, timeout: Duration) -> io::Result<BufReader<Self>> {
        let stream = TcpStream::connect_timeout(&addr, timeout)?;
        stream.set_nodelay(true)?;
        stream.set_write_timeout(Some(ANSWER_TIMEOUT))?;
        Ok(BufReader::new(Self {
            stream,
            deadline: Instant::now(),
            received: 0,
        }))
    }
}

impl Read for Wire {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let late = || io::Error::new(io::ErrorKind::TimedOut, "no answer in time");
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(late());
        }
        if self.received > ANSWER_BYTES_MAX {
            return Err(malformed("an answer without end"));
        }
        self.stream.set_read_timeout(Some(left))?;
        match self.stream.read(bytes) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Err(late()),
            read => read.inspect(|count| self.received += *count as u64),
        }
    }
}
