//! `check --watch`, as somebody uses it who types into a pipe.

mod support;

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    process::{Child, ChildStdin, Stdio},
    sync::mpsc::{self, Receiver},
    thread,
    time::Duration,
};

use support::{Own, is_all, is_skipped, xtask};

/// How long a line may take, compiling included.
const LINE_TIMEOUT: Duration = Duration::from_secs(180);

struct Watch {
    child: Child,
    keys: ChildStdin,
    lines: Receiver<String>,
}

impl Watch {
    fn start(own: &Own) -> Self {
        let mut command = xtask(&own.folder());
        command.args(["check", "--watch"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            stdout
                .lines()
                .map_while(Result::ok)
                .all(|line| sender.send(line).is_ok())
        });
        let keys = child.stdin.take().unwrap();
        Self { child, keys, lines }
    }

    /// Waits for a line with these words.
    fn expect(&self, words: &str) {
        let mut seen = String::new();
        while !seen.contains(words) {
            let line = self.lines.recv_timeout(LINE_TIMEOUT);
            let line = line.unwrap_or_else(|_| panic!("expected {words:?}: {seen}"));
            seen += &(line + "\n");
        }
    }

    fn press(&mut self, key: &str) {
        self.keys.write_all(key.as_bytes()).unwrap();
    }
}

impl Drop for Watch {
    /// Nobody quits where the test has failed.
    fn drop(&mut self) {
        let _ = self.child.kill();
    }
}

#[test]
fn it_checks_again_when_a_file_is_saved_or_a_key_pressed() {
    if is_skipped() {
        return;
    }
    // All rows of step 1 are its goal.
    let (number, row) = if is_all() {
        (2, "shared")
    } else {
        (1, "greets")
    };
    let not_yet = format!("not yet   {row}");
    let own = Own::start(number, "watched");
    let save = |from: &str, to: &str| own.change("src/lib.rs", from, to);
    let mut watch = Watch::start(&own);
    watch.expect(&not_yet);
    watch.expect("Keys: a all rows, h a hint, q quit");

    save("Router::new()", "Ruoter::new()");
    watch.expect("Keys:");
    save("Ruoter::new()", "Router::new()");
    watch.expect(&not_yet);
    watch.expect("Keys:");

    watch.press("h");
    watch.expect("Hint 1 of");
    watch.press("a");
    if is_all() {
        watch.expect("what may not get worse");
        watch.expect("has       unique");
    } else {
        watch.expect(&not_yet);
    }
    watch.expect("Keys:");
    watch.press("q");
    assert!(watch.child.wait().unwrap().success());
    let progress = fs::read_to_string(own.folder().join("progress.toml")).unwrap();
    assert!(progress.contains("hints = 1"), "{progress}");
}
