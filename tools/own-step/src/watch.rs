//! `cargo xtask check --watch`: the goal again whenever a file is saved.

use std::{
    env, fs,
    io::{self, IsTerminal, Write},
    path::{Path, PathBuf},
    process::{Command, ExitCode},
    thread,
    time::{Duration, SystemTime},
};

use anyhow::{Context, Result};
use output::terminal::{self, DIM, RESET};
use processes::{
    Output, Process,
    interrupt::{self, Interrupted},
};

use crate::{HintOptions, OwnStep, hint, keys::Keys};

/// How often we look at the files. Events would tell sooner, but not on every file system.
const POLL_INTERVAL: Duration = Duration::from_millis(200);

/// When a file was changed last, and how long it is.
type State = Vec<(PathBuf, Option<SystemTime>, u64)>;

/// Checks until somebody quits, with our own arguments and, while nobody asks for all rows, `less`.
pub fn watch(root: &Path, own: &OwnStep, less: Option<&str>) -> Result<ExitCode> {
    let program = env::current_exe().context("cannot find this program")?;
    let interrupted = interrupt::catch()?;
    let keys = Keys::new();
    let (mut seen, mut is_goal) = (None, true);
    while !interrupted.yet() {
        let now = state(own);
        if seen.as_ref() != Some(&now) {
            seen = Some(now);
            clear();
            let mut command = Command::new(&program);
            let ours = env::args_os().skip(1);
            command.args(ours.filter(|argument| argument != "--watch"));
            command.args(less.filter(|_| is_goal));
            is_goal = true;
            if !run(command, &keys, &interrupted)? {
                break;
            }
            anstream::println!(
                "\n{DIM}Watching {}. Keys: a all rows, h a hint, q quit{RESET}",
                own.folder.display()
            );
        }
        match keys.next() {
            Some(b'q') => break,
            Some(b'a') => (seen, is_goal) = (None, false),
            Some(b'h') => {
                // What is wrong with a file now may be mended with the next save.
                terminal::end(hint(root, &HintOptions::next(&own.folder)));
            }
            Some(_) => {}
            None => thread::sleep(POLL_INTERVAL),
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Runs a check to its end, of which all has been said then. `false` if somebody quits before.
fn run(command: Command, keys: &Keys, interrupted: &Interrupted) -> Result<bool> {
    let mut check = Process::spawn("check", command, Output::Inherit)?;
    while check.wait_timeout(POLL_INTERVAL)?.is_none() {
        if interrupted.yet() || keys.next() == Some(b'q') {
            return Ok(false);
        }
    }
    Ok(true)
}

/// So that nothing is left on the screen of an error that is mended.
fn clear() {
    if io::stdout().is_terminal() {
        anstream::print!("\x1b[2J\x1b[3J\x1b[H");
        // Before the check writes, which is another process.
        let _ = io::stdout().flush();
    }
}

/// What a save changes. An editor may write a file in two moments, so what is not there is no error.
fn state(own: &OwnStep) -> State {
    let sources = own.source_files().unwrap_or_default();
    let of = |file: PathBuf| {
        let about = fs::metadata(&file).ok();
        let changed = about.as_ref().and_then(|about| about.modified().ok());
        (file, changed, about.map_or(0, |about| about.len()))
    };
    sources.into_iter().map(of).collect()
}
