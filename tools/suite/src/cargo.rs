//! What cargo does for the suite.

use std::{
    ffi::OsStr,
    iter,
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context, Result};
use output::terminal;
use processes::interrupt;
use serde_json::{Deserializer, Value};

/// A command of cargo's own.
pub fn component(root: &Path, name: &str, arguments: &[&str]) -> Command {
    let mut command = steps::cargo(root);
    command.arg(name).args(arguments);
    command
}

/// A command of cargo's as one would type it.
pub fn shown(command: &Command) -> String {
    let words = iter::once(command.get_program()).chain(command.get_args());
    let is_other = |word: &&OsStr| Path::new(word).file_stem() != Some(OsStr::new("cargo"));
    let words = words.skip_while(is_other).skip(1);
    let words: Vec<_> = words.map(OsStr::to_string_lossy).collect();
    format!("cargo {}", words.join(" "))
}

/// Runs a command that says as JSON what it does, and shows its progress. Returns what it said, and whether it
/// has succeeded.
pub fn messages(command: &mut Command) -> Result<(Vec<Value>, bool)> {
    terminal::progress(&shown(command));
    // cargo shows its progress on standard error.
    let output = command.stderr(Stdio::inherit()).output();
    let output = output.context("cannot start cargo")?;
    interrupt::exit_if_interrupted(output.status);
    let messages = Deserializer::from_slice(&output.stdout).into_iter();
    let messages = messages.collect::<Result<_, _>>();
    let messages = messages.context("cannot read what cargo says")?;
    Ok((messages, output.status.success()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_shown_as_it_is_typed() {
        let clippy = component(Path::new("/"), "clippy", &["--workspace"]);
        assert_eq!(shown(&clippy), "cargo clippy --workspace");
    }
}
