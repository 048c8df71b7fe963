//! One page, one session: several terminals, and nothing left running at the end.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    thread,
    time::{Duration, Instant},
};

use processes::{Folder, Output, Process, Signal};

use super::{
    Action, Block, Part,
    matching::{self, beginning, blessed, difference, matches, significant},
    ports, shell,
};

/// How often we look at what a command has printed.
const POLL_INTERVAL: Duration = Duration::from_millis(30);

/// How long a command may take to end after Ctrl-C: a step's own drain time-out, and a margin.
const INTERRUPT_TIMEOUT: Duration = Duration::from_secs(15);

/// How long a command in the background must be silent before all that it prints at first is there.
/// Only blessing waits for that.
const SILENCE: Duration = Duration::from_secs(3);

/// What came of a page.
#[derive(Debug, Default)]
pub struct Outcome {
    /// How many commands were run.
    pub commands: usize,
    /// Line and text of what went wrong. After the first such thing the rest of a page means nothing.
    pub failure: Option<(usize, String)>,
    /// What could not be run.
    pub skipped: Vec<Skip>,
    /// For the blocks that should say something else, by their line: the parts as they should be.
    pub blessed: BTreeMap<usize, Vec<Part>>,
}

/// A block that could not be run.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Skip {
    /// Its line.
    pub line: usize,
    /// What is missing.
    pub why: String,
}

/// Something that runs in the background, and how many of its lines have been compared.
struct Background {
    process: Process,
    seen: usize,
}

/// Types the commands of a page, in the root of the repository. With `bless`, whatever they print is right.
pub fn play(root: &Path, page: &str, blocks: &[Block], bless: bool) -> Outcome {
    let mut outcome = Outcome::default();
    let mut runnable = Vec::new();
    let mut skipped_terminals = BTreeSet::new();
    for block in blocks {
        let missing = block.needs.iter().find_map(|tool| shell::lack(tool));
        let goes_on = block
            .terminal
            .as_ref()
            .is_some_and(|name| skipped_terminals.contains(name));
        match missing
            .or_else(|| goes_on.then(|| "what runs in its terminal was skipped".to_owned()))
        {
            Some(why) => {
                skipped_terminals.extend(block.terminal.clone());
                outcome.skipped.push(Skip {
                    line: block.line,
                    why,
                });
            }
            None => runnable.push(block),
        }
    }
    let commands = runnable
        .iter()
        .flat_map(|block| &block.parts)
        .filter_map(|part| match &part.action {
            Action::Command(command) => Some(command.as_str()),
            _ => None,
        });
    if let Some(port) = ports::in_use(&ports::of(commands)) {
        let line = runnable.first().map_or(1, |block| block.line);
        let what = format!(
            "port {port} is in use, and the commands of this page need it; stop what listens there"
        );
        outcome.failure = Some((line, what));
        return outcome;
    }
    let home = match shell::home() {
        Ok(home) => home,
        Err(error) => {
            outcome.failure = Some((1, format!("{error:#}")));
            return outcome;
        }
    };
    let mut session = Session {
        home,
        root,
        page,
        bless,
        terminals: BTreeMap::new(),
    };
    for block in runnable {
        let mut parts = block.parts.clone();
        for index in 0..parts.len() {
            let is_last = index + 1 == parts.len() || parts[index + 1].action == Action::Interrupt;
            let is_end = index + 1 == parts.len();
            outcome.commands += usize::from(matches!(parts[index].action, Action::Command(_)));
            match session.part(block, &block.parts[index], is_last, is_end) {
                Ok(expected) => parts[index].expected = expected,
                Err(what) => {
                    outcome.failure = Some((block.parts[index].line, what));
                    return outcome;
                }
            }
        }
        if parts != block.parts {
            outcome.blessed.insert(block.line, parts);
        }
    }
    outcome
}

struct Session<'a> {
    home: Folder,
    root: &'a Path,
    page: &'a str,
    bless: bool,
    terminals: BTreeMap<String, Background>,
}

