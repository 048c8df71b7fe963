//! A block of kind `console`, as it was written.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use crate::markdown::{self, Fence};

/// How long a command may take if its block says nothing else. It bounds a command that hangs, and no more: one
/// that compiles may have to wait for all that others compile into the same folder.
const TIMEOUT: Duration = Duration::from_secs(600);

/// A block of kind `console`.
#[derive(Clone, Debug)]
pub struct Block {
    /// The line of the opening backticks.
    pub line: usize,
    /// The terminal, if it is not the one in the foreground.
    pub terminal: Option<String>,
    /// Programs that a reader has to install.
    pub needs: Vec<String>,
    /// The exit status of the last command.
    pub status: i32,
    /// How long a command may take.
    pub timeout: Duration,
    /// What happens, in order.
    pub parts: Vec<Part>,
}

/// Something that happens in a terminal, and the lines that appear then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// What happens.
    pub action: Action,
    /// Its line in the page.
    pub line: usize,
    /// What appears.
    pub expected: Vec<String>,
}

/// What happens in a terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// A command is typed.
    Command(String),
    /// What runs already prints something.
    More,
    /// Somebody presses Ctrl-C.
    Interrupt,
}

/// What is wrong with how a block is written: the line of the page, and one sentence.
type Wrong = (usize, String);

/// The blocks of a page that can be typed. The lints say what is wrong with the others.
pub fn of_page(text: &str) -> Vec<Block> {
    let fences = markdown::content(text).fences;
    let consoles = fences.iter().filter(|fence| fence.is_transcript());
    consoles.filter_map(|fence| parse(fence).ok()).collect()
}

/// The commands that `<!-- prepare: COMMAND -->` names in a page: what takes long, but does not matter to
/// the page.
pub fn preparations(text: &str) -> impl Iterator<Item = &str> {
    let comments = text
        .lines()
        .filter_map(|line| line.strip_prefix("<!-- prepare: "));
    comments.filter_map(|line| line.trim_end().strip_suffix(" -->"))
}

/// Reads a block.
///
/// # Errors
///
/// When it is not written as it should be: the line of the page, and one sentence.
pub fn parse(fence: &Fence) -> Result<Block, Wrong> {
    let mut block = Block {
        line: fence.line,
        terminal: None,
        needs: Vec::new(),
        status: 0,
        timeout: TIMEOUT,
        parts: Vec::new(),
    };
    let at = |line| move |error: anyhow::Error| (line, error.to_string());
    let mut options = fence.options();
    options
        .try_for_each(|option| block.set(option))
        .map_err(at(fence.line))?;
    for (line, number) in fence.body.lines().zip(fence.line + 1..) {
        block.push(line, number).map_err(at(number))?;
    }
    block.ensure_playable().map_err(at(fence.line))?;
    Ok(block)
}

impl Block {
    /// Takes an option from behind the kind.
    fn set(&mut self, option: &str) -> Result<()> {
        let (name, value) = option.split_once('=').unwrap_or((option, ""));
        let number = || {
            let number = value.parse::<u16>();
            number.with_context(|| format!("{option}: expected a number, such as {name}=1"))
        };
        match (name, value) {
            ("terminal", name) if !name.is_empty() => self.terminal = Some(name.to_owned()),
            ("needs", tools) if !tools.is_empty() => {
                self.needs = tools.split('+').map(str::to_owned).collect();
            }
            ("status", _) => self.status = number()?.into(),
            ("timeout", _) => self.timeout = Duration::from_secs(number()?.into()),
            _ => bail!(
                "console has no option {option:?}; there are terminal=NAME, needs=PROGRAM, status=N, timeout=SECONDS"
            ),
        }
        Ok(())
    }

    fn ensure_playable(&self) -> Result<()> {
        let mut actions = self.parts.iter().map(|part| &part.action);
        match actions.next() {
            None => bail!("the block is empty; a line such as `$ curl …` is a command"),
            Some(_) if self.terminal.is_some() => {}
            Some(Action::Command(_)) => ensure!(
                !actions.any(|action| *action == Action::Interrupt),
                "^C ends what runs in the background; say which terminal=NAME"
            ),
            Some(_) => bail!(
                "the block begins without a command; begin it with `$ `, or say which terminal=NAME goes on"
            ),
        }
        Ok(())
    }

    /// Takes a line of the body.
    fn push(&mut self, line: &str, number: usize) -> Result<()> {
        let action = match line.strip_prefix("$ ") {
            Some(command) => Some(Action::Command(command.to_owned())),
            None if line.trim_end() == "^C" => Some(Action::Interrupt),
            None => None,
        };
        ensure!(
            !line.starts_with("$ cd ") && !line.starts_with("$ export "),
            "every command has a shell of its own; write the variable or the path into the command"
        );
        let is_output = action.is_none();
        if !is_output || self.parts.is_empty() {
            self.parts.push(Part {
                action: action.unwrap_or(Action::More),
                line: number,
                expected: Vec::new(),
            });
        }
        if is_output && let Some(part) = self.parts.last_mut() {
            match (&mut part.action, line.strip_prefix("> ")) {
                (Action::Command(command), Some(rest))
                    if command.ends_with('\\') && part.expected.is_empty() =>
                {
                    *command += &format!("\n{rest}");
                }
                _ => part.expected.push(line.trim_end().to_owned()),
            }
        }
        Ok(())
    }

    /// The commands, in order.
    pub fn commands(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match &part.action {
            Action::Command(command) => Some(command.as_str()),
            _ => None,
        })
    }
}

impl Part {
    /// The lines of a page that say it.
    pub fn lines(&self) -> String {
        let head = match &self.action {
            Action::Command(command) => format!("$ {}\n", command.replace('\n', "\n> ")),
            Action::Interrupt => "^C\n".to_owned(),
            Action::More => String::new(),
        };
        let expected = self.expected.iter();
        expected.fold(head, |text, line| text + line + "\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(text: &str) -> Result<Block, Wrong> {
        parse(&markdown::content(text).fences[0])
    }

    #[test]
    fn a_block_is_commands_and_what_appears() {
        let block = block("x\n```console,terminal=server,needs=wrk+ab,timeout=7\nmore\n$ a \\\n> b\none\n\ntwo  \n^C\nend\n```\n").unwrap();
        assert_eq!(block.terminal.as_deref(), Some("server"));
        let (needs, seconds) = (block.needs.len(), block.timeout.as_secs());
        assert_eq!((needs, seconds, block.status), (2, 7, 0));
        let lines: Vec<usize> = block.parts.iter().map(|part| part.line).collect();
        assert_eq!(lines, [3, 4, 9]);
        let text: Vec<String> = block.parts.iter().map(Part::lines).collect();
        assert_eq!(text, ["more\n", "$ a \\\n> b\none\n\ntwo\n", "^C\nend\n"]);
    }

    #[test]
    fn a_block_that_nobody_could_type_is_refused() {
        for (text, what) in [
            ("```console\n```\n", "empty"),
            ("```console\nhello\n```\n", "without a command"),
            ("```console\n$ a\n^C\n```\n", "terminal=NAME"),
            ("```console\n$ cd x\n```\n", "shell of its own"),
            ("```console\n$ export A=1\n```\n", "shell of its own"),
            ("```console,colour=red\n$ a\n```\n", "no option"),
            ("```console,status=one\n$ a\n```\n", "number"),
        ] {
            assert!(block(text).unwrap_err().1.contains(what), "{text}");
        }
    }
}
