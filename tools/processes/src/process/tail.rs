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
    pub(super) fn new() -> Arc<Tail> {
        Arc::default()
    }

    /// Reads `stream` to its end in a thread of its own. A pipe that nobody reads would block the
    /// process that writes to it.
    pub(super) fn follow(self: &Arc<Self>, source: Source, stream: impl Read + Send + 'static) {
        self.lock().open_streams += 1;
        let tail = Arc::clone(self);
        std::thread::spawn(move || {
            let mut stream = BufReader::new(stream);
            let mut line = Vec::new();
            // A stream that fails has nothing more to say, as one that ends.
            while matches!(
                (&mut stream)
                    .take(LINE_BYTES_MAX)
                    .read_until(b'\n', &mut line),
                Ok(1..)
            ) {
                tail.push(
                    source,
                    String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']),
                );
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

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(text: &'static [u8]) -> Arc<Tail> {
        let tail = Tail::new();
        tail.follow(Source::Stdout, text);
        while !tail.is_complete() {
            tail.wait(Duration::from_millis(10));
        }
        tail
    }

    #[test]
    fn keeps_lines_with_and_without_a_line_break_at_the_end() {
        assert_eq!(filled(b"one\r\ntwo\nthree").last(9), "one\ntwo\nthree");
        assert_eq!(filled(b"one\ntwo\nthree\n").last(2), "two\nthree");
        assert_eq!(filled(b"").last(9), "");
    }

    #[test]
    fn forgets_the_oldest_lines_and_still_finds_each_new_line_once() {
        let tail = Tail::new();
        let mut seen = 0;
        tail.push(Source::Stdout, "first");
        assert_eq!(
            tail.find(&mut seen, |line| line == "first").as_deref(),
            Some("first")
        );
        for number in 0..2 * LINES_MAX {
            tail.push(Source::Stdout, &number.to_string());
        }
        assert_eq!(tail.lock().lines.len(), LINES_MAX);
        assert_eq!(
            tail.find(&mut seen, |line| line == "1999").as_deref(),
            Some("1999")
        );
        assert_eq!(
            tail.find(&mut seen, |_| true),
            None,
            "a line was found twice"
        );
    }

    #[test]
    fn a_line_without_an_end_is_kept_in_bounded_pieces() {
        let tail = Tail::new();
        tail.follow(
            Source::Stdout,
            std::io::repeat(b'x').take(3 * LINE_BYTES_MAX),
        );
        while !tail.is_complete() {
            tail.wait(Duration::from_millis(10));
        }
        assert_eq!(tail.lock().lines.len(), 3);
    }

    #[test]
    fn finds_lines_of_standard_output_only() {
        let tail = Tail::new();
        tail.push(Source::Stderr, "ready");
        assert_eq!(tail.find(&mut 0, |line| line == "ready"), None);
    }
}
