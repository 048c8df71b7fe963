//! What the programs of the tools have in common: how they read their arguments, and how they end.
//!
//! Only their own commands compile them. xtask itself reads its arguments without clap, which takes longer
//! to compile than everything else that a first `cargo xtask run` needs.

use std::{path::Path, process::ExitCode};

use anyhow::{Result, anyhow};
use clap::{Parser, error::ErrorKind};
use output::terminal;

/// The `main` of a tool: calls `run` with the folder of the repository and the arguments.
///
/// # Panics
///
/// When the tool does not lie in the workspace.
pub fn main<Arguments: Parser>(run: impl FnOnce(&Path, Arguments) -> Result<ExitCode>) -> ExitCode {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2);
    let root = root.expect("the tool lies in the workspace");
    terminal::end(match Arguments::try_parse() {
        Ok(arguments) => run(root, arguments),
        Err(error) if is_help(&error) => error.exit(),
        Err(error) => {
            let command = Arguments::command();
            let name = command.get_bin_name().unwrap_or_default();
            Err(anyhow!(
                "{}; see {name} --help",
                one_line(&error.to_string())
            ))
        }
    })
}

/// Whether it is no error, or one that is answered with the help.
fn is_help(error: &clap::Error) -> bool {
    !error.use_stderr() || error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
}

/// What clap says in several paragraphs, without its advice to look into the help.
fn one_line(text: &str) -> String {
    let lines = text.lines().map(str::trim);
    let lines =
        lines.take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more"));
    // That what looks like an option may be meant as a name is hardly ever so.
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with("tip: to pass"));
    lines.fold(String::new(), |said, line| match said.is_empty() {
        true => line.trim_start_matches("error: ").to_owned(),
        false if said.ends_with(':') => said + " " + line,
        false => said + "; " + line.trim_start_matches("tip: "),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A tool that is like all others
    #[derive(Parser)]
    #[command(bin_name = "cargo xtask test")]
    struct Options {
        /// A step
        step: String,
        #[arg(long, value_parser = ["auto", "embedded"])]
        redis: Option<String>,
    }

    fn said(line: &str) -> String {
        let error = Options::try_parse_from(line.split(' ')).err();
        one_line(&error.expect("it is wrong").to_string())
    }

    #[test]
    fn what_is_wrong_is_said_in_one_line() {
        for (line, expected) in [
            (
                "x",
                "the following required arguments were not provided: <STEP>",
            ),
            (
                "x 1 --rdis",
                "unexpected argument '--rdis' found; a similar argument exists: '--redis'",
            ),
            ("x 1 2", "unexpected argument '2' found"),
            ("x --zzz", "unexpected argument '--zzz' found"),
            (
                "x 1 --redis none",
                "invalid value 'none' for '--redis <REDIS>'; [possible values: auto, embedded]",
            ),
        ] {
            assert_eq!(said(line), expected);
        }
    }
}
