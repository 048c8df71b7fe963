//! Child processes obey, and leave nothing behind.

use std::collections::HashSet;
use std::net::TcpListener;
use std::os::unix::process::ExitStatusExt;
use std::process::Command;
use std::time::{Duration, Instant};

use processes::{CleanUp, Folder, Output, Process, Signal, free_port, poll};
use rustix::process::{Pid, test_kill_process};

/// Longer than anything here takes, on however busy a machine.
const LONG: Duration = Duration::from_secs(60);

fn shell(script: &str) -> Process {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", script]);
    Process::spawn("the shell", command, Output::Capture).unwrap()
}

/// Waits until every process that holds the captured output is gone.
fn assert_output_ends(process: &mut Process) {
    let start = Instant::now();
    process
        .wait_for_line(LONG, |_| false)
        .expect_err("no line satisfies this");
    assert!(
        start.elapsed() < LONG,
        "something still holds the output open"
    );
}

#[test]
fn a_line_is_found_whether_it_was_printed_before_or_after_the_call() {
    let mut process = shell("echo one; echo two; sleep 0.2; echo three; exec sleep 1000");
    assert_eq!(
        process
            .wait_for_line(LONG, |line| line.starts_with("th"))
            .unwrap(),
        "three"
    );
    assert_eq!(
        process
            .wait_for_line(LONG, |line| line.starts_with("o"))
            .unwrap(),
        "one"
    );
    assert_eq!(process.output_tail(2), "two\nthree");
    assert!(process.try_wait().unwrap().is_none());
}

#[test]
fn a_process_that_ends_before_its_line_is_described_at_once() {
    let mut process = shell("echo almost there; echo out of luck >&2; exit 3");
    let start = Instant::now();
    let error = process
        .wait_for_line(LONG, |line| line == "ready")
        .unwrap_err();
    assert!(start.elapsed() < LONG, "it waited for a dead process");
    let status = process.try_wait().unwrap().expect("it has ended");
    assert_eq!(status.code(), Some(3));
    let message = error.to_string();
    for expected in [
        "the shell ended (exit status: 3)",
        "| almost there",
        "| out of luck",
    ] {
        assert!(
            message.contains(expected),
            "expected {expected:?} in: {message}"
        );
    }
}

#[test]
fn a_process_that_is_silent_is_given_no_more_than_its_time() {
    let mut process = shell("echo hello; exec sleep 1000");
    process.wait_for_line(LONG, |line| line == "hello").unwrap();
    let error = process
        .wait_for_line(Duration::from_millis(50), |line| line == "ready")
        .unwrap_err();
    let expected =
        "the shell did not print the expected line within 50ms; its last lines:\n  | hello";
    assert_eq!(error.to_string(), expected);
}

#[test]
fn a_program_that_is_not_there_is_named() {
    let command = Command::new("/nowhere/no-such-program");
    let error = Process::spawn("the missing one", command, Output::Capture).unwrap_err();
    let message = error.to_string();
    assert!(
        message.starts_with("cannot start the missing one (/nowhere/no-such-program): "),
        "{message}"
    );
}

#[test]
fn stop_lets_a_process_end_in_its_own_way() {
    let mut process = shell("trap 'exit 7' TERM; echo ready; while :; do sleep 0.05; done");
    process.wait_for_line(LONG, |line| line == "ready").unwrap();
    assert_eq!(process.stop(LONG).unwrap().code(), Some(7));
    process
        .signal(Signal::Terminate)
        .expect("a signal to a process that has ended is no error");
    assert_eq!(
        process.stop(LONG).unwrap().code(),
        Some(7),
        "the status is kept"
    );
}

#[test]
fn stop_lets_a_frozen_process_end_in_its_own_way() {
    let mut process = shell("trap 'exit 7' TERM; echo ready; while :; do sleep 0.05; done");
    process.wait_for_line(LONG, |line| line == "ready").unwrap();
    process.signal(Signal::Stop).unwrap();
    assert_eq!(process.stop(LONG).unwrap().code(), Some(7));
}

#[test]
fn what_a_process_said_last_is_there_when_it_has_ended() {
    for _ in 0..50 {
        let mut process = shell("echo farewell >&2");
        process.wait_timeout(LONG).unwrap().expect("it ends");
        assert_eq!(process.output_tail(1), "farewell");
    }
}

#[test]
fn stop_kills_a_process_that_does_not_listen() {
    let mut process = shell("trap '' TERM; echo ready; while :; do sleep 0.05; done");
    process.wait_for_line(LONG, |line| line == "ready").unwrap();
    assert_eq!(
        process.stop(Duration::from_millis(100)).unwrap().signal(),
        Some(9)
    );
}

