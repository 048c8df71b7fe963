//! RESP, the protocol that Redis and its clients speak.
//!
//! A client sends requests, and a server answers each with a value. The rules are those of
//! <https://redis.io/docs/latest/develop/reference/protocol-spec/>: RESP2, and of RESP3 what libraries
//! get that ask for it and count.
//!
//! This is our own, although the `redis` crate has a parser: that crate and the thirty it needs would cost
//! a newcomer's first `cargo xtask run` 20 s of processor time.

use std::io::{self, BufRead, Read};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// How long the line that announces a string or a list may be, in bytes. Redis has the same limit.
const LINE_BYTES_MAX: usize = 64 * 1024;

/// How many bytes the arguments of a request may have together. A server holds on to a request until it
/// is complete, for each client: this and the next limit bound what clients can make it hold.
pub const REQUEST_BYTES_MAX: usize = 64 * 1024;

/// How many arguments a request may have. Each costs memory of its own, however short it is.
pub const ARGUMENTS_MAX: usize = 1024;

/// How much a value may occupy, in bytes.
const VALUE_BYTES_MAX: usize = 1024 * 1024;

/// How deep lists may lie in lists.
const NESTING_MAX: usize = 16;

/// An answer of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// `+OK`: a short text without line breaks.
    Simple(String),
    /// `-ERR …`: an error, without line breaks.
    Error(String),
    /// `:7`: a whole number.
    Integer(i64),
    /// `$3`: bytes.
    Bulk(Vec<u8>),
    /// Nothing: `$-1`, and `_` in RESP3.
    Null,
    /// `*2`: a list.
    Array(Vec<Value>),
    /// `%1`: pairs. RESP2 has none and gets a list of keys and values in turn.
    Map(Vec<(Value, Value)>),
}

impl Value {
    /// The text of a simple or bulk answer, if it is UTF-8.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Value::Simple(text) => Some(text),
            Value::Bulk(bytes) => std::str::from_utf8(bytes).ok(),
            _ => None,
        }
    }

    /// The number of an integer answer.
    pub fn as_integer(&self) -> Option<i64> {
        match self {
            Value::Integer(number) => Some(*number),
            _ => None,
        }
    }

    /// Appends the answer to `out` as it goes over the wire, in RESP3 or else in RESP2.
    pub fn write(&self, resp3: bool, out: &mut Vec<u8>) {
        match self {
            Value::Simple(text) => write_line('+', text, out),
            // A line break inside a line would end it early: it becomes a space, as in Redis.
            Value::Error(text) => write_line('-', text.replace(['\r', '\n'], " "), out),
            Value::Integer(number) => write_line(':', number, out),
            Value::Bulk(bytes) => write_bulk(bytes, out),
            Value::Null if resp3 => write_line('_', "", out),
            Value::Null => write_line('$', -1, out),
            Value::Array(elements) => {
                write_line('*', elements.len(), out);
                elements.iter().for_each(|value| value.write(resp3, out));
            }
            Value::Map(pairs) => {
                match resp3 {
                    true => write_line('%', pairs.len(), out),
                    false => write_line('*', 2 * pairs.len(), out),
                }
                for (key, value) in pairs {
                    key.write(resp3, out);
                    value.write(resp3, out);
                }
            }
        }
    }
}

/// Appends a request to `out`: an array of strings.
pub fn write_request(arguments: &[impl AsRef<[u8]>], out: &mut Vec<u8>) {
    write_line('*', arguments.len(), out);
    for argument in arguments {
        write_bulk(argument.as_ref(), out);
    }
}

fn write_line(mark: char, text: impl std::fmt::Display, out: &mut Vec<u8>) {
    out.extend(format!("{mark}{text}\r\n").bytes());
}

fn write_bulk(bytes: &[u8], out: &mut Vec<u8>) {
    write_line('$', bytes.len(), out);
    out.extend(bytes);
    out.extend(b"\r\n");
}

/// Waits for a value. Of RESP3 it takes what libraries get that ask for it and count.
///
/// # Errors
///
/// `InvalidData` when what comes is none, or too large. `UnexpectedEof` when the connection ends before.
pub fn read_value(reader: &mut impl BufRead) -> io::Result<Value> {
    let mut reader = reader.take(VALUE_BYTES_MAX as u64);
    let value = read_nested(&mut reader, 0);
    match reader.limit() {
        0 => Err(invalid("it is too large")),
        _ => value,
    }
}

