//! The conversation with one client.

use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::store::Store;
use super::{CONNECTIONS_MAX, QUIET_TIMEOUT, WRITE_TIMEOUT, commands, connections};
use crate::resp::{Timed, Value, read_request};

/// How many bytes of answers are gathered at most before they are sent.
const ANSWER_BYTES: usize = 64 * 1024;

/// How long a client whose connection has ended may go on sending before it is closed.
const PARTING_TIMEOUT: Duration = Duration::from_secs(1);

/// A connection on which answers wait to be sent until the client has to be waited for: so requests that
/// came together are answered together.
struct Connection {
    input: Timed,
    answers: Vec<u8>,
}

impl Connection {
    fn send(&mut self) -> io::Result<()> {
        // No room is kept that may not be needed again.
        let answers = std::mem::take(&mut self.answers);
        self.input.stream.write_all(&answers)
    }
}

impl Read for Connection {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.send()?;
        self.input.read(buffer)
    }
}

/// Answers a client until it goes, or has to go.
pub(super) fn answer_all(stream: TcpStream, id: i64, store: &Arc<Mutex<Store>>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    stream.set_write_timeout(Some(WRITE_TIMEOUT))?;
    let mut client = BufReader::new(Connection {
        input: Timed::new(stream),
        answers: Vec::new(),
    });
    let mut session = commands::Session { id, resp3: false };
    let mut was_served = false;
    while is_there(&mut client, was_served, store)? {
        // The time for the request begins with its first byte.
        client.get_mut().input.limit(QUIET_TIMEOUT);
        let request = match read_request(&mut client) {
            Err(error) if error.kind() == ErrorKind::InvalidData => {
                let error = Value::Error(format!("ERR {error}"));
                error.write(session.resp3, &mut client.get_mut().answers);
                return part(client.into_inner());
            }
            request => request?,
        };
        // A command that panicked has ended its own connection, not everybody's.
        let mut store = store.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = commands::run(&mut session, &mut store, &request);
        let answer = answer.unwrap_or_else(Value::Error);
        drop(store);
        was_served = true;
        let connection = client.get_mut();
        answer.write(session.resp3, &mut connection.answers);
        if connection.answers.len() >= ANSWER_BYTES {
            connection.send()?;
        }
    }
    Ok(())
}

/// Waits for the next request to begin. Returns whether there will be one: the client may have gone, or
/// been silent for longer than it may.
fn is_there(
    client: &mut BufReader<Connection>,
    was_served: bool,
    store: &Arc<Mutex<Store>>,
) -> io::Result<bool> {
    loop {
        client.get_mut().input.limit(QUIET_TIMEOUT);
        match client.fill_buf() {
            Ok(bytes) => return Ok(!bytes.is_empty()),
            Err(error) if error.kind() != ErrorKind::TimedOut => return Err(error),
            Err(_) if was_served && connections(store) <= CONNECTIONS_MAX / 2 => {}
            Err(_) => return Ok(false),
        }
    }
}

/// Ends the connection so that the client can still read the last answer. To close it while
/// something unread has arrived would reset it, and with that destroy what is on its way.
fn part(mut connection: Connection) -> io::Result<()> {
    connection.send()?;
    connection.input.stream.shutdown(Shutdown::Write)?;
    connection.input.limit(PARTING_TIMEOUT);
    io::copy(&mut connection.input, &mut io::sink())?;
    Ok(())
}
