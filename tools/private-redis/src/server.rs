//! A private Redis.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitStatus;
use std::time::Duration;

use processes::{Folder, Output, Process, Signal, free_port, last_lines, poll};

use crate::{Error, RedisClient, RedisProgram, cluster};

/// How long a server may take until it answers `PING`. It is usually there in a few milliseconds;
/// a busy machine and a long append-only file take more.
const START_TIMEOUT: Duration = Duration::from_secs(20);

/// How long a server may take to end when it is asked to.
const STOP_TIMEOUT: Duration = Duration::from_secs(10);

/// How long one question to a server may take.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(2);

/// How long a server may take to say that it is ready. It is asked again, so this may be short.
const READY_TIMEOUT: Duration = Duration::from_millis(250);

/// How often a server is asked whether it is ready.
const POLL_INTERVAL: Duration = Duration::from_millis(5);

/// How many ports are tried: another program may take one after it was found free.
const PORT_TRIES: usize = 5;

/// How many lines of the log an error message carries.
const ERROR_LINES: usize = 20;

/// What survives the end of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// Nothing.
    None,
    /// Every change that was answered, SIGKILL or not: `appendonly yes`, `appendfsync always`.
    /// The embedded server does not have it.
    AppendOnly,
}

/// A private Redis: loopback only, a free port, a temporary folder. When it is dropped, or when we
/// are killed, the server ends and the folder is removed.
#[derive(Debug)]
pub struct RedisServer {
    // Fields are dropped in this order: nobody may write to the folder while it is removed.
    process: Option<Process>,
    folder: Folder,
    program: RedisProgram,
    durability: Durability,
    port: u16,
    /// The port for the other nodes, if this is a node of a cluster.
    bus_port: Option<u16>,
}

impl RedisServer {
    /// Starts a server and waits until it answers `PING`.
    ///
    /// # Errors
    ///
    /// When there is no port or folder, the program does not start, or does not answer.
    pub fn start(program: &RedisProgram, durability: Durability) -> Result<RedisServer, Error> {
        let mut server = RedisServer::reserve(program, durability)?;
        server.start_on_a_free_port()?;
        Ok(server)
    }

    /// Picks a port and makes a folder, but starts nothing:
    /// [`start_again`](RedisServer::start_again) does. Another program can take the port
    /// meanwhile.
    ///
    /// # Errors
    ///
    /// When there is no port or folder.
    pub fn reserve(program: &RedisProgram, durability: Durability) -> Result<RedisServer, Error> {
        Ok(RedisServer {
            process: None,
            folder: Folder::new("seen-redis-")?,
            program: program.clone(),
            durability,
            port: free_port()?,
            bus_port: None,
        })
    }

    /// Starts a server that can be a node of a cluster, and is in none.
    pub(super) fn start_node(program: &RedisProgram) -> Result<Self, Error> {
        let mut server = RedisServer::reserve(program, Durability::None)?;
        server.bus_port = Some(free_port()?);
        server.start_on_a_free_port()?;
        Ok(server)
    }

    /// Starts the server on the same port with the same folder, and waits until it answers
    /// `PING`. One that still runs is killed first.
    ///
    /// # Errors
    ///
    /// When the program does not start, or ends, or is not ready within 20 s: with the last lines of its log.
    pub fn start_again(&mut self) -> Result<(), Error> {
        self.process = None;
        let (program, folder) = (&self.program, self.folder.path());
        let mut command = program.command(self.port, folder, self.durability);
        if let Some(bus_port) = self.bus_port {
            command.args(cluster::node_arguments(bus_port));
        }
        let mut process = Process::spawn(&program.to_string(), command, Output::Capture)?;
        let state = poll(START_TIMEOUT, POLL_INTERVAL, || match process.try_wait() {
            Ok(None) if !self.is_served_by(process.id()) => None,
            ready_or_ended => Some(ready_or_ended),
        });
        let started = state.transpose()?;
        if started == Some(None) {
            self.process = Some(process);
            return Ok(());
        }
        let (port, output) = (self.port, last_lines(&process.output_tail(ERROR_LINES)));
        Err(Error::Failed(match started.flatten() {
            Some(status) => {
                format!("{program} ended ({status}) and does not serve 127.0.0.1:{port}{output}")
            }
            None => format!("{program} does not answer PING on 127.0.0.1:{port}{output}"),
        }))
    }

