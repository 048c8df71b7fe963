//! The terminals of a page, and what happens in them.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use output::terminal::one_line;
use processes::{Folder, Output, Process, Signal};

use super::{
    block::{Action, Block, Part},
    matching::{beginning, blessed, difference, listed, matches, significant},
    shell,
};
use crate::Mode;

/// How often we look at what a command has printed.
const POLL_INTERVAL: Duration = Duration::from_millis(30);

/// How long a command may take to end after Ctrl-C: a step's own drain time-out, and what a busy machine adds.
const INTERRUPT_TIMEOUT: Duration = Duration::from_secs(60);

/// How long a command in the background must be silent before all that it prints at first is there.
/// Only blessing waits for that.
const SILENCE: Duration = Duration::from_secs(3);

/// How long something may take that is compiled before it is needed.
const PREPARATION_TIMEOUT: Duration = Duration::from_secs(900);

/// What came of a page.
#[derive(Debug, Default)]
pub struct Outcome {
    /// How many commands the page has, without those that were skipped.
    pub commands: usize,
    /// Line and text of what went wrong. After the first such thing the rest of a page means nothing.
    pub failure: Option<(usize, String)>,
    /// Line of what could not be run, and what is missing.
    pub skipped: Vec<(usize, String)>,
    /// For the blocks that should say something else, by their line: the parts as they should be.
    pub blessed: BTreeMap<usize, Vec<Part>>,
}

/// Something that runs in the background, and how many of its lines have been compared.
struct Background {
    process: Process,
    seen: usize,
}

/// Types the commands of a page, in the root of the repository.
pub fn play(root: &Path, page: &str, blocks: &[Block], mode: Mode) -> Outcome {
    let mut outcome = Outcome::default();
    let blocks = runnable(blocks, &mut outcome.skipped);
    let commands: Vec<&str> = blocks.iter().flat_map(|block| block.commands()).collect();
    outcome.commands = commands.len();
    let mut run = || {
        let home = shell::ensure_free(&commands).and_then(|()| shell::home());
        let first_line = blocks.first().map_or(1, |block| block.line);
        let home = home.map_err(|error| (first_line, one_line(&error)))?;
        let mut session = Session {
            home,
            root,
            page,
            mode,
            terminals: BTreeMap::new(),
        };
        for block in &blocks {
            let parts = session.block(block)?;
            if parts != block.parts {
                outcome.blessed.insert(block.line, parts);
            }
        }
        Ok(())
    };
    outcome.failure = run().err();
    outcome
}

/// Runs commands whose output nobody compares, one after another, and gives way to whatever else runs.
/// What fails here fails again where its output is compared. They only compile, so nothing is left to do where all
/// is compiled.
pub fn prepare(root: &Path, commands: &[&str]) {
    if steps::is_compiled(root) {
        return;
    }
    let Ok(home) = shell::home() else { return };
    for command in commands {
        let quiet = format!("nice -n 5 sh -c '{command}' > /dev/null");
        let shell = shell::command(root, &home, &quiet);
        if let Ok(mut process) = Process::spawn(command, shell, Output::Capture) {
            let _ = process.wait_timeout(PREPARATION_TIMEOUT);
        }
    }
}

/// The blocks for which nothing is missing.
fn runnable<'a>(blocks: &'a [Block], skipped: &mut Vec<(usize, String)>) -> Vec<&'a Block> {
    let mut terminals = BTreeSet::new();
    let can_run = |block: &&Block| {
        let is_skipped = |name| terminals.contains(name);
        let goes_on = block.terminal.as_ref().is_some_and(is_skipped);
        let missing = block.needs.iter().find_map(|tool| shell::lack(tool));
        let goes_on = goes_on.then(|| "what runs in its terminal was skipped".to_owned());
        let Some(why) = missing.or(goes_on) else {
            return true;
        };
        terminals.extend(block.terminal.clone());
        skipped.push((block.line, why));
        false
    };
    blocks.iter().filter(can_run).collect()
}

struct Session<'a> {
    home: Folder,
    root: &'a Path,
    page: &'a str,
    mode: Mode,
    terminals: BTreeMap<String, Background>,
}

