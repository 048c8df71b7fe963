//! `cargo xtask run`, as a newcomer runs it: it serves, and nothing of it stays behind.

use std::{
    env,
    fs::{self, Permissions},
    io::{BufRead, BufReader, Read, Write},
    net::{Ipv4Addr, TcpStream},
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use browser::Browser;
use private_redis::TestRedis;
use steps::Language;
use tempfile::TempDir;

/// Longer than the compiler takes for a step on the slowest machine.
const PATIENCE: Duration = Duration::from_secs(300);

/// `cargo xtask run`, up to the line that says how to stop it.
struct Running {
    child: Child,
    port: u16,
    redis_port: Option<u16>,
}

impl Running {
    fn start(arguments: &[&str]) -> Self {
        Self::start_with_stderr(arguments, Stdio::inherit())
    }

    fn start_with_stderr(arguments: &[&str], stderr: Stdio) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_xtask"))
            .args(["run", "--port", "0"])
            .args(arguments)
            .env_remove("REDIS_URL")
            .stdout(Stdio::piped())
            .stderr(stderr)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut block = Vec::new();
        while !block
            .last()
            .is_some_and(|line: &String| line.contains("Ctrl-C"))
        {
            block.push(
                lines
                    .next()
                    .unwrap_or_else(|| panic!("ended after {block:?}"))
                    .unwrap(),
            );
        }
        let port_after = |start: &str| {
            let rest = block.iter().find_map(|line| line.split_once(start))?.1;
            rest.split(|c: char| !c.is_ascii_digit())
                .next()?
                .parse()
                .ok()
        };
        Self {
            port: port_after("http://localhost:").unwrap(),
            redis_port: port_after("redis://127.0.0.1:"),
            child,
        }
    }

    fn visit(&self) -> String {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).unwrap();
        stream
            .write_all(b"GET / HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n")
            .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.lines().last().unwrap().to_owned()
    }

    fn signal(&self, signal: &str) {
        let id = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args([signal, &id])
                .status()
                .unwrap()
                .success()
        );
    }

    fn ended(&mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < deadline, "cargo xtask run does not end");
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits until nobody listens on any of its ports.
    fn nothing_is_left(&self) {
        for port in [Some(self.port), self.redis_port].into_iter().flatten() {
            let deadline = Instant::now() + PATIENCE;
            while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok() {
                assert!(
                    Instant::now() < deadline,
                    "somebody still listens on port {port}"
                );
                thread::sleep(Duration::from_millis(20));
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn ctrl_c_stops_everything() {
    for signal in ["-INT", "-TERM"] {
        let mut running = Running::start(&["2"]);
        assert_eq!(running.visit(), "Hello World! I have been seen 1 times.");
        assert_eq!(running.visit(), "Hello World! I have been seen 2 times.");
        running.signal(signal);
        assert_eq!(running.ended().code(), Some(0));
        running.nothing_is_left();
    }
}

#[test]
fn the_last_step_may_be_told_several_nodes() {
    let redis = TestRedis::start().unwrap();
    // One that answers is enough.
    let away = processes::free_port().unwrap();
    let nodes = format!("redis://127.0.0.1:{away},{}", redis.url());
    let mut running = Running::start(&["6", "--redis", &nodes]);
    // It refuses until it has tried the second.
    let counted = || Some(running.visit()).filter(|page| page.starts_with("Hello"));
    let page = processes::poll(PATIENCE, Duration::from_millis(50), counted);
    assert_eq!(page.unwrap(), "Hello World! I have been seen 1 times.");
    running.signal("-INT");
    assert_eq!(running.ended().code(), Some(0));
}

#[test]
fn a_killed_xtask_leaves_nothing_behind() {
    for redis in ["auto", "embedded"] {
        let mut running = Running::start(&["2", "--redis", redis]);
        assert_eq!(running.visit(), "Hello World! I have been seen 1 times.");
        running.signal("-KILL");
        running.ended();
        running.nothing_is_left();
    }
}

#[test]
fn a_step_that_dies_is_reported_and_takes_the_rest_with_it() {
    let mut running = Running::start(&["2"]);
    let parent = running.child.id().to_string();
    let killed = Command::new("pkill")
        .args(["-KILL", "--parent", &parent, "--full", "step-2-redis"])
        .status();
    assert!(
        killed.unwrap().success(),
        "the step is not a child of xtask"
    );
    assert_eq!(running.ended().code(), Some(1));
    running.nothing_is_left();
}

#[test]
fn a_redis_that_dies_is_reported_and_the_step_lives_on() {
    let mut running = Running::start_with_stderr(&["2", "--redis", "embedded"], Stdio::piped());
    assert_eq!(running.visit(), "Hello World! I have been seen 1 times.");
    let port = running.redis_port.unwrap();
    let killed = Command::new("pkill")
        .args([
            "-KILL",
            "--full",
            &format!("embedded-redis 127.0.0.1:{port}"),
        ])
        .status();
    assert!(
        killed.unwrap().success(),
        "the embedded Redis was not found"
    );
    let lines = BufReader::new(running.child.stderr.take().unwrap()).lines();
    let (found, report) = mpsc::channel();
    thread::spawn(move || {
        let is_report = |line: &String| line.contains("Redis has ended by itself");
        let _ = found.send(lines.map_while(Result::ok).find(is_report));
    });
    let report = report.recv_timeout(PATIENCE).ok().flatten();
    assert!(report.is_some(), "nobody said that Redis has ended");
    assert!(!running.visit().contains("seen 2 times"));
    running.signal("-INT");
    assert_eq!(running.ended().code(), Some(0));
    running.nothing_is_left();
}

/// `cargo xtask run` with a cargo that compiles for ever.
struct Compiling {
    xtask: Child,
    cargo: String,
    _folder: TempDir,
}

impl Compiling {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let cargo = folder.path().join("cargo");
        let id = folder.path().join("id");
        let script = format!("#!/bin/sh\necho $$ >{}\nexec sleep 600\n", id.display());
        fs::write(&cargo, script).unwrap();
        fs::set_permissions(&cargo, Permissions::from_mode(0o755)).unwrap();
        let mut xtask = Command::new(env!("CARGO_BIN_EXE_xtask"))
            .args(["run", "2", "--port", "0", "--redis", "embedded"])
            .env("CARGO", &cargo)
            // With it, no cargo would be started.
            .env_remove(steps::COMPILED)
            // A terminal sends Ctrl-C to all that it runs in the foreground: to this group.
            .process_group(0)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let deadline = Instant::now() + PATIENCE;
        loop {
            if Instant::now() >= deadline {
                let _ = xtask.kill();
                panic!("cargo was not started");
            }
            match fs::read_to_string(&id) {
                Ok(id) if id.ends_with('\n') => {
                    return Self {
                        xtask,
                        cargo: id.trim().to_owned(),
                        _folder: folder,
                    };
                }
                _ => thread::sleep(Duration::from_millis(10)),
            }
        }
    }

    /// Sends the signal of Ctrl-C, and expects both to end of it.
    fn interrupt(mut self, whom: &str) {
        let sent = Command::new("kill").args(["-INT", "--", whom]).status();
        assert!(sent.unwrap().success());
        assert_eq!(self.xtask.wait().unwrap().code(), Some(130));
        let cargo_runs = Command::new("kill")
            .args(["-0", &self.cargo])
            .stderr(Stdio::null())
            .status();
        assert!(!cargo_runs.unwrap().success(), "cargo still runs");
    }
}

#[test]
fn ctrl_c_while_cargo_compiles_stops_both() {
    let compiling = Compiling::start();
    let group = format!("-{}", compiling.xtask.id());
    compiling.interrupt(&group);
}

/// Whose handler runs first is a matter of luck.
#[test]
fn ctrl_c_that_reaches_cargo_first_is_no_failure_of_cargo() {
    let compiling = Compiling::start();
    let cargo = compiling.cargo.clone();
    compiling.interrupt(&cargo);
}

#[test]
fn a_browser_that_refreshes_sees_the_number_go_up_by_one() {
    let Some(mut browser) = Browser::start() else {
        return;
    };
    browser.enable();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let steps = steps::all(root).unwrap().into_iter();
    for step in steps.filter(|step| step.language == Language::Rust) {
        let running = Running::start(&[&step.name]);
        for seen in 1..=5 {
            browser.go(&format!("http://localhost:{}/", running.port));
            let shown = browser.evaluate("document.body.innerText.trim()");
            let expected = format!("Hello World! I have been seen {seen} times.");
            assert_eq!(shown, expected.as_str(), "{}", step.name);
        }
    }
}

#[test]
fn two_runs_live_side_by_side() {
    let (one, other) = (Running::start(&["2"]), Running::start(&["2"]));
    assert_eq!(one.visit(), "Hello World! I have been seen 1 times.");
    assert_eq!(other.visit(), "Hello World! I have been seen 1 times.");
    assert_eq!(one.visit(), "Hello World! I have been seen 2 times.");
}
