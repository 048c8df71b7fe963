//! Pages whose commands are really run, right and wrong.

use std::{
    fs,
    net::{Ipv4Addr, TcpListener},
    path::Path,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use book::{Mode, Outcome};
use tempfile::TempDir;

fn play(root: &Path, page: &str) -> Outcome {
    book::play(root, "p.md", &book::of_page(page), Mode::Test)
}

fn run(page: &str) -> Outcome {
    let folder = TempDir::new().unwrap();
    play(folder.path(), page)
}

#[track_caller]
fn fails(page: &str, line: usize, what: &str) {
    let outcome = run(page);
    let (at, found) = outcome.failure.expect("it passed");
    assert!(at == line && found.contains(what), "line {at}: {found}");
}

#[test]
fn what_is_printed_is_compared() {
    let page = "```console\n$ echo 'a  b'; echo c >&2\na  b\nc\n$ printf 'x\\ny\\nz\\n'\n...\nz\n$ echo at $$\nat [..]\n```\n";
    let outcome = run(page);
    assert_eq!((outcome.failure, outcome.commands), (None, 3));
    fails(
        "```console\n$ echo a\na\n$ echo b\nc\n```\n",
        4,
        "page | c\n    here | b",
    );
    fails("```console\n$ echo a\n```\n", 2, "something else");
}

#[test]
fn a_status_is_compared() {
    assert_eq!(
        run("```console,status=3\n$ true\n$ exit 3\n```\n").failure,
        None
    );
    fails("```console\n$ exit 3\n```\n", 2, "but should with 0");
    fails("```console,status=3\n$ true\n```\n", 2, "but should with 3");
}

#[test]
fn a_command_that_does_not_end_is_ended() {
    let started = Instant::now();
    fails(
        "```console,timeout=1\n$ echo x; sleep 60\n```\n",
        2,
        "still runs after 1 s",
    );
    assert!(started.elapsed() < Duration::from_secs(30));
}

#[test]
fn commands_run_in_the_root_without_settings_or_colours() {
    let folder = TempDir::new().unwrap();
    let page = format!(
        "```console\n$ pwd -P\n{}\n$ echo \"[$REDIS_URL$ADDR]\" $NO_COLOR\n[] 1\n```\n",
        folder.path().canonicalize().unwrap().display()
    );
    assert_eq!(play(folder.path(), &page).failure, None);
}

const SERVER: &str = "trap 'echo bye; exit' INT; echo up; while :; do sleep 0.05; test -e go && rm go && echo went; done";

#[test]
fn a_terminal_goes_on_in_the_background_and_is_taken_up_again() {
    let page = format!(
        "```console,terminal=server\n$ {SERVER}\nup\n```\n\n```console\n$ touch go\n```\n\n```console,terminal=server\nwent\n^C\n...\nbye\n```\n"
    );
    assert_eq!(run(&page).failure, None);
    let wrong = page
        .replace("\nwent\n", "\ncame\n")
        .replace("terminal=server", "terminal=server,timeout=2");
    fails(&wrong, 11, "within 2 s it did not print what the page says");
    let wrong = page.replace("\nbye\n", "\nhello\n");
    fails(&wrong, 12, "something else");
}

#[test]
fn a_terminal_that_ended_or_never_began_is_told() {
    fails(
        "```console,terminal=a\n^C\n```\n",
        2,
        "nothing runs in terminal a",
    );
    fails(
        "```console,terminal=a\n$ echo x; exit 2\ny\n```\n",
        2,
        "it ended with exit status: 2",
    );
    fails(
        "```console,terminal=a\n$ echo x\nx\n```\n\n```console\n$ sleep 0.5\n```\n\n```console,terminal=a\n^C\n```\n",
        11,
        "had ended before ^C",
    );
}

/// Whether a process with this in its command line still runs.
fn is_running(word: &str) -> bool {
    let output = Command::new("ps")
        .args(["-A", "-o", "args"])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines()
        .any(|line| line.contains(word) && !line.contains("ps -A"))
}

#[test]
fn nothing_is_left_running_even_after_a_failure() {
    // A child of a child that ignores Ctrl-C; its time is its name.
    let page = "```console,terminal=a\n$ (trap '' INT; sleep 987.654321) & echo up; wait\nup\n```\n\n```console\n$ false\n```\n";
    fails(page, 7, "ended with exit status: 1");
    let deadline = Instant::now() + Duration::from_secs(10);
    while is_running("987.654321") {
        assert!(Instant::now() < deadline, "it still runs");
        thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_port_in_use_is_told_before_anything_runs() {
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = taken.local_addr().unwrap().port();
    let page = format!("```console\n$ touch ran\n$ curl http://localhost:{port}/\n```\n");
    let folder = TempDir::new().unwrap();
    let outcome = play(folder.path(), &page);
    let expected = format!("port {port} is in use");
    assert!(outcome.failure.unwrap().1.contains(&expected));
    assert!(!folder.path().join("ran").exists());
}

#[test]
fn what_is_missing_is_skipped_with_its_terminal() {
    let page = "```console,terminal=a,needs=no-such-tool\n$ no-such-tool\n```\n\n```console\n$ echo x\nx\n```\n\n```console,terminal=a\n^C\n```\n";
    let outcome = run(page);
    assert_eq!(
        (outcome.failure, outcome.commands, outcome.skipped.len()),
        (None, 1, 2)
    );
    assert!(outcome.skipped[0].1.contains("no-such-tool is missing"));
}

/// A book of one page.
fn book_of(page: &str) -> TempDir {
    let folder = TempDir::new().unwrap();
    let root = folder.path();
    for folder in ["book/src", "book/measurements/bench", "steps"] {
        fs::create_dir_all(root.join(folder)).unwrap();
    }
    fs::write(root.join("book/src/SUMMARY.md"), "[P](p.md)\n").unwrap();
    fs::write(root.join("book/src/p.md"), page).unwrap();
    folder
}

/// The page after it was blessed.
fn blessed(root: &Path, mode: Mode) -> String {
    book::prove(root, Some(&[]), mode, drop).unwrap();
    fs::read_to_string(root.join("book/src/p.md")).unwrap()
}

#[test]
fn blessing_writes_what_is_printed_and_then_all_is_right() {
    let page = "# P\n\n- item\n\n  ```console\n  $ echo a; echo run 7\n  old\n  run [..]\n  ```\n\n```console,terminal=s\n$ echo up; sleep 60\n```\n\n```console,terminal=s\n^C\n```\n";
    let book = book_of(page);
    let blessed = blessed(book.path(), Mode::Bless);
    let expected = page
        .replace("  old\n", "  a\n")
        .replace("[..]", "[..|7]")
        .replace("sleep 60\n", "sleep 60\nup\n");
    assert_eq!(blessed, expected);
    assert_eq!(play(book.path(), &blessed).failure, None);
}

#[test]
fn a_sample_stays_until_its_output_changes_or_all_are_wanted_anew() {
    let page = "# P\n\n```console\n$ cat a\nat [..|1] of [..|2]\n$ cat a\nat [..|1] of [..]\n$ cat a\nat [..|1] of [..|2]\nold\n```\n\n```console,terminal=s\n$ cat a; sleep 60\nat [..|1] of [..|2]\n```\n";
    let book = book_of(page);
    let root = book.path();
    fs::write(root.join("a"), "at 3 of 4\n").unwrap();
    let expected = page
        .replace("at [..|1] of [..]", "at [..|3] of [..|4]")
        .replace("at [..|1] of [..|2]\nold", "at [..|3] of [..|4]");
    assert_eq!(blessed(root, Mode::Bless), expected);
    fs::write(root.join("a"), "at 5 of 6\n").unwrap();
    assert_eq!(blessed(root, Mode::Bless), expected);
    let anew = "at [..|5] of [..|6]";
    let expected = expected
        .replace("at [..|1] of [..|2]", anew)
        .replace("at [..|3] of [..|4]", anew);
    assert_eq!(blessed(root, Mode::Record), expected);
}
