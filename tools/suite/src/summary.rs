//! What has been run so far, and the lines that say so.

use std::process::{Command, Output};

use output::terminal::{self, BOLD, GREEN, RED, RESET, YELLOW};

/// What has been run so far.
#[derive(Default)]
pub struct Summary {
    /// How many tests, pages, steps and other things have passed.
    pub passed: usize,
    /// How many have failed.
    pub failed: usize,
    /// What was skipped, and why.
    pub skipped: Vec<String>,
}

impl Summary {
    /// Something has passed.
    pub fn pass(&mut self, name: &str, what: &str) {
        self.passed += 1;
        anstream::println!("{GREEN}ok{RESET}      {name:<18} {what}");
    }

    /// Something has failed.
    pub fn fail(&mut self, name: &str, what: &str) {
        self.failed += 1;
        anstream::println!("{RED}FAILED{RESET}  {name:<18} {what}");
    }

    /// Something could not be run.
    pub fn skip(&mut self, name: &str, why: &str) {
        self.skipped.push(format!("{name}: {why}"));
        anstream::println!("{YELLOW}skipped{RESET} {name:<18} {why}");
    }

    /// Passes without a difference, fails with one.
    pub fn compare(&mut self, name: &str, what: &str, difference: Option<String>) {
        match difference {
            None => self.pass(name, what),
            Some(difference) => self.fail(name, &difference),
        }
    }

    /// Runs a command, which passes when it succeeds. What it prints is shown only if it does not.
    pub fn command(&mut self, name: &str, command: &mut Command) {
        terminal::progress(&shown(command));
        match command.output() {
            Ok(output) if output.status.success() => self.pass(name, ""),
            Ok(output) => self.fail(name, &format!("{}\n{}", shown(command), text(&output))),
            Err(error) => self.fail(name, &format!("{} cannot start: {error}", shown(command))),
        }
    }

    /// Prints the end: the numbers, and what was skipped.
    pub fn print(&self, seconds: u64) {
        let Self {
            passed,
            failed,
            skipped,
        } = self;
        let number = skipped.len();
        anstream::println!("\n{BOLD}{passed} passed, {failed} failed, {number} skipped{RESET}");
        anstream::println!("in {seconds} s");
        for reason in skipped {
            anstream::println!("{YELLOW}skipped{RESET}: {reason}");
        }
        if skipped.is_empty() {
            anstream::println!("skipped: nothing");
        }
    }
}

/// All that a command printed.
pub fn text(output: &Output) -> String {
    let (stdout, stderr) = (&output.stdout, &output.stderr);
    String::from_utf8_lossy(stdout).into_owned() + &String::from_utf8_lossy(stderr)
}

/// A command of cargo's as one would type it.
pub fn shown(command: &Command) -> String {
    let arguments = command
        .get_args()
        .map(|argument| argument.to_string_lossy());
    format!("cargo {}", arguments.collect::<Vec<_>>().join(" "))
}
