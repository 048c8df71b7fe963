//! One client: a connection that is read, answered, and read again, and never waited for.

use std::{
    fmt::Display,
    io::{self, ErrorKind, Read, Write},
};

use mio::{event::Event, net::TcpStream};

use crate::{
    request::{Kind, Request},
    unless_it_blocks,
};

/// How much is read at once. A request of wrk has 40 bytes, one of a browser about 600.
const CHUNK_BYTES: usize = 1024;

/// The longest head of a request.
const HEAD_BYTES_MAX: usize = 16 * 1024;

/// A connection.
pub struct Client {
    stream: TcpStream,
    /// What was read and not yet understood.
    input: Vec<u8>,
    /// What was answered and not yet written.
    output: Vec<u8>,
    /// Whether a read may bring something. The system says once that it does, and not again until
    /// everything has been read.
    may_read: bool,
    /// Whether the other side has said all that it will say.
    is_read_closed: bool,
    /// The visit that waits for its number. Until it has one, nothing more is read: answers leave in
    /// the order of the requests.
    visit: Option<Request>,
    /// Whether the connection ends when everything is written.
    is_last: bool,
}

impl Client {
    pub fn new(stream: TcpStream) -> Self {
        Self {
            stream,
            input: Vec::new(),
            output: Vec::new(),
            may_read: false,
            is_read_closed: false,
            visit: None,
            is_last: false,
        }
    }

    /// Remembers what the system said about the connection.
    pub fn notice(&mut self, event: &Event) {
        self.may_read |= event.is_readable() || event.is_error();
        self.is_read_closed |= event.is_read_closed() || event.is_error();
    }

    /// Answers the visit that waited.
    pub fn answer_visit(&mut self, number: u64, date: &str) {
        let Some(visit) = self.visit.take() else {
            return;
        };
        let body = format!("Hello World! I have been seen {number} times.\n");
        let length = body.len();
        let kind = "content-type: text/plain; charset=utf-8\r\n";
        let status = format_args!("200 OK\r\n{kind}content-length: {length}");
        self.answer(&visit, status, date);
        if visit.kind == Kind::Page {
            self.output.extend_from_slice(body.as_bytes());
        }
    }

    /// Writes, understands and reads in turn, until the connection has nothing more to give. Returns
    /// whether there is now a visit that waits.
    ///
    /// # Errors
    ///
    /// When the connection has ended, or is to end.
    pub fn advance(&mut self, date: &str) -> io::Result<bool> {
        while self.visit.is_none() && self.has_written()? {
            if self.is_last {
                return Err(ErrorKind::ConnectionAborted.into());
            }
            if let Some(request) = Request::parse(&self.input) {
                self.input.drain(..request.length);
                match request.kind {
                    Kind::Page | Kind::HeadOfPage => {
                        self.visit = Some(request);
                        return Ok(true);
                    }
                    Kind::Refused(status) => self.answer(&request, status, date),
                }
            } else if self.may_read {
                self.read()?;
            } else {
                break;
            }
        }
        Ok(false)
    }

    /// Writes the head of an answer into the output.
    fn answer(&mut self, request: &Request, status: impl Display, date: &str) {
        self.is_last = request.is_last;
        let close = match request.is_last {
            true => "connection: close\r\n",
            false => "",
        };
        // Into memory, where there is no error.
        let _ = write!(
            self.output,
            "HTTP/1.1 {status}\r\n{close}date: {date}\r\n\r\n"
        );
    }

    /// Reads a piece.
    fn read(&mut self) -> io::Result<()> {
        let mut chunk = [0; CHUNK_BYTES];
        match unless_it_blocks(|| self.stream.read(&mut chunk))? {
            None => self.may_read = false,
            Some(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Some(length) => {
                // Less than there was room for is all there was; to ask again would cost as much as
                // the answer. Only the end does not announce itself twice.
                self.may_read = length == CHUNK_BYTES || self.is_read_closed;
                self.input.extend_from_slice(&chunk[..length]);
            }
        }
        match self.input.len() > HEAD_BYTES_MAX {
            true => Err(ErrorKind::FileTooLarge.into()),
            false => Ok(()),
        }
    }

    /// Writes what there is to write. Returns whether that was possible.
    fn has_written(&mut self) -> io::Result<bool> {
        while !self.output.is_empty() {
            match unless_it_blocks(|| self.stream.write(&self.output))? {
                Some(length) => drop(self.output.drain(..length)),
                None => return Ok(false),
            }
        }
        Ok(true)
    }
}
