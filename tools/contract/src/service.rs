//! A service under the suite's hands.

use std::{
    fmt::Display,
    fs,
    net::SocketAddr,
    process::ExitStatus,
    thread,
    time::{Duration, Instant},
};

use load::{ANSWER_TIMEOUT, Connection, Response};
use processes::{Process, Signal};

use crate::finding::{Checked, broken, left_out};

/// How long a service may take to end when it is asked to, before it is killed.
const STOP_TIMEOUT: Duration = Duration::from_secs(10);

/// How long somebody waits who was refused, until the next visit.
const REFUSED_PAUSE: Duration = Duration::from_millis(20);

/// How many lines of a service's log stand in an error.
const LOG_LINES: usize = 12;

/// A service that runs. It ends with this.
pub(crate) struct Service {
    /// The process, if the suite started it.
    process: Option<Process>,
    pub(crate) addr: SocketAddr,
}

impl Service {
    /// One that the suite started.
    pub(crate) fn started(process: Process, addr: SocketAddr) -> Self {
        let process = Some(process);
        Self { process, addr }
    }

    /// One that ran before.
    pub(crate) fn running(addr: SocketAddr) -> Self {
        let process = None;
        Self { process, addr }
    }

    /// A new connection.
    pub(crate) fn connect(&self) -> Checked<Connection> {
        self.logged(Connection::open(self.addr), "cannot connect")
    }

    /// Asks on a new connection.
    pub(crate) fn ask(&self, method: &str, path: &str) -> Checked<Response> {
        let answer = self.connect()?.ask(method, path);
        self.logged(answer, format_args!("{method} {path}"))
    }

    /// Asks for a page, whose status must be 200. `when` says after or during what.
    pub(crate) fn ask_ok(&self, path: &str, when: &str) -> Checked<Response> {
        let answer = self.ask("GET", path)?;
        match answer.status {
            200 => Ok(answer),
            _ => broken(format!(
                "{when}GET {path} answered\n{answer}\nexpected: 200"
            )),
        }
    }

    /// Visits the page. Only a number and an answer that admits a failure (5xx) are in order.
    pub(crate) fn try_visit(&self) -> Checked<Visit> {
        let response = self.ask("GET", "/")?;
        Visit::of(response).or_else(|what| self.broken(what))
    }

    /// Visits the page, which must work.
    pub(crate) fn visit(&self) -> Checked<u64> {
        let number = self.try_visit()?.number();
        number.or_else(|what| self.broken(what))
    }

    /// Visits until there is a number or the time is over; then the last refusal is returned.
    pub(crate) fn visit_within(&self, timeout: Duration) -> Checked<Visit> {
        let deadline = Instant::now() + timeout;
        loop {
            let visit = self.try_visit()?;
            if matches!(visit, Visit::Number(_)) || Instant::now() >= deadline {
                return Ok(visit);
            }
            thread::sleep(REFUSED_PAUSE);
        }
    }

    /// Visits until there is a number, which must come in time. `when` says after or during what.
    pub(crate) fn serves_within(&self, timeout: Duration, when: impl Display) -> Checked<()> {
        match self.visit_within(timeout)? {
            Visit::Number(_) => Ok(()),
            Visit::Refused(last) => {
                self.broken(format!("{when}, for {timeout:?}: GET / answered\n{last}"))
            }
        }
    }

    /// Visits by so many at once, who must all be served. Returns their numbers.
    pub(crate) fn visit_at_once(&self, visitors: usize) -> Checked<Vec<u64>> {
        let answers = load::at_once(self.addr, visitors, "/", ANSWER_TIMEOUT).into_iter();
        let numbers = answers.map(|answer| Visit::of(answer?)?.number());
        let numbers: Result<Vec<u64>, String> = numbers.collect();
        self.logged(
            numbers,
            format_args!("of {visitors} visitors at once, one saw"),
        )
    }

