//! The last lines that a process printed.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How many lines are kept. Older ones are forgotten.
const LINES_MAX: usize = 1000;

/// How long a line may be. A longer one is kept in pieces.
const LINE_BYTES_MAX: u64 = 4096;

/// The stream that a line came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    Stdout,
    Stderr,
}

/// A bounded buffer of lines that threads fill and others search.
#[derive(Debug, Default)]
pub(super) struct Tail {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    lines: VecDeque<(Source, String)>,
    /// How many lines were forgotten: the number of the first line in `lines`.
    forgotten: usize,
    /// How many streams may still bring lines.
    open_streams: usize,
}

impl Tail {
    /// Reads `stream` to its end in a thread of its own. A pipe that nobody reads would block the
    /// process that writes to it.
    pub(super) fn follow(self: &Arc<Self>, source: Source, stream: impl Read + Send + 'static) {
        self.lock().open_streams += 1;
        let tail = Arc::clone(self);
        std::thread::spawn(move || {
            let mut stream = BufReader::new(stream);
            let mut line = Vec::new();
            let mut next = |line: &mut Vec<u8>| {
                let mut piece = (&mut stream).take(LINE_BYTES_MAX);
                piece.read_until(b'\n', line)
            };
            // A stream that fails has nothing more to say, as one that ends.
            while matches!(next(&mut line), Ok(1..)) {
                let text = String::from_utf8_lossy(&line);
                tail.push(source, text.trim_end_matches(['\r', '\n']));
                line.clear();
            }
            tail.lock().open_streams -= 1;
            tail.changed.notify_all();
        });
    }

    fn push(&self, source: Source, line: &str) {
        let mut state = self.lock();
        if state.lines.len() == LINES_MAX {
            state.lines.pop_front();
            state.forgotten += 1;
        }
        state.lines.push_back((source, line.to_owned()));
        self.changed.notify_all();
    }

    /// Whether every stream has ended.
    pub(super) fn is_complete(&self) -> bool {
        self.lock().open_streams == 0
    }

    /// Waits until every stream has ended, but not longer than `timeout`.
    pub(super) fn wait_until_complete(&self, timeout: Duration) {
        let _ = self
            .changed
            .wait_timeout_while(self.lock(), timeout, |state| state.open_streams > 0);
    }

    /// Finds a line of standard output from line number `seen` on, and moves `seen` past what was
    /// looked at.
    pub(super) fn find(
        &self,
        seen: &mut usize,
        predicate: impl Fn(&str) -> bool,
    ) -> Option<String> {
        let state = self.lock();
        let skip = seen.saturating_sub(state.forgotten);
        *seen = state.forgotten + state.lines.len();
        state
            .lines
            .iter()
            .skip(skip)
            .find(|(source, line)| *source == Source::Stdout && predicate(line))
            .map(|(_, line)| line.clone())
    }

    /// Waits until something changes, but not longer than `timeout`.
    pub(super) fn wait(&self, timeout: Duration) {
        // A change between a search and this wait is missed, and seen one timeout later.
        let _ = self.changed.wait_timeout(self.lock(), timeout);
    }

    /// The last `lines` lines, without a line break at the end.
    pub(super) fn last(&self, lines: usize) -> String {
        let state = self.lock();
        let skip = state.lines.len().saturating_sub(lines);
        let lines: Vec<&str> = state
            .lines
            .iter()
            .skip(skip)
            .map(|(_, line)| line.as_str())
            .collect();
        lines.join("\n")
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A predicate that panics leaves the lines as they were.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
