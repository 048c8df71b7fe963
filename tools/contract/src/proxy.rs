//! `cargo xtask check --proxy`: whether a proxy sends a visit a second time.
//!
//! That is a question to the proxy and not to a step, so the suite takes the place of the servers behind
//! it. They count each visit that reaches them, and then, one visit at a time, something happens to the
//! answer. A proxy cannot know whether such a visit was counted. If it asks another server, one visitor is
//! counted twice.

use std::{
    io::{self, BufRead, BufReader, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering::SeqCst},
    },
    thread,
    time::Duration,
};

use load::Connection;
use processes::poll;
use socket2::SockRef;

use crate::finding::{Checked, Finding, Verdict, broken, has, lacks};

/// The name of the row.
pub const ID: &str = "counts-once-behind-a-proxy";

/// What it means.
pub const STATEMENT: &str = "a visit reaches one server, once: also when the server hangs up, says nothing or refuses after it has counted";

/// How long the proxy may take to find out that its servers are there.
const START_TIMEOUT: Duration = Duration::from_secs(15);

/// How long a visit may take. A proxy waits a minute for a silent server if it is not told otherwise.
const VISIT_TIMEOUT: Duration = Duration::from_secs(65);

/// How often it is tried and looked.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// How long a visit that was answered may still be under way to another server.
const SETTLE_TIME: Duration = Duration::from_millis(100);

/// What happens to the answer of a visit that was counted.
#[derive(Clone, Copy, Debug)]
enum Trouble {
    HangsUp,
    Resets,
    HalfAnswer,
    SaysNothing,
    Status(u16),
}

impl Trouble {
    const ALL: [Self; 7] = [
        Self::HangsUp,
        Self::Resets,
        Self::HalfAnswer,
        Self::SaysNothing,
        Self::Status(500),
        Self::Status(502),
        Self::Status(503),
    ];

    fn name(self) -> String {
        match self {
            Self::HangsUp => "hung up".into(),
            Self::Resets => "reset the connection".into(),
            Self::HalfAnswer => "hung up in the middle of its answer".into(),
            Self::SaysNothing => "said nothing".into(),
            Self::Status(status) => format!("answered {status}"),
        }
    }
}

/// What the servers behind the proxy have in common.
#[derive(Default)]
struct Servers {
    /// How many visits have reached one of them.
    counted: AtomicU64,
    /// What happens to the next one.
    trouble: Mutex<Option<Trouble>>,
    /// Whether nobody needs them any more.
    over: AtomicBool,
}

/// Stands in for the servers at `upstreams` of the proxy at `proxy`, and finds out whether it sends each
/// visit once.
pub fn check(proxy: SocketAddr, upstreams: &[SocketAddr]) -> Finding {
    let found = try_check(proxy, upstreams);
    found.map_or_else(|finding| finding, |()| Finding::new(Verdict::Has, ""))
}

fn try_check(proxy: SocketAddr, upstreams: &[SocketAddr]) -> Checked {
    let listeners = upstreams.iter().map(|&addr| {
        TcpListener::bind(addr).or_else(|error| {
            broken(format!(
                "cannot take the place of a server at {addr}: {error}; stop the server behind the proxy first"
            ))
        })
    });
    let listeners = listeners.collect::<Checked<Vec<TcpListener>>>()?;
    let servers = Servers::default();
    thread::scope(|scope| {
        let servers = &servers;
        for listener in &listeners {
            scope.spawn(move || {
                for stream in listener.incoming() {
                    if servers.over.load(SeqCst) {
                        return;
                    }
                    let Ok(stream) = stream else { continue };
                    scope.spawn(move || servers.serve(&stream));
                }
            });
        }
        let found = visits(proxy, servers);
        servers.over.store(true, SeqCst);
        for addr in upstreams {
            // It waits for somebody to come.
            drop(TcpStream::connect(addr));
        }
        found
    })
}

