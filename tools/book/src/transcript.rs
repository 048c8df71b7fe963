//! The commands of a page, typed in the order of the page, and what they print, compared.
//!
//! A block of kind `console` is what a reader sees in a terminal: lines that begin with `$ ` are
//! typed, the lines below are what appears. `book/AUTHORING.md` has the whole of it.

pub mod matching;
mod ports;
mod session;
mod shell;

use std::time::Duration;

use crate::markdown::Fence;

pub use session::{Outcome, Skip, play};

/// How long a command may take if its block says nothing else.
const TIMEOUT: Duration = Duration::from_secs(120);

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
    /// Whether what is printed is compared.
    pub is_compared: bool,
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

/// Reads a block.
///
/// # Errors
///
/// When it is not written as it should be: the line of the page, and one sentence.
pub fn parse(fence: &Fence) -> Result<Block, (usize, String)> {
    let wrong = |what: String| (fence.line, what);
    let mut block = Block {
        line: fence.line,
        terminal: None,
        needs: Vec::new(),
        status: 0,
        timeout: TIMEOUT,
        is_compared: true,
        parts: Vec::new(),
    };
    for option in fence.options() {
        let (name, value) = option.split_once('=').unwrap_or((option, ""));
        let number = || {
            value
                .parse::<u16>()
                .map_err(|_| wrong(format!("{option}: expected a number, such as {name}=1")))
        };
        match (name, value) {
            ("terminal", name) if !name.is_empty() => block.terminal = Some(name.to_owned()),
            ("needs", tools) if !tools.is_empty() => {
                block.needs = tools.split('+').map(str::to_owned).collect();
            }
            ("status", _) => block.status = number()?.into(),
            ("timeout", _) => block.timeout = Duration::from_secs(number()?.into()),
            ("check", "no-output") => block.is_compared = false,
            _ => {
                let known =
                    "terminal=NAME, needs=PROGRAM, status=N, timeout=SECONDS, check=no-output";
                return Err(wrong(format!(
                    "console has no option {option:?}; there are {known}"
                )));
            }
        }
    }
    for (index, line) in fence.body.lines().enumerate() {
        let number = fence.line + 1 + index;
        let part = |action| Part {
            action,
            line: number,
            expected: Vec::new(),
        };
        if let Some(command) = line.strip_prefix("$ ") {
            if ["cd ", "export "]
                .iter()
                .any(|word| command.starts_with(word))
            {
                let what = "every command has a shell of its own; write the variable or the path into the command";
                return Err((number, what.to_owned()));
            }
            block.parts.push(part(Action::Command(command.to_owned())));
            continue;
        }
        if line.trim_end() == "^C" {
            block.parts.push(part(Action::Interrupt));
            continue;
        }
        if block.parts.is_empty() {
            block.parts.push(part(Action::More));
        }
        let last = block
            .parts
            .last_mut()
            .expect("one was pushed if there was none");
        match (&mut last.action, line.strip_prefix("> ")) {
            (Action::Command(command), Some(rest))
                if command.ends_with('\\') && last.expected.is_empty() =>
            {
                command.push('\n');
                command.push_str(rest);
            }
            _ => last.expected.push(line.trim_end().to_owned()),
        }
    }
    let is_background = block.terminal.is_some();
    match block.parts.first().map(|part| &part.action) {
        None => Err(wrong("the block is empty; a line such as `$ curl …` is a command".to_owned())),
        Some(Action::More | Action::Interrupt) if !is_background => {
            Err(wrong("the block begins without a command; begin it with `$ `, or say which terminal=NAME goes on".to_owned()))
        }
        Some(_) if !is_background && block.parts.iter().any(|part| part.action == Action::Interrupt) => {
            Err(wrong("^C ends what runs in the background; say which terminal=NAME".to_owned()))
        }
        Some(_) => Ok(block),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::markdown;

    fn block(text: &str) -> Result<Block, (usize, String)> {
        parse(&markdown::content(text).fences[0])
    }

    #[test]
    fn a_block_is_commands_and_what_appears() {
        let block = block("x\n```console,terminal=server,needs=wrk+ab,timeout=7\nmore\n$ a \\\n> b\none\n\ntwo  \n^C\nend\n```\n").unwrap();
        assert_eq!(block.terminal.as_deref(), Some("server"));
        assert_eq!(
            (block.needs.len(), block.timeout.as_secs(), block.status),
            (2, 7, 0)
        );
        let parts: Vec<_> = block
            .parts
            .iter()
            .map(|part| (&part.action, part.line, part.expected.join("|")))
            .collect();
        assert_eq!(
            parts,
            [
                (&Action::More, 3, "more".to_owned()),
                (
                    &Action::Command("a \\\nb".to_owned()),
                    4,
                    "one||two".to_owned()
                ),
                (&Action::Interrupt, 9, "end".to_owned()),
            ]
        );
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