impl Session<'_> {
    /// Lets all of a block happen. Returns what the page should say of it; or the line that went wrong,
    /// and how.
    fn block(&mut self, block: &Block) -> Result<Vec<Part>, (usize, String)> {
        let mut parts = block.parts.clone();
        for (part, index) in parts.iter_mut().zip(1..) {
            let expected = self.part(block, part, block.parts.get(index));
            part.expected = expected.map_err(|error| (part.line, one_line(&error)))?;
        }
        Ok(parts)
    }

    /// Lets one thing happen. Returns what the page should say of it.
    fn part(&mut self, block: &Block, part: &Part, next: Option<&Part>) -> Result<Vec<String>> {
        let expected = &part.expected;
        let goes_on = next.is_none_or(|next| next.action == Action::Interrupt);
        match (&part.action, &block.terminal) {
            (Action::Command(command), Some(name)) if goes_on => {
                let old = self.terminals.get_mut(name);
                let running = old.map(|terminal| terminal.process.try_wait());
                if matches!(running, Some(Ok(None))) {
                    bail!("in terminal {name} something still runs; end it with ^C first");
                }
                let process = self.spawn(command)?;
                let terminal = Background { process, seen: 0 };
                self.terminals.insert(name.clone(), terminal);
                self.appears(block, name, expected)
            }
            (Action::Command(command), terminal) => {
                let is_last = next.is_none() && terminal.is_none();
                let status = if is_last { block.status } else { 0 };
                let found = self.foreground(block, command, status)?;
                self.compared(expected, &found)
            }
            (Action::More, Some(name)) => self.appears(block, name, expected),
            (Action::Interrupt, Some(name)) => self.interrupt(name, expected),
            (Action::More | Action::Interrupt, None) => {
                unreachable!("such a block is refused when it is read")
            }
        }
    }

    fn spawn(&self, command: &str) -> Result<Process> {
        let shell = shell::command(self.root, &self.home, command);
        let name = format!("{}: {command}", self.page);
        Ok(Process::spawn(&name, shell, Output::Capture)?)
    }

    /// Runs a command to its end. Returns what it printed.
    fn foreground(&self, block: &Block, command: &str, status: i32) -> Result<Vec<String>> {
        let mut process = self.spawn(command)?;
        let ended = process.wait_timeout(block.timeout)?;
        let found = printed(&process);
        let what = match ended {
            Some(ended) if ended.code() == Some(status) => return Ok(found),
            Some(ended) => format!("ended with {ended}, but should with {status}"),
            None => format!(
                "still runs after {} s; if it never ends, give it a terminal=NAME; if it is slow, a timeout=SECONDS",
                block.timeout.as_secs()
            ),
        };
        bail!("{command:?} {what}. It printed:{}", listed("|", &found))
    }

    fn compared(&self, expected: &[String], found: &[String]) -> Result<Vec<String>> {
        if self.mode.accepts() {
            return Ok(blessed(expected, found, self.mode == Mode::Record));
        }
        ensure!(
            matches(expected, found),
            "it prints something else; accept with: cargo xtask book bless {}{}",
            self.page,
            difference(expected, found)
        );
        Ok(expected.to_vec())
    }

    /// Waits until something in the background has printed what the page says.
    fn appears(&mut self, block: &Block, name: &str, expected: &[String]) -> Result<Vec<String>> {
        let accepts = self.mode.accepts();
        let is_anew = self.mode == Mode::Record;
        let terminal = self.terminals.get_mut(name);
        let terminal = terminal
            .with_context(|| format!("nothing runs in terminal {name}; begin it with a command"))?;
        // Nothing to wait for; but blessing finds out what there is.
        let is_free = expected.is_empty();
        if is_free && !accepts {
            return Ok(Vec::new());
        }
        let deadline = Instant::now() + block.timeout;
        let (mut lines, mut last_change) = (0, Instant::now());
        loop {
            let ended = terminal.process.try_wait()?;
            let all = printed(&terminal.process);
            let found = all.get(terminal.seen..).unwrap_or_default();
            if let Some(length) = beginning(expected, found).filter(|_| !is_free) {
                // Dots at the end stand for what is there by now, too.
                let is_open = expected.last().is_some_and(|line| line.trim() == "...");
                terminal.seen += if is_open { found.len() } else { length };
                return Ok(match accepts {
                    true => blessed(expected, &found[..length], is_anew),
                    false => expected.to_vec(),
                });
            }
            if found.len() != lines {
                (lines, last_change) = (found.len(), Instant::now());
            }
            let is_over = ended.is_some() || Instant::now() > deadline;
            let is_silent = lines > 0 && last_change.elapsed() > SILENCE;
            if accepts && (is_over || is_silent) {
                terminal.seen = all.len();
                return Ok(blessed(expected, found, is_anew));
            }
            let what = match ended {
                Some(ended) => format!("it ended with {ended} before it printed"),
                None => format!("within {} s it did not print", block.timeout.as_secs()),
            };
            ensure!(
                !is_over,
                "{what} what the page says{}",
                difference(expected, found)
            );
            thread::sleep(POLL_INTERVAL);
        }
    }

    fn interrupt(&mut self, name: &str, expected: &[String]) -> Result<Vec<String>> {
        let terminal = self.terminals.remove(name);
        let terminal = terminal
            .with_context(|| format!("nothing runs in terminal {name}; begin it with a command"))?;
        let Background { mut process, seen } = terminal;
        if let Some(ended) = process.try_wait()? {
            let printed = listed("|", &printed(&process));
            bail!("it had ended before ^C, with {ended}. It printed:{printed}");
        }
        process.signal(Signal::Interrupt)?;
        let ended = process.wait_timeout(INTERRUPT_TIMEOUT)?;
        let seconds = INTERRUPT_TIMEOUT.as_secs();
        ensure!(ended.is_some(), "it still runs {seconds} s after ^C");
        let all = printed(&process);
        self.compared(expected, all.get(seen..).unwrap_or_default())
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

fn printed(process: &Process) -> Vec<String> {
    significant(&process.output_tail(usize::MAX))
}
