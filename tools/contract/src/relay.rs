//! A name for Redis that can lead elsewhere: a port that forwards to one server, and then to another.

use std::{
    io::{self, Read, Write},
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    thread,
    time::Duration,
};

/// How often a connection on which nothing happens looks whether all is over.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// A port that forwards to a server. It ends with this.
pub(crate) struct Relay {
    addr: SocketAddr,
    wire: Arc<Wire>,
}

struct Wire {
    target: Mutex<SocketAddr>,
    /// How many connections were accepted, and how many of them, the first ones, are silent.
    accepted: AtomicUsize,
    silent: AtomicUsize,
    is_over: AtomicBool,
}

impl Relay {
    /// Forwards to `target` what comes to a port of its own.
    pub(crate) fn start(target: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let addr = listener.local_addr()?;
        let wire = Arc::new(Wire {
            target: Mutex::new(target),
            accepted: AtomicUsize::new(0),
            silent: AtomicUsize::new(0),
            is_over: AtomicBool::new(false),
        });
        let accepting = wire.clone();
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if accepting.is_over.load(SeqCst) {
                    return;
                }
                // A client whose server is not there is closed, as it would be without us.
                let _ = accepting.forward(client);
            }
        });
        Ok(Self { addr, wire })
    }

    /// The address for clients of Redis.
    pub(crate) fn url(&self) -> String {
        format!("redis://{}", self.addr)
    }

    /// From now on, new connections lead to `target`. The old ones stay where they are.
    pub(crate) fn lead_to(&self, target: SocketAddr) {
        *self
            .wire
            .target
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = target;
    }

    /// From now on, nothing comes through on the connections that there are: neither a byte nor the end.
    /// It is what a client sees of a machine that has lost its power.
    pub(crate) fn silence(&self) {
        self.wire
            .silent
            .store(self.wire.accepted.load(SeqCst), SeqCst);
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.wire.is_over.store(true, SeqCst);
        // It waits for a client, so here is one.
        let _ = TcpStream::connect(self.addr);
    }
}

impl Wire {
    fn forward(self: &Arc<Self>, client: TcpStream) -> io::Result<()> {
        let number = self.accepted.fetch_add(1, SeqCst);
        let target = *self.target.lock().unwrap_or_else(PoisonError::into_inner);
        let server = TcpStream::connect(target)?;
        for stream in [&client, &server] {
            stream.set_nodelay(true)?;
            stream.set_read_timeout(Some(POLL_INTERVAL))?;
        }
        let ways = [(client.try_clone()?, server.try_clone()?), (server, client)];
        for (from, to) in ways {
            let wire = self.clone();
            thread::spawn(move || wire.pump(number, from, to));
        }
        Ok(())
    }

    /// Forwards in one direction until the connection ends.
    fn pump(&self, number: usize, mut from: TcpStream, mut to: TcpStream) {
        let mut bytes = [0; 16 * 1024];
        while !self.is_over.load(SeqCst) {
            let read = from.read(&mut bytes);
            let is_silent = || number < self.silent.load(SeqCst);
            match read {
                Ok(_) if is_silent() => thread::sleep(POLL_INTERVAL),
                Ok(0) => break,
                Ok(count) if to.write_all(&bytes[..count]).is_ok() => {}
                Err(error)
                    if matches!(
                        error.kind(),
                        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
                    ) => {}
                _ => break,
            }
        }
        // The other direction may have something to say yet.
        let _ = to.shutdown(Shutdown::Write);
    }
}