impl Session<'_> {
    /// Lets one thing happen. Returns what the page should say of it.
    fn part(
        &mut self,
        block: &Block,
        part: &Part,
        is_last: bool,
        is_end: bool,
    ) -> Result<Vec<String>, String> {
        match (&part.action, &block.terminal) {
            (Action::Command(command), None) => {
                let status = if is_end { block.status } else { 0 };
                self.foreground(block, command, status, &part.expected)
            }
            (Action::Command(command), Some(name)) if is_last => {
                let running = self
                    .terminals
                    .get_mut(name)
                    .map(|terminal| terminal.process.try_wait());
                if matches!(running, Some(Ok(None))) {
                    return Err(format!(
                        "in terminal {name} something still runs; end it with ^C first"
                    ));
                }
                let process = self.spawn(command)?;
                self.terminals
                    .insert(name.clone(), Background { process, seen: 0 });
                self.appears(block, name, &part.expected)
            }
            (Action::Command(command), Some(_)) => {
                self.foreground(block, command, 0, &part.expected)
            }
            (Action::More, Some(name)) => self.appears(block, name, &part.expected),
            (Action::Interrupt, Some(name)) => self.interrupt(block, name, &part.expected),
            (Action::More | Action::Interrupt, None) => {
                unreachable!("such a block is refused when it is read")
            }
        }
    }

    fn spawn(&self, command: &str) -> Result<Process, String> {
        let shell = shell::command(self.root, &self.home, command);
        Process::spawn(&format!("{}: {command}", self.page), shell, Output::Capture)
            .map_err(|error| error.to_string())
    }

    fn foreground(
        &self,
        block: &Block,
        command: &str,
        status: i32,
        expected: &[String],
    ) -> Result<Vec<String>, String> {
        let mut process = self.spawn(command)?;
        let ended = process
            .wait_timeout(block.timeout)
            .map_err(|error| error.to_string())?;
        let output = process.output_tail(usize::MAX);
        let found = significant(&output);
        let Some(ended) = ended else {
            return Err(format!(
                "{command:?} still runs after {} s; if it never ends, give it a terminal=NAME; if it is slow, a timeout=SECONDS. It printed:{}",
                block.timeout.as_secs(),
                shown(&found)
            ));
        };
        if ended.code() != Some(status) {
            return Err(format!(
                "{command:?} ended with {ended}, but should with {status}. It printed:{}",
                shown(&found)
            ));
        }
        self.compared(block, expected, &found)
    }

    fn compared(
        &self,
        block: &Block,
        expected: &[String],
        found: &[String],
    ) -> Result<Vec<String>, String> {
        if !block.is_compared && !self.bless || matches(expected, found) {
            return Ok(expected.to_vec());
        }
        if self.bless {
            return Ok(if block.is_compared || expected.is_empty() {
                blessed(expected, found)
            } else {
                expected.to_vec()
            });
        }
        Err(format!(
            "it prints something else; accept with: cargo xtask book bless {}{}",
            self.page,
            difference(expected, found)
        ))
    }

    /// Waits until something in the background has printed what the page says.
    fn appears(
        &mut self,
        block: &Block,
        name: &str,
        expected: &[String],
    ) -> Result<Vec<String>, String> {
        let bless = self.bless;
        let Some(terminal) = self.terminals.get_mut(name) else {
            return Err(format!("nothing runs in terminal {name}"));
        };
        let deadline = Instant::now() + block.timeout;
        let (mut lines, mut last_change) = (0, Instant::now());
        loop {
            let ended = terminal
                .process
                .try_wait()
                .map_err(|error| error.to_string())?;
            let all = significant(&terminal.process.output_tail(usize::MAX));
            let found = all.get(terminal.seen..).unwrap_or_default();
            if let Some(length) =
                beginning(expected, found).filter(|_| block.is_compared && !expected.is_empty())
            {
                // Dots at the end stand for what is there by now, too.
                let is_open = expected.last().is_some_and(|line| line.trim() == "...");
                terminal.seen += if is_open { found.len() } else { length };
                return Ok(expected.to_vec());
            }
            if (!block.is_compared || expected.is_empty()) && !bless {
                return Ok(expected.to_vec());
            }
            if found.len() != lines {
                (lines, last_change) = (found.len(), Instant::now());
            }
            let is_silent = lines > 0 && last_change.elapsed() > SILENCE;
            if bless && (is_silent || ended.is_some() || Instant::now() > deadline) {
                let blessed = blessed(expected, found);
                terminal.seen = all.len();
                return Ok(blessed);
            }
            if let Some(ended) = ended {
                return Err(format!(
                    "it ended with {ended} before it printed what the page says{}",
                    difference(expected, found)
                ));
            }
            if Instant::now() > deadline {
                let seconds = block.timeout.as_secs();
                return Err(format!(
                    "what the page says did not appear within {seconds} s{}",
                    difference(expected, found)
                ));
            }
            thread::sleep(POLL_INTERVAL);
        }
    }

    fn interrupt(
        &mut self,
        block: &Block,
        name: &str,
        expected: &[String],
    ) -> Result<Vec<String>, String> {
        let Some(mut terminal) = self.terminals.remove(name) else {
            return Err(format!("nothing runs in terminal {name}"));
        };
        let error = |error: processes::Error| error.to_string();
        if let Some(ended) = terminal.process.try_wait().map_err(error)? {
            let all = matching::significant(&terminal.process.output_tail(usize::MAX));
            return Err(format!(
                "it had ended before ^C, with {ended}. It printed:{}",
                shown(&all)
            ));
        }
        terminal.process.signal(Signal::Interrupt).map_err(error)?;
        if terminal
            .process
            .wait_timeout(INTERRUPT_TIMEOUT)
            .map_err(error)?
            .is_none()
        {
            return Err(format!(
                "it still runs {} s after ^C",
                INTERRUPT_TIMEOUT.as_secs()
            ));
        }
        let all = significant(&terminal.process.output_tail(usize::MAX));
        let found = all.get(terminal.seen..).unwrap_or_default();
        self.compared(block, expected, found)
    }
}

impl Drop for Session<'_> {
    /// Ends what still runs as a reader would, with Ctrl-C. What does not listen is killed, and all that
    /// it started with it: a process's group when it is dropped, and what has a group of its own by the
    /// janitor of whoever started it.
    fn drop(&mut self) {
        for terminal in self.terminals.values() {
            let _ = terminal.process.signal(Signal::Interrupt);
        }
        for terminal in self.terminals.values_mut() {
            let _ = terminal.process.wait_timeout(INTERRUPT_TIMEOUT);
        }
    }
}

fn shown(lines: &[String]) -> String {
    lines
        .iter()
        .fold(String::new(), |text, line| text + "\n    | " + line)
}
