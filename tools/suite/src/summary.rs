//! What has been run so far, and the lines that say so.

use std::{
    process::{Command, Output},
    sync::{Mutex, MutexGuard, PoisonError},
};

use output::terminal::{self, BOLD, GREEN, RED, RESET, YELLOW};

use crate::cargo::shown;

/// What has been run so far, by whichever thread.
#[derive(Default)]
pub struct Summary(Mutex<Counts>);

/// How it went.
#[derive(Default)]
pub struct Counts {
    /// How many tests, pages, steps and other things have passed.
    pub passed: usize,
    /// How many have failed.
    pub failed: usize,
    /// What was skipped, and why.
    pub skipped: Vec<String>,
}

impl Summary {
    /// How it went so far.
    pub fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// So many things of one kind have passed and failed. They have one line.
    pub fn add(&self, passed: usize, failed: usize, name: &str, what: &str) {
        let mut counts = self.counts();
        counts.passed += passed;
        counts.failed += failed;
        match failed {
            0 => anstream::println!("{GREEN}ok{RESET}      {name:<18} {what}"),
            _ => anstream::println!("{RED}FAILED{RESET}  {name:<18} {what}"),
        }
    }

    /// Something has passed.
    pub fn pass(&self, name: &str, what: &str) {
        self.add(1, 0, name, what);
    }

    /// Something has failed.
    pub fn fail(&self, name: &str, what: &str) {
        self.add(0, 1, name, what);
    }

    /// Something could not be run.
    pub fn skip(&self, name: &str, why: &str) {
        self.counts().skipped.push(format!("{name}: {why}"));
        anstream::println!("{YELLOW}skipped{RESET} {name:<18} {why}");
    }

    /// Passes without a difference, fails with one.
    pub fn compare(&self, name: &str, what: &str, difference: Option<String>) {
        match difference {
            None => self.pass(name, what),
            Some(difference) => self.fail(name, &difference),
        }
    }

    /// Runs a command, which passes when it succeeds. What it prints is shown only if it does not.
    pub fn command(&self, name: &str, command: &mut Command) {
        terminal::progress(&shown(command));
        match command.output() {
            Ok(output) if output.status.success() => self.pass(name, ""),
            Ok(output) => self.fail(name, &format!("{}\n{}", shown(command), text(&output))),
            Err(error) => self.fail(name, &format!("{} cannot start: {error}", shown(command))),
        }
    }
}

impl Counts {
    /// Prints the end: the numbers, and what was skipped.
    pub fn print(&self, seconds: u64) {
        let (passed, failed, skipped) = (self.passed, self.failed, self.skipped.len());
        anstream::println!("\n{BOLD}{passed} passed, {failed} failed, {skipped} skipped{RESET}");
        anstream::println!("in {seconds} s");
        for reason in &self.skipped {
            anstream::println!("{YELLOW}skipped{RESET}: {reason}");
        }
        if skipped == 0 {
            anstream::println!("skipped: nothing");
        }
    }
}

/// All that a command printed.
pub fn text(output: &Output) -> String {
    let (stdout, stderr) = (&output.stdout, &output.stderr);
    String::from_utf8_lossy(stdout).into_owned() + &String::from_utf8_lossy(stderr)
}