#[test]
fn a_signal_reaches_what_the_process_has_started() {
    let mut process = shell("sleep 1000 & echo ready; wait");
    process.wait_for_line(LONG, |line| line == "ready").unwrap();
    process.signal(Signal::Terminate).unwrap();
    assert_output_ends(&mut process);
}

#[test]
fn what_a_process_leaves_running_ends_with_it() {
    let mut process = shell("sleep 1000 & echo ready");
    process.wait_for_line(LONG, |line| line == "ready").unwrap();
    assert!(process.wait_timeout(LONG).unwrap().unwrap().success());
    assert_output_ends(&mut process);
}

#[test]
fn a_process_that_is_dropped_is_gone() {
    let process = shell("trap '' TERM INT HUP; sleep 1000");
    let id = Pid::from_raw(process.id().cast_signed()).unwrap();
    test_kill_process(id).expect("it runs");
    drop(process);
    test_kill_process(id).expect_err("it still runs");
}

#[test]
fn lines_end_with_a_line_break_or_with_the_stream() {
    let printed = |script| {
        let mut process = shell(script);
        process.wait_timeout(LONG).unwrap().expect("it ends");
        process.output_tail(2)
    };
    assert_eq!(printed(r"printf 'one\r\ntwo\nthree'"), "two\nthree");
    assert_eq!(printed(r"printf 'one\ntwo\nthree\n'"), "two\nthree");
    assert_eq!(printed("exit 0"), "");
}

#[test]
fn the_oldest_lines_are_forgotten_and_the_new_ones_are_found() {
    let mut process = shell("seq 2000; read line < /dev/null; exec sleep 1000");
    process.wait_for_line(LONG, |line| line == "2000").unwrap();
    let output = process.output_tail(usize::MAX);
    assert_eq!(output.lines().count(), 1000);
    assert!(output.starts_with("1001\n"), "{output}");
}

#[test]
fn a_line_without_an_end_is_kept_in_bounded_pieces() {
    let mut process = shell("head -c 12288 /dev/zero | tr '\\0' x");
    process.wait_timeout(LONG).unwrap().expect("it ends");
    let lengths: Vec<usize> = process.output_tail(9).lines().map(str::len).collect();
    assert_eq!(lengths, [4096; 3]);
}

#[test]
fn a_line_of_standard_error_is_not_found() {
    let mut process = shell("echo ready >&2");
    let error = process.wait_for_line(LONG, |line| line == "ready");
    assert!(error.unwrap_err().to_string().contains("| ready"));
}

#[test]
fn what_is_to_be_undone_is_undone_once_when_it_is_dropped() {
    let folder = Folder::new("seen-clean-up-").unwrap();
    let mut command = Command::new("/bin/sh");
    command.args(["-c", "echo \"$A|${B-none}|$1\" >> \"$0\""]);
    command.arg(folder.path().join("a file")).arg("it's");
    command.env("A", "a b").env_remove("B");
    let clean_up = CleanUp::new(command).unwrap();
    assert!(!folder.path().join("a file").exists());
    drop(clean_up);
    let done = std::fs::read_to_string(folder.path().join("a file")).unwrap();
    assert_eq!(done, "a b|none|it's\n");
}

#[test]
fn ports_are_distinct_free_and_not_for_outgoing_connections() {
    let ports: HashSet<u16> = (0..50).map(|_| free_port().unwrap()).collect();
    assert_eq!(ports.len(), 50, "a port was handed out twice: {ports:?}");
    assert!(
        ports.iter().all(|port| (20_000..32_000).contains(port)),
        "{ports:?}"
    );
}

#[test]
fn a_port_in_use_is_passed_over() {
    let first = free_port().unwrap();
    let taken: Vec<_> = (1..=5)
        .filter_map(|step| TcpListener::bind(("127.0.0.1", first + step)).ok())
        .collect();
    let second = free_port().unwrap();
    let mut ports = taken
        .iter()
        .map(|listener| listener.local_addr().unwrap().port());
    assert!(ports.all(|port| port != second));
}

#[test]
fn a_state_is_waited_for_until_the_deadline_and_looked_for_once_more() {
    let mut asked = 0;
    let third = poll(LONG, Duration::ZERO, || {
        asked += 1;
        (asked == 3).then_some(asked)
    });
    assert_eq!(third, Some(3));
    let mut asked = 0;
    let never = poll(Duration::ZERO, LONG, || -> Option<()> {
        asked += 1;
        None
    });
    assert_eq!((never, asked), (None, 1));
}
