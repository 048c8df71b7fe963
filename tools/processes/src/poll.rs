//! Waiting for a state that nobody announces.

use std::time::{Duration, Instant};

/// Asks every `interval` until there is an answer, and returns it. When there is none after `timeout`, it
/// asks once more and returns what that gives. To end early with an error, make that an answer.
pub fn poll<T>(
    timeout: Duration,
    interval: Duration,
    mut ask: impl FnMut() -> Option<T>,
) -> Option<T> {
    let deadline = Instant::now() + timeout;
    loop {
        // Looked up before the question: whatever is so at the deadline is seen.
        let is_last = Instant::now() >= deadline;
        let answer = ask();
        if answer.is_some() || is_last {
            return answer;
        }
        std::thread::sleep(interval);
    }
}
