//! Clients that misbehave, hundreds of them in one thread: none of their calls ever waits.

use std::{
    io::{self, ErrorKind, Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    time::Duration,
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
pub(crate) struct Client {
    stream: Option<TcpStream>,
    /// How many bytes the server, or the kernel on its behalf, has taken.
    pub(crate) sent: usize,
    /// The beginning of what came back.
    pub(crate) received: Vec<u8>,
}

impl Client {
    /// Begins to connect.
    pub(crate) fn open(addr: SocketAddr) -> io::Result<Self> {
        Self::connect(socket()?, addr)
    }

    /// Begins to connect, with as little room for answers as can be had: small buffers on this side, and
    /// on the other those that go with small packets.
    pub(crate) fn open_narrow(addr: SocketAddr) -> io::Result<Self> {
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
    pub(crate) fn send(&mut self, bytes: &[u8]) -> usize {
        let count = self.now(|stream| stream.write(bytes)).unwrap_or(0);
        self.sent += count;
        count
    }

    /// Reads what is there.
    pub(crate) fn receive(&mut self) {
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
    pub(crate) fn is_closed(&mut self) -> bool {
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
