//! What cargo does for the suite.

use std::{
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
    let words = command.get_args().map(|word| word.to_string_lossy());
    format!("cargo {}", words.collect::<Vec<_>>().join(" "))
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
