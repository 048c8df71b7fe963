//! A service under the suite's hands.

use std::{
    fmt::Display,
    fs, io,
    net::SocketAddr,
    process::ExitStatus,
    thread,
    time::{Duration, Instant},
};

use load::{ANSWER_TIMEOUT, Connection, Response};
use processes::{Process, Signal};

use crate::finding::{Checked, Finding, Verdict, broken, left_out, unless_busy};

/// How long a service may take to end when it is asked to, before it is killed.
const STOP_TIMEOUT: Duration = Duration::from_secs(10);

/// How long it is between two questions, where an answer is waited for.
const ASK_PAUSE: Duration = Duration::from_millis(20);

/// Of how many visits one may be refused, where a busy machine can be the reason.
const REFUSED_PER: usize = 20;

/// How many lines of a service's log stand in an error.
const LOG_LINES: usize = 12;

/// A service that runs. It ends with this.
pub(crate) struct Service {
    /// The process, if the suite started it.
    process: Option<Process>,
    pub(crate) addr: SocketAddr,
}

impl Service {
    pub(crate) fn new(process: Option<Process>, addr: SocketAddr) -> Self {
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

    /// Asks until the answer is right or the time is over, and returns the last one.
    pub(crate) fn ask_within(
        &self,
        timeout: Duration,
        path: &str,
        is_right: impl Fn(&Response) -> bool,
    ) -> Checked<Response> {
        let deadline = Instant::now() + timeout;
        loop {
            let is_last = Instant::now() >= deadline;
            let answer = self.ask("GET", path)?;
            if is_last || is_right(&answer) {
                return Ok(answer);
            }
            thread::sleep(ASK_PAUSE);
        }
    }

    /// What an answer to a visit means. Only a number and an answer that admits a failure (5xx) are in order.
    fn judge(&self, answer: Response) -> Checked<Visit> {
        match answer.seen() {
            Some(number) => Ok(Ok(number)),
            None if answer.is_failure() => Ok(Err(answer)),
            None => self.broken(unexpected(&answer)),
        }
    }

    /// The number in an answer, in which there must be one. A busy machine can be the reason for a refusal.
    pub(crate) fn number(&self, answer: Response) -> Checked<u64> {
        let visit = self.judge(answer)?;
        visit.or_else(|refusal| unless_busy(self.broken(unexpected(&refusal))))
    }

    /// Visits the page.
    pub(crate) fn try_visit(&self) -> Checked<Visit> {
        self.judge(self.ask("GET", "/")?)
    }

    /// Visits the page, which must work.
    pub(crate) fn visit(&self) -> Checked<u64> {
        self.number(self.ask("GET", "/")?)
    }

    /// Visits until there is a number or the time is over; then the last refusal is returned.
    pub(crate) fn visit_within(&self, timeout: Duration) -> Checked<Visit> {
        self.judge(self.ask_within(timeout, "/", |answer| !answer.is_failure())?)
    }

    /// Visits until there is a number, which must come in time. `when` says after or during what.
    pub(crate) fn serves_within(&self, timeout: Duration, when: impl Display) -> Checked<u64> {
        self.visit_within(timeout)?.or_else(|last| {
            let seen = format!("{when}, for {timeout:?}: GET / answered\n{last}");
            unless_busy(self.broken(seen))
        })
    }

    /// Asks for a page by so many clients at once, all of whom must be answered. `when` says when that is.
    pub(crate) fn ask_at_once(
        &self,
        clients: usize,
        path: &str,
        when: &str,
    ) -> Checked<Vec<Response>> {
        let answers = load::at_once(self.addr, clients, path, ANSWER_TIMEOUT).into_iter();
        let answers: io::Result<_> = answers.collect();
        self.logged(
            answers,
            format_args!("{when}, one of {clients} clients saw"),
        )
    }

    /// Visits by so many at once, who must all be served. Returns their numbers.
    pub(crate) fn visit_at_once(&self, clients: usize) -> Checked<Vec<u64>> {
        let answers = self
            .ask_at_once(clients, "/", "visiting at once")?
            .into_iter();
        answers.map(|answer| self.number(answer)).collect()
    }

    /// Visits by many clients, `each` by one after the other, of which a busy machine may make the service
    /// refuse a few. Returns the numbers of the others, and how many were refused.
    pub(crate) fn visits(&self, clients: usize, each: usize) -> Checked<(Vec<u64>, usize)> {
        let answers = load::visits(self.addr, clients, each);
        let answers = self.logged(answers, format_args!("of {clients} clients, one saw"))?;
        let (numbers, refused) = load::numbers(&answers);
        match refused * REFUSED_PER <= answers.len() {
            true => Ok((numbers, refused)),
            false => unless_busy(self.broken(format!(
                "of {} visits by {clients} clients, {refused} were refused",
                answers.len()
            ))),
        }
    }

    /// Sends a signal to the process.
    pub(crate) fn signal(&self, signal: Signal) -> Checked {
        Ok(self.process.as_ref().ok_or_else(not_ours)?.signal(signal)?)
    }

    /// How the process ended, or `None` if it still runs after `timeout`.
    pub(crate) fn ended_within(&mut self, timeout: Duration) -> Checked<Option<ExitStatus>> {
        let process = self.process.as_mut().ok_or_else(not_ours)?;
        Ok(process.wait_timeout(timeout)?)
    }

    /// The process must end in time and by itself.
    pub(crate) fn ends_well_within(&mut self, timeout: Duration) -> Checked {
        match self.ended_within(timeout)? {
            Some(status) if status.success() => Ok(()),
            Some(status) => self.broken(format!("told to stop, it ended with {status}")),
            None => unless_busy(self.broken(format!("it still ran {timeout:?} after SIGTERM"))),
        }
    }

    /// Stops the process, politely at first.
    pub(crate) fn stop(mut self) -> Checked {
        let process = self.process.as_mut().ok_or_else(not_ours)?;
        process.stop(STOP_TIMEOUT)?;
        Ok(())
    }

    /// How much memory the process and all that it started hold, without what is swapped out.
    pub(crate) fn resident_bytes(&self) -> Checked<u64> {
        let group = self.process.as_ref().ok_or_else(not_ours)?.id();
        let Ok(processes) = fs::read_dir("/proc") else {
            return left_out(
                "this system does not say how much memory a process holds: there is no /proc",
            );
        };
        // Who has ended meanwhile has no file any more, and no memory either.
        let kilobytes = processes.flatten().filter_map(|entry| {
            let status = fs::read_to_string(entry.path().join("status")).ok()?;
            let field = |name| -> Option<u64> {
                let value = status.lines().find_map(|line| line.strip_prefix(name))?;
                value.split_whitespace().next()?.parse().ok()
            };
            let is_ours = field("NSpgid:")? == u64::from(group);
            field("VmRSS:").filter(|_| is_ours)
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
        let tail = self.process.as_ref();
        match tail.map(|process| process.output_tail(LOG_LINES)) {
            Some(tail) if !tail.is_empty() => format!("\nits log ends:\n{tail}"),
            _ => String::new(),
        }
    }
}

/// Nothing is done to a server that ran before.
fn not_ours() -> Finding {
    let why = "the suite did not start this server, and cannot stop it";
    Finding::new(Verdict::LeftOut, why)
}

/// What comes of a visit that is in order: the number on the page, or an answer that admits a failure (5xx).
pub(crate) type Visit = Result<u64, Response>;

fn unexpected(response: &Response) -> String {
    format!("GET / answered\n{response}\nexpected: the page with its number")
}
