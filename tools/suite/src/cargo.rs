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

/// The same, but whatever else runs has the processors first.
pub fn behind(command: &Command) -> Command {
    let mut nice = Command::new("nice");
    nice.args(["-n", "19"]).arg(command.get_program());
    nice.args(command.get_args());
    if let Some(folder) = command.get_current_dir() {
        nice.current_dir(folder);
    }
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => nice.env(name, value),
            None => nice.env_remove(name),
        };
    }
    nice
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
    fn a_command_that_waits_for_others_is_the_same_command() {
        let mut echo = Command::new("sh");
        echo.args(["-c", "echo $1 $PWD $SEEN $(nice)", "sh", "two words"]);
        echo.current_dir("/").env("SEEN", "1");
        let output = behind(&echo).output().unwrap();
        assert_eq!(
            String::from_utf8(output.stdout).unwrap(),
            "two words / 1 19\n"
        );

        let clippy = component(Path::new("/"), "clippy", &["--workspace"]);
        assert_eq!(shown(&clippy), "cargo clippy --workspace");
        assert_eq!(shown(&behind(&clippy)), "cargo clippy --workspace");
    }
}
