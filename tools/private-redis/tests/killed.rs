//! Everything that was started ends with the process that started it, however that ends.
//!
//! The test runs itself once more as a helper that starts things, ends the helper without letting
//! it clean up, and looks for what is left.

mod common;

use std::env;
use std::io::{BufRead, BufReader, Read};
use std::net::TcpStream;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use private_redis::{Durability, RedisServer};
use processes::{CleanUp, Folder, Output, Process};
use rustix::process::{Pid, Signal, kill_process_group};

/// Set to how it is to end, this makes the helper of the test below.
const HELPER: &str = "LAB_TEST_HELPER";

/// Longer than the cleaning up takes, on however busy a machine.
const LONG: Duration = Duration::from_secs(60);

#[test]
fn helper() {
    let Some(end) = env::var_os(HELPER) else {
        return;
    };
    let mut command = Command::new("/bin/sh");
    // It inherits the standard output that the test reads: that stays open as long as it lives.
    command.args(["-c", "trap '' TERM INT HUP; sleep 1000; sleep 1000"]);
    let _process = Process::spawn("the sleeper", command, Output::Inherit).unwrap();
    let folder = Folder::new("seen a folder ").unwrap();
    std::fs::write(folder.path().join("a file"), "").unwrap();
    // It must not go by itself: it is a command that removes this one.
    let to_be_undone = format!("seen-what's-to-be-undone-{}", std::process::id());
    let to_be_undone = env::temp_dir().join(to_be_undone);
    std::fs::create_dir(&to_be_undone).unwrap();
    let mut undo = Command::new("rmdir");
    undo.arg(&to_be_undone);
    let _clean_up = CleanUp::new(undo).unwrap();
    let servers: Vec<RedisServer> = common::programs()
        .iter()
        .map(|program| RedisServer::start(program, Durability::AppendOnly).unwrap())
        .collect();
    servers[0].freeze().unwrap();

    // The harness has begun a line.
    println!();
    println!("folder {}", folder.path().display());
    println!("folder {}", to_be_undone.display());
    for server in &servers {
        println!(
            "folder {}\nport {}",
            server.folder().path().display(),
            server.port()
        );
    }
    println!("ready");
    if end == "exit" {
        // Ends the process without a single `Drop`.
        std::process::exit(0);
    }
    thread::sleep(10 * LONG);
}

#[test]
fn nothing_is_left_of_a_process_that_is_killed() {
    assert_leaves_nothing("SIGKILL", |helper| helper.kill().unwrap());
}

/// As `timeout --signal KILL` does.
#[test]
fn nothing_is_left_of_a_process_that_is_killed_with_its_group() {
    assert_leaves_nothing("SIGKILL to the group", |helper| {
        kill_process_group(Pid::from_child(helper), Signal::KILL).unwrap();
    });
}

/// As a terminal does on Ctrl-C.
#[test]
fn nothing_is_left_of_a_process_that_is_interrupted() {
    assert_leaves_nothing("SIGINT to the group", |helper| {
        kill_process_group(Pid::from_child(helper), Signal::INT).unwrap();
    });
}

#[test]
fn nothing_is_left_of_a_process_that_exits_in_a_hurry() {
    assert_leaves_nothing("exit", |_| {});
}

fn assert_leaves_nothing(end: &str, make_it_end: impl FnOnce(&mut Child)) {
    let mut helper = Command::new(env::current_exe().unwrap())
        .args(["helper", "--exact", "--nocapture"])
        .env(HELPER, end)
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(helper.stdout.take().unwrap());
    let (folders, ports) = read_what_was_started(&mut output);
    assert!(
        folders.len() >= 3 && !ports.is_empty(),
        "the helper started too little: {folders:?} {ports:?}"
    );
    make_it_end(&mut helper);
    helper.wait().unwrap();

    assert!(
        ends(output),
        "after {end} the sleeper still holds the output open"
    );
    for port in ports {
        let is_gone = || TcpStream::connect(("127.0.0.1", port)).is_err();
        assert!(
            soon(is_gone),
            "after {end} somebody still listens on port {port}"
        );
    }
    for folder in folders {
        assert!(
            soon(|| !folder.exists()),
            "after {end} there still is {}",
            folder.display()
        );
    }
}

fn read_what_was_started(output: &mut impl BufRead) -> (Vec<PathBuf>, Vec<u16>) {
    let (mut folders, mut ports) = (Vec::new(), Vec::new());
    for line in output
        .lines()
        .map(Result::unwrap)
        .take_while(|line| line != "ready")
    {
        if let Some(folder) = line.strip_prefix("folder ") {
            folders.push(PathBuf::from(folder));
        } else if let Some(port) = line.strip_prefix("port ") {
            ports.push(port.parse().unwrap());
        }
    }
    (folders, ports)
}

/// Whether a stream ends soon.
fn ends(mut stream: BufReader<ChildStdout>) -> bool {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let end = stream.read_to_end(&mut Vec::new());
        let _ = sender.send(end);
    });
    receiver.recv_timeout(LONG).is_ok()
}

fn soon(is_so: impl Fn() -> bool) -> bool {
    let deadline = Instant::now() + LONG;
    while !is_so() {
        if Instant::now() >= deadline {
            return false;
        }
        thread::sleep(Duration::from_millis(10));
    }
    true
}