fn read_nested(reader: &mut impl BufRead, depth: usize) -> io::Result<Value> {
    let line = read_line(reader, "a line is too long")?;
    let (mark, text) = line
        .split_first()
        .ok_or_else(|| invalid("a line is empty"))?;
    let lossy = || String::from_utf8_lossy(text).into_owned();
    Ok(match mark {
        b'+' => Value::Simple(lossy()),
        b'-' => Value::Error(lossy()),
        b':' => Value::Integer(parse_integer(text).ok_or_else(|| invalid("not a number"))?),
        b'$' | b'*' if text == b"-1" => Value::Null,
        b'_' => Value::Null,
        b'$' => Value::Bulk(read_bulk(reader, parse_length(text, VALUE_BYTES_MAX)?)?),
        b'*' | b'%' if depth == NESTING_MAX => return Err(invalid("lists lie too deep in lists")),
        b'*' => {
            // No room is made for what is only announced.
            let elements = 0..parse_length(text, VALUE_BYTES_MAX)?;
            let elements = elements.map(|_| read_nested(reader, depth + 1));
            Value::Array(elements.collect::<Result<_, _>>()?)
        }
        b'%' => {
            let pairs = 0..parse_length(text, VALUE_BYTES_MAX)?;
            let mut next = || read_nested(reader, depth + 1);
            let pairs = pairs.map(|_| Ok((next()?, next()?)));
            Value::Map(pairs.collect::<io::Result<_>>()?)
        }
        _ => return Err(invalid("no type begins with this byte")),
    })
}

/// Waits for a request. It has at least one argument.
///
/// # Errors
///
/// `InvalidData` when what comes is none, or larger than the limits: in the words of Redis, to be sent to
/// the client with `ERR ` in front. `UnexpectedEof` when the connection ends before.
pub fn read_request(reader: &mut impl BufRead) -> io::Result<Vec<Vec<u8>>> {
    let count = read_announced(reader, b'*')?;
    let count = parse_length(&count, ARGUMENTS_MAX).ok();
    let count = count.filter(|&count| count > 0);
    let mut arguments = Vec::new();
    let mut room = REQUEST_BYTES_MAX;
    for _ in 0..count.ok_or_else(|| invalid("Protocol error: invalid multibulk length"))? {
        let length = read_announced(reader, b'$')?;
        let length = parse_length(&length, room)
            .map_err(|_| invalid("Protocol error: invalid bulk length"))?;
        room -= length;
        arguments.push(read_bulk(reader, length)?);
    }
    Ok(arguments)
}

/// Reads a line that must begin with `mark`, and returns the rest of it.
fn read_announced(reader: &mut impl BufRead, mark: u8) -> io::Result<Vec<u8>> {
    if let Some(&first) = reader.fill_buf()?.first()
        && first != mark
    {
        let (mark, first) = (char::from(mark), char::from(first));
        let what = format!("Protocol error: expected '{mark}', got '{first}'");
        return Err(invalid(&what));
    }
    let too_long = match mark {
        b'*' => "Protocol error: too big mbulk count string",
        _ => "Protocol error: too big bulk count string",
    };
    Ok(read_line(reader, too_long)?.split_off(1))
}

/// Reads a line, without its line break.
fn read_line(reader: &mut impl BufRead, too_long: &str) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    let limit = LINE_BYTES_MAX + 1;
    reader.take(limit as u64).read_until(b'\n', &mut line)?;
    if line.ends_with(b"\r\n") {
        line.truncate(line.len() - 2);
        return Ok(line);
    }
    match line.last() {
        Some(b'\n') => Err(invalid("Protocol error: expected CRLF after a line")),
        _ if line.len() == limit => Err(invalid(too_long)),
        _ => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

fn read_bulk(reader: &mut impl BufRead, length: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; length + 2];
    reader.read_exact(&mut bytes)?;
    // Redis skips the last two bytes, whatever they are. We would rather find out.
    if bytes.split_off(length) != b"\r\n" {
        return Err(invalid("Protocol error: expected CRLF after a bulk string"));
    }
    Ok(bytes)
}

/// Reads a number as strictly as Redis does: no plus sign, no leading zero, no space, no `-0`.
pub(crate) fn parse_integer(text: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(text).ok()?;
    let number: i64 = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}

fn parse_length(text: &[u8], max: usize) -> io::Result<usize> {
    let length = parse_integer(text).and_then(|number| usize::try_from(number).ok());
    length
        .filter(|&length| length <= max)
        .ok_or_else(|| invalid("a length is malformed or too large"))
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

/// A connection whose reads end at a deadline, however little comes how often.
#[derive(Debug)]
pub(crate) struct Timed {
    pub(crate) stream: TcpStream,
    deadline: Instant,
}

impl Timed {
    /// Takes a connection on which nothing may be read yet.
    pub(crate) fn new(stream: TcpStream) -> Timed {
        let deadline = Instant::now();
        Timed { stream, deadline }
    }

    /// From now on, everything that is read must be there within `timeout`.
    pub(crate) fn limit(&mut self, timeout: Duration) {
        self.deadline = Instant::now() + timeout;
    }
}

impl Read for Timed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let left = self.deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(io::ErrorKind::TimedOut.into());
            }
            self.stream.set_read_timeout(Some(left))?;
            match self.stream.read(buffer) {
                // The time is over, or a signal has ended the read before that: the deadline tells.
                Err(error) if is_early(&error) => {}
                result => return result,
            }
        }
    }
}

fn is_early(error: &io::Error) -> bool {
    use io::ErrorKind::{Interrupted, WouldBlock};
    matches!(error.kind(), Interrupted | WouldBlock)
}
