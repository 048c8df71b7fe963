//! Clients that misbehave, hundreds of them in one thread: none of their calls ever waits.

use std::{
    io::{self, ErrorKind, Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    thread,
    time::{Duration, Instant},
};

use socket2::{Domain, Socket, Type};

/// Where these clients come from. All others come from 127.0.0.1.
const ADDRESS: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

/// How long a client waits for its connection after all: on this machine, it is there at once or the
/// listen backlog is full.
const CONNECT_TIMEOUT: Duration = Duration::from_millis(1);

/// More of an answer than any check reads.
const RECEIVED_MAX: usize = 1024;

/// The buffers and the packets of a client that takes no more of the answers than it must.
const NARROW_BYTES: usize = 4096;
const PACKET_BYTES: u32 = 536;

/// A client that does not wait, be it for the connection, for room to write or for an answer.
pub struct Client {
    stream: Option<TcpStream>,
    /// How many bytes the server, or the kernel on its behalf, has taken.
    pub sent: usize,
    /// The beginning of what came back.
    pub received: Vec<u8>,
}

impl Client {
    /// Begins to connect.
    ///
    /// # Errors
    ///
    /// When the operating system refuses, or nobody listens there.
    pub fn open(addr: SocketAddr) -> io::Result<Self> {
        Self::connect(socket()?, addr)
    }

    /// Begins to connect, with as little room for answers as can be had: small buffers on this side, and
    /// on the other those that go with small packets.
    ///
    /// # Errors
    ///
    /// When the operating system refuses, or nobody listens there.
    pub fn open_narrow(addr: SocketAddr) -> io::Result<Self> {
        let socket = socket()?;
        socket.set_recv_buffer_size(NARROW_BYTES)?;
        socket.set_send_buffer_size(NARROW_BYTES)?;
        socket.set_tcp_mss(PACKET_BYTES)?;
        Self::connect(socket, addr)
    }

    fn connect(socket: Socket, addr: SocketAddr) -> io::Result<Self> {
        match socket.connect_timeout(&addr.into(), CONNECT_TIMEOUT) {
            // The kernel goes on trying.
            Err(error) if error.kind() == ErrorKind::TimedOut => {}
            connected => connected?,
        }
        let stream = TcpStream::from(socket);
        stream.set_nonblocking(true)?;
        Ok(Self {
            stream: Some(stream),
            sent: 0,
            received: Vec::new(),
        })
    }

    /// Sends what there is room for, and says how much that was.
    pub fn send(&mut self, bytes: &[u8]) -> usize {
        let count = self.now(|stream| stream.write(bytes)).unwrap_or(0);
        self.sent += count;
        count
    }

    /// Reads what is there.
    pub fn receive(&mut self) {
        let mut bytes = [0; 4096];
        while let Some(count) = self.now(|stream| stream.read(&mut bytes)) {
            if count == 0 {
                self.stream = None;
            }
            let room = RECEIVED_MAX.saturating_sub(self.received.len());
            self.received.extend_from_slice(&bytes[..count.min(room)]);
        }
    }

    /// Whether the server has closed or reset the connection, as far as this client has noticed.
    pub fn is_closed(&mut self) -> bool {
        if let Some(Ok(Some(_))) = self.stream.as_ref().map(TcpStream::take_error) {
            self.stream = None;
        }
        self.stream.is_none()
    }

    /// What can be done at once, if anything can. An error that says anything but "not now" is the end of
    /// the connection.
    fn now(&mut self, call: impl FnOnce(&mut TcpStream) -> io::Result<usize>) -> Option<usize> {
        use ErrorKind::{Interrupted, NotConnected, WouldBlock};
        let error = match call(self.stream.as_mut()?) {
            Ok(count) => return Some(count),
            Err(error) => error.kind(),
        };
        if !matches!(error, WouldBlock | NotConnected | Interrupted) {
            self.stream = None;
        }
        None
    }
}

/// A socket at the address of these clients. Elsewhere than on Linux this machine has only one.
fn socket() -> io::Result<Socket> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    if cfg!(target_os = "linux") {
        socket.bind(&SocketAddr::from((ADDRESS, 0)).into())?;
    }
    Ok(socket)
}

/// How long it may take until there is no room left for the answers of slow readers, and how long nothing
/// moves then.
const FILL_TIMEOUT: Duration = Duration::from_secs(30);
const STALL: Duration = Duration::from_secs(1);

/// Clients that ask and ask and never read, until they are no longer answered, because there is no room
/// left for their answers.
///
/// # Errors
///
/// When one cannot connect, or they are still answered after 30 s.
pub fn slow_readers(addr: SocketAddr, count: usize) -> io::Result<Vec<Client>> {
    // No visit: an answer is an answer, and this one costs least. And a long request, so that no
    // thousands of them wait to be read.
    let pad = "x".repeat(500);
    let request = format!("GET /none HTTP/1.1\r\nhost: slow\r\nx-pad: {pad}\r\n\r\n");
    let requests = request.repeat(100).into_bytes();
    let readers = (0..count).map(|_| Client::open_narrow(addr));
    let mut readers = readers.collect::<Result<Vec<_>, _>>()?;
    let deadline = Instant::now() + FILL_TIMEOUT;
    let mut last_progress = Instant::now();
    while last_progress.elapsed() < STALL {
        for reader in &mut readers {
            if reader.send(&requests[reader.sent % requests.len()..]) > 0 {
                last_progress = Instant::now();
            }
        }
        if Instant::now() > deadline {
            return Err(io::Error::other(format!(
                "{count} clients that do not read are answered for {FILL_TIMEOUT:?}"
            )));
        }
        thread::sleep(Duration::from_millis(2));
    }
    Ok(readers)
}