    /// Sends a signal to the process.
    pub(crate) fn signal(&self, signal: Signal) -> Checked<()> {
        match &self.process {
            Some(process) => Ok(process.signal(signal)?),
            None => not_ours(),
        }
    }

    /// How the process ended, or `None` if it still runs after `timeout`.
    pub(crate) fn ended_within(&mut self, timeout: Duration) -> Checked<Option<ExitStatus>> {
        match &mut self.process {
            Some(process) => Ok(process.wait_timeout(timeout)?),
            None => not_ours(),
        }
    }

    /// The process must end in time and by itself.
    pub(crate) fn ends_well_within(&mut self, timeout: Duration) -> Checked<()> {
        match self.ended_within(timeout)? {
            Some(status) if status.success() => Ok(()),
            Some(status) => self.broken(format!("told to stop, it ended with {status}")),
            None => self.broken(format!("it still ran {timeout:?} after SIGTERM")),
        }
    }

    /// Stops the process, politely at first.
    pub(crate) fn stop(mut self) -> Checked<()> {
        match &mut self.process {
            Some(process) => Ok(process.stop(STOP_TIMEOUT).map(drop)?),
            None => not_ours(),
        }
    }

    /// How much memory the process and all that it started hold, without what is swapped out.
    pub(crate) fn resident_bytes(&self) -> Checked<u64> {
        let Some(process) = &self.process else {
            return not_ours();
        };
        let Ok(processes) = fs::read_dir("/proc") else {
            return left_out(
                "this system does not say how much memory a process holds: there is no /proc",
            );
        };
        // Who has ended meanwhile has no files any more, and no memory either.
        let kilobytes = processes.flatten().filter_map(|entry| {
            let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
            let group = stat.rsplit(')').next()?.split_whitespace().nth(2)?;
            (group.parse() == Ok(process.id())).then_some(())?;
            let status = fs::read_to_string(entry.path().join("status")).ok()?;
            let resident = status
                .lines()
                .find_map(|line| line.strip_prefix("VmRSS:"))?;
            resident.split_whitespace().next()?.parse::<u64>().ok()
        });
        Ok(kilobytes.sum::<u64>() * 1024)
    }

    /// What is broken, and the end of the log.
    pub(crate) fn broken<T>(&self, what: impl Display) -> Checked<T> {
        broken(format!("{what}{}", self.log()))
    }

    /// A result whose error says what it was about, and the end of the log.
    pub(crate) fn logged<T>(
        &self,
        result: Result<T, impl Display>,
        what: impl Display,
    ) -> Checked<T> {
        result.or_else(|error| self.broken(format!("{what}: {error}")))
    }

    /// The end of the log, to be put behind a message.
    pub(crate) fn log(&self) -> String {
        let process = self.process.as_ref();
        let tail = process.map(|process| process.output_tail(LOG_LINES));
        match tail.unwrap_or_default() {
            tail if tail.is_empty() => String::new(),
            tail => format!("\nits log ends:\n{tail}"),
        }
    }
}

/// Nothing is done to a server that ran before.
fn not_ours<T>() -> Checked<T> {
    left_out("the suite did not start this server, and cannot stop it")
}

/// What comes of a visit that is in order.
pub(crate) enum Visit {
    /// The page, with this number.
    Number(u64),
    /// An answer that admits a failure (5xx).
    Refused(Response),
}

impl Visit {
    /// What an answer means. The error says why it is not in order.
    pub(crate) fn of(response: Response) -> Result<Self, String> {
        match response.seen() {
            Some(number) => Ok(Self::Number(number)),
            None if response.is_failure() => Ok(Self::Refused(response)),
            None => Err(unexpected(&response)),
        }
    }

    /// The number, or why there is none.
    pub(crate) fn number(self) -> Result<u64, String> {
        match self {
            Self::Number(number) => Ok(number),
            Self::Refused(response) => Err(unexpected(&response)),
        }
    }
}

fn unexpected(response: &Response) -> String {
    format!("GET / answered\n{response}\nexpected: the page with its number")
}
