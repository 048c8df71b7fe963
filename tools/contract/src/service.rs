//! A service under the suite's hands.

use std::{
    fs,
    net::SocketAddr,
    process::ExitStatus,
    thread,
    time::{Duration, Instant},
};

use load::{ANSWER_TIMEOUT, Connection, Response};
use processes::{Process, Signal};

use crate::{Checked, Finding};

/// How long a service may take to end when it is asked to, before it is killed.
const STOP_TIMEOUT: Duration = Duration::from_secs(10);

/// How many lines of a service's log stand in an error.
const LOG_LINES: usize = 12;

/// Why nothing is done to a server that ran before.
const NOT_OURS: &str = "the suite did not start this server, and cannot stop it";

/// A service that runs. It ends with this.
pub(crate) struct Service {
    process: Option<Process>,
    pub(crate) addr: SocketAddr,
}

impl Service {
    /// One that the suite started.
    pub(crate) fn started(process: Process, addr: SocketAddr) -> Self {
        Self {
            process: Some(process),
            addr,
        }
    }

    /// One that ran before.
    pub(crate) fn running(addr: SocketAddr) -> Self {
        Self {
            process: None,
            addr,
        }
    }

    /// A new connection.
    pub(crate) fn connect(&self) -> Checked<Connection> {
        Connection::open(self.addr).map_err(|error| self.broken("cannot connect", &error))
    }

    /// Asks on a new connection.
    pub(crate) fn ask(&self, method: &str, path: &str) -> Checked<Response> {
        let answer = self.connect()?.ask(method, path);
        answer.map_err(|error| self.broken(&format!("{method} {path}"), &error))
    }

    /// Visits the page. Only a number and an answer that admits a failure (5xx) are in order.
    pub(crate) fn try_visit(&self) -> Checked<Visit> {
        let response = self.ask("GET", "/")?;
        Visit::of(response).map_err(|what| Finding::broken(format!("{what}{}", self.log())))
    }

    /// Visits the page, which must work.
    pub(crate) fn visit(&self) -> Checked<u64> {
        let number = self.try_visit()?.number();
        number.map_err(|what| Finding::broken(format!("{what}{}", self.log())))
    }

    /// Visits until there is a number, for at most `patience`; or the last refusal.
    pub(crate) fn visit_within(&self, patience: Duration) -> Checked<Visit> {
        let deadline = Instant::now() + patience;
        loop {
            let visit = self.try_visit()?;
            if matches!(visit, Visit::Number(_)) || Instant::now() >= deadline {
                return Ok(visit);
            }
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Visits by so many at once, who must all be served. Returns their numbers.
    pub(crate) fn visit_at_once(&self, visitors: usize) -> Checked<Vec<u64>> {
        let answers = load::at_once(self.addr, visitors, "/", ANSWER_TIMEOUT).into_iter();
        let numbers = answers.map(|answer| Visit::of(answer?)?.number());
        let numbers: Result<Vec<u64>, String> = numbers.collect();
        numbers.map_err(|what| {
            let log = self.log();
            Finding::broken(format!(
                "of {visitors} visitors at once, one saw: {what}{log}"
            ))
        })
    }

    /// Sends a signal to the process.
    pub(crate) fn signal(&self, signal: Signal) -> Checked<()> {
        match &self.process {
            Some(process) => Ok(process.signal(signal)?),
            None => Err(Finding::left_out(NOT_OURS.to_owned())),
        }
    }

    /// How the process ended, or `None` if it still runs after `timeout`.
    pub(crate) fn ended_within(&mut self, timeout: Duration) -> Checked<Option<ExitStatus>> {
        match &mut self.process {
            Some(process) => Ok(process.wait_timeout(timeout)?),
            None => Err(Finding::left_out(NOT_OURS.to_owned())),
        }
    }

    /// The process must end in time and by itself.
    pub(crate) fn ends_well_within(&mut self, timeout: Duration) -> Checked<()> {
        let status = self.ended_within(timeout)?;
        let log = self.log();
        match status {
            Some(status) if status.success() => Ok(()),
            Some(status) => Err(Finding::broken(format!(
                "told to stop, it ended with {status}{log}"
            ))),
            None => Err(Finding::broken(format!(
                "it still ran {timeout:?} after SIGTERM{log}"
            ))),
        }
    }

    /// Stops the process, politely at first.
    pub(crate) fn stop(mut self) -> Checked<()> {
        match &mut self.process {
            Some(process) => Ok(process.stop(STOP_TIMEOUT).map(drop)?),
            None => Err(Finding::left_out(NOT_OURS.to_owned())),
        }
    }

    /// How much memory the process and all that it started hold, without what is swapped out.
    pub(crate) fn resident_bytes(&self) -> Checked<u64> {
        let Some(process) = &self.process else {
            return Err(Finding::left_out(NOT_OURS.to_owned()));
        };
        let Ok(processes) = fs::read_dir("/proc") else {
            let why = "this system does not say how much memory a process holds: there is no /proc";
            return Err(Finding::left_out(why.to_owned()));
        };
        // Who has ended meanwhile has no files any more, and no memory either.
        let of_group = processes.flatten().filter_map(|entry| {
            let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
            let group = stat.rsplit(')').next()?.split_whitespace().nth(2)?;
            (group.parse() == Ok(process.id())).then_some(entry.path())
        });
        let kilobytes = of_group.filter_map(|path| {
            let status = fs::read_to_string(path.join("status")).ok()?;
            let line = status
                .lines()
                .find_map(|line| line.strip_prefix("VmRSS:"))?;
            line.split_whitespace().next()?.parse::<u64>().ok()
        });
        Ok(kilobytes.sum::<u64>() * 1024)
    }

    /// The end of the log, to be put behind a message.
    pub(crate) fn log(&self) -> String {
        let tail = self
            .process
            .as_ref()
            .map(|process| process.output_tail(LOG_LINES))
            .unwrap_or_default();
        if tail.is_empty() {
            String::new()
        } else {
            format!("\nits log ends:\n{tail}")
        }
    }

    fn broken(&self, what: &str, error: &std::io::Error) -> Finding {
        Finding::broken(format!("{what}: {error}{}", self.log()))
    }
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
            None => Err(format!(
                "GET / answered\n{response}\nexpected: the page with its number"
            )),
        }
    }

    /// The number, or why there is none.
    pub(crate) fn number(self) -> Result<u64, String> {
        match self {
            Self::Number(number) => Ok(number),
            Self::Refused(response) => Err(format!(
                "GET / answered\n{response}\nexpected: the page with its number"
            )),
        }
    }
}