    /// The address for clients, such as `redis://127.0.0.1:23456`.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// The address for sockets.
    pub fn addr(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// The port that the server listens on while it runs.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The port for the other nodes of a cluster, if this is a node.
    pub(super) fn bus_port(&self) -> Option<u16> {
        self.bus_port
    }

    /// The process number of the server, if it was started and not stopped or killed since.
    pub fn id(&self) -> Option<u32> {
        self.process.as_ref().map(Process::id)
    }

    /// How the server ended, if it ended by itself or somebody else ended it.
    ///
    /// # Errors
    ///
    /// When the operating system refuses.
    pub fn has_ended(&mut self) -> Result<Option<ExitStatus>, Error> {
        let status = self.process.as_mut().map(Process::try_wait);
        Ok(status.transpose()?.flatten())
    }

    /// Where the server keeps what survives it.
    pub fn folder(&self) -> &Folder {
        &self.folder
    }

    /// Asks the server to end and waits until it has. What takes longer than 10 s is killed.
    /// A server that does not run stays that way.
    ///
    /// # Errors
    ///
    /// When the operating system refuses.
    pub fn stop(&mut self) -> Result<(), Error> {
        if let Some(mut process) = self.process.take() {
            process.stop(STOP_TIMEOUT)?;
        }
        Ok(())
    }

    /// Kills the server and waits until it is gone.
    ///
    /// # Errors
    ///
    /// When the operating system refuses.
    pub fn kill(&mut self) -> Result<(), Error> {
        if let Some(mut process) = self.process.take() {
            process.kill()?;
        }
        Ok(())
    }

    /// Freezes the server: it keeps its connections, takes new ones, and answers nobody.
    ///
    /// # Errors
    ///
    /// When it does not run or the operating system refuses.
    pub fn freeze(&self) -> Result<(), Error> {
        self.signal(Signal::Stop)
    }

    /// Lets a frozen server go on.
    ///
    /// # Errors
    ///
    /// When it does not run or the operating system refuses.
    pub fn thaw(&self) -> Result<(), Error> {
        self.signal(Signal::Continue)
    }

    /// Connects to the server. Each question may take 2 s.
    ///
    /// # Errors
    ///
    /// See [`RedisClient::connect_url`].
    pub fn client(&self) -> Result<RedisClient, Error> {
        RedisClient::connect_url(&self.url(), ANSWER_TIMEOUT)
    }

    fn start_on_a_free_port(&mut self) -> Result<(), Error> {
        for _ in 1..PORT_TRIES {
            match self.start_again() {
                Err(Error::Failed(why)) if is_port_in_use(&why) => {
                    self.port = free_port()?;
                    if let Some(port) = &mut self.bus_port {
                        *port = free_port()?;
                    }
                }
                other => return other,
            }
        }
        self.start_again()
    }

    /// Whether the process `id` is what answers. The port alone would not tell: if another program
    /// took it, another Redis answers while our server is just giving up.
    fn is_served_by(&self, id: u32) -> bool {
        // A server that is still loading its file answers `PING` with an error, and so is not
        // connected to.
        let client = RedisClient::connect_url(&self.url(), READY_TIMEOUT);
        let info = client.and_then(|mut client| client.command(&["INFO", "server"]));
        let line = format!("process_id:{id}");
        info.is_ok_and(|info| {
            let mut lines = info.as_text().unwrap_or_default().lines();
            lines.any(|candidate| candidate == line)
        })
    }

    fn signal(&self, signal: Signal) -> Result<(), Error> {
        match &self.process {
            Some(process) => Ok(process.signal(signal)?),
            None => Err(Error::Failed(format!("{} does not run", self.program))),
        }
    }
}

/// redis-server, valkey-server and the standard library all quote the operating system here.
fn is_port_in_use(output: &str) -> bool {
    output.to_lowercase().contains("address already in use")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn a_port_that_is_taken_at_the_last_moment_is_given_up_for_another() {
        let Some(program) = RedisProgram::find() else {
            return;
        };
        let mut server = RedisServer::reserve(&program, Durability::None).unwrap();
        let taken = server.port();
        let _somebody = TcpListener::bind(("127.0.0.1", taken)).unwrap();
        server.start_on_a_free_port().unwrap();
        assert_ne!(server.port(), taken);
    }
}
