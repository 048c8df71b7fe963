//! The conversation with one client.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::commands;
use super::store::Store;
use super::{QUIET_TIMEOUT, WRITE_TIMEOUT, is_crowded};
use crate::resp::{Protocol, RequestReader, Value};

/// How many bytes are read at once.
const READ_BYTES: usize = 16 * 1024;

/// How many bytes of answers are gathered at most before they are sent.
const ANSWER_BYTES: usize = 64 * 1024;

/// How long a client whose connection has ended may go on sending before it is closed.
const PARTING_TIMEOUT: Duration = Duration::from_secs(1);

/// What the server knows of one client.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) id: i64,
    pub(super) name: Vec<u8>,
    pub(super) protocol: Protocol,
    /// Whether a request was answered already.
    was_served: bool,
    /// Whether the connection ends after the next answer.
    pub(super) is_over: bool,
}

/// Answers a client until it goes.
pub(super) fn converse(stream: TcpStream, id: i64, store: &Arc<Mutex<Store>>) {
    let session = Session {
        id,
        name: Vec::new(),
        protocol: Protocol::Resp2,
        was_served: false,
        is_over: false,
    };
    // A connection that breaks ends, and that is all there is to do about it.
    let _ = answer_all(stream, session, store);
}

fn answer_all(
    mut stream: TcpStream,
    mut session: Session,
    store: &Arc<Mutex<Store>>,
) -> io::Result<()> {
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(QUIET_TIMEOUT))?;
    stream.set_write_timeout(Some(WRITE_TIMEOUT))?;
    let mut reader = RequestReader::default();
    let mut bytes = [0; READ_BYTES];
    // When the last request was answered, or the next one began.
    let mut since = Instant::now();
    while !session.is_over {
        match stream.read(&mut bytes) {
            Ok(0) => return Ok(()),
            Ok(count) => {
                if session.was_served && reader.is_empty() {
                    since = Instant::now();
                }
                reader.push(&bytes[..count]);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            // How the systems say that nothing came in time.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) if error.kind() == io::ErrorKind::TimedOut => {}
            Err(error) => return Err(error),
        }
        // Requests that came together are answered together. No more room is kept than that needs.
        let mut answers = Vec::new();
        while !session.is_over && answer_next(&mut reader, &mut session, store, &mut answers) {
            since = Instant::now();
            if answers.len() >= ANSWER_BYTES {
                stream.write_all(&answers)?;
                answers.clear();
            }
        }
        stream.write_all(&answers)?;
        let may_wait = session.was_served && reader.is_empty() && !is_crowded(store);
        if since.elapsed() >= QUIET_TIMEOUT && !may_wait {
            return Ok(());
        }
    }
    part(&mut stream)
}

/// Ends the connection so that the client can still read the last answer. To close it while
/// something unread has arrived would reset it, and with that destroy what is on its way.
fn part(stream: &mut TcpStream) -> io::Result<()> {
    stream.shutdown(Shutdown::Write)?;
    stream.set_read_timeout(Some(PARTING_TIMEOUT))?;
    let started = Instant::now();
    let mut bytes = [0; READ_BYTES];
    while started.elapsed() < PARTING_TIMEOUT && stream.read(&mut bytes)? > 0 {}
    Ok(())
}

/// Answers the next request that has arrived whole, or returns false when there is none.
fn answer_next(
    reader: &mut RequestReader,
    session: &mut Session,
    store: &Mutex<Store>,
    answers: &mut Vec<u8>,
) -> bool {
    let answer = match reader.next_request() {
        Ok(None) => return false,
        Ok(Some(arguments)) if is_http(&arguments[0]) => {
            session.is_over = true;
            return false;
        }
        Ok(Some(arguments)) => {
            // A command that panicked has ended its own connection, not everybody's.
            let mut store = store.lock().unwrap_or_else(PoisonError::into_inner);
            session.was_served = true;
            commands::run(session, &mut store, &arguments)
        }
        Err(message) => {
            session.is_over = true;
            Value::Error(format!("ERR {message}"))
        }
    };
    answer.write(session.protocol, answers);
    true
}

/// Whether this is a browser: a web page may make it send a form to any port of this machine,
/// with commands for us in its body. Redis hangs up as well.
fn is_http(command: &[u8]) -> bool {
    command.eq_ignore_ascii_case(b"POST") || command.eq_ignore_ascii_case(b"Host:")
}