/// Visits through the proxy, with each trouble, on a new connection and on one that has been used.
fn visits(proxy: SocketAddr, servers: &Servers) -> Checked {
    let first = poll(START_TIMEOUT, POLL_INTERVAL, || {
        let mut connection = Connection::open(proxy).ok()?;
        connection.ask("GET", "/").ok()?.seen()
    });
    if first.is_none() {
        return broken(format!(
            "no visit came through {proxy} to the servers behind it within {START_TIMEOUT:?}"
        ));
    }
    let (mut made, mut unanswered) = (0, 0);
    for trouble in Trouble::ALL {
        for is_used in [false, true] {
            let mut connection = Connection::open(proxy)?;
            if is_used {
                servers.once(trouble, None, || {
                    connection
                        .ask("GET", "/")
                        .is_ok_and(|page| page.seen().is_some())
                })?;
            }
            let is_answered = servers.once(trouble, Some(trouble), || {
                let answer = connection.ask_within("GET", "/", VISIT_TIMEOUT);
                answer.is_ok_and(|page| page.seen().is_some())
            })?;
            made += 1;
            unanswered += u32::from(!is_answered);
        }
    }
    has(format!(
        "{made} visits whose server counted and then hung up, fell silent or refused reached one server \
         once; {unanswered} of them got no number"
    ))
}

impl Servers {
    /// Makes a visit to which `next` happens, and demands that it has reached one of us, once.
    fn once(
        &self,
        trouble: Trouble,
        next: Option<Trouble>,
        visit: impl FnOnce() -> bool,
    ) -> Checked<bool> {
        let before = self.counted.load(SeqCst);
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = next;
        let is_answered = visit();
        thread::sleep(SETTLE_TIME);
        let name = trouble.name();
        match self.counted.load(SeqCst) - before {
            1 => Ok(is_answered),
            0 => broken(format!(
                "a visit reached no server; before it or with it, a server {name}"
            )),
            times => lacks(format!(
                "a server counted a visit and then {name}: the proxy sent the visit again, and it was \
                 counted {times} times"
            )),
        }
    }

    /// Answers the requests on a connection of the proxy.
    fn serve(&self, stream: &TcpStream) -> Option<()> {
        stream.set_nodelay(true).ok()?;
        // Now and then it looks whether it is over.
        stream.set_read_timeout(Some(POLL_INTERVAL)).ok()?;
        let mut reader = BufReader::new(stream);
        let mut request = String::new();
        loop {
            match reader.read_line(&mut request) {
                Ok(0) => return None,
                Ok(_) if request.ends_with("\r\n\r\n") => {}
                Ok(_) => continue,
                Err(_) if self.over.load(SeqCst) => return None,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
                Err(_) => return None,
            }
            let answer = match request.split(' ').nth(1) {
                Some("/") => self.visit(stream)?,
                // Whatever the proxy asks to see whether we are well.
                _ => page(200, "ready\n"),
            };
            (&*stream).write_all(answer.as_bytes()).ok()?;
            request.clear();
        }
    }

    /// Counts a visit. `None` when it gets no answer, and the connection ends.
    fn visit(&self, stream: &TcpStream) -> Option<String> {
        let number = self.counted.fetch_add(1, SeqCst) + 1;
        let trouble = self
            .trouble
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let answer = page(
            200,
            &format!("Hello World! I have been seen {number} times.\n"),
        );
        match trouble {
            None => return Some(answer),
            Some(Trouble::Status(status)) => return Some(page(status, "")),
            Some(Trouble::HangsUp) => {}
            Some(Trouble::Resets) => {
                SockRef::from(stream)
                    .set_linger(Some(Duration::ZERO))
                    .ok()?;
            }
            Some(Trouble::HalfAnswer) => {
                let half = &answer.as_bytes()[..answer.len() / 2];
                (&*stream).write_all(half).ok()?;
            }
            Some(Trouble::SaysNothing) => {
                poll(VISIT_TIMEOUT, POLL_INTERVAL, || {
                    self.is_given_up(stream).then_some(())
                });
            }
        }
        None
    }

    /// Whether the proxy has closed this connection, or all is over.
    fn is_given_up(&self, stream: &TcpStream) -> bool {
        let end = stream.peek(&mut [0]);
        let waits = |error: &io::Error| error.kind() == io::ErrorKind::WouldBlock;
        self.over.load(SeqCst) || !end.as_ref().is_err_and(waits)
    }
}

fn page(status: u16, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status} Status\r\nContent-Type: text/plain; charset=utf-8\r\n\
         Content-Length: {length}\r\n\r\n{body}"
    )
}
