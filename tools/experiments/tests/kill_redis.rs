//! One experiment from end to end, as somebody would run it.

use std::{
    env, fs,
    path::Path,
    process::{Command, Output, Stdio},
    time::{Duration, Instant},
};

use experiments::{Defect, Recording};
use private_redis::RedisProgram;
use processes::{Folder, Process, Signal};

/// How long anything may take. What is compiled on the way may have to wait for another cargo.
const TIMEOUT: Duration = Duration::from_secs(300);

fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_experiments"))
}

fn run(arguments: &[&str]) -> Output {
    program()
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn has_redis() -> bool {
    let has_redis = RedisProgram::find().is_some();
    if !has_redis {
        assert!(env::var_os("SEEN_STRICT").is_none(), "install Redis");
        eprintln!("skipped: redis-server is not on PATH");
    }
    has_redis
}

#[test]
fn step_2_stays_dead_and_step_4_heals() {
    if !has_redis() {
        return;
    }
    let folder = Folder::new("seen-break-").unwrap();
    let [json, svg] = ["kill.json", "kill.svg"].map(|name| folder.path().join(name));
    let files = [json.to_str().unwrap(), svg.to_str().unwrap()];
    let output = run(&[
        "kill-redis",
        "2",
        "4",
        "--record",
        files[0],
        "--svg",
        files[1],
    ]);
    let page = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{page}\n{}", said(&output));

    let recording = Recording::read(&json).unwrap();
    let [two, four] = &recording.columns[..] else {
        panic!("two steps were named: {recording:?}");
    };
    assert_eq!(two.verdict.defects, [Defect::StaysDead, Defect::Dishonest]);
    assert_eq!(four.verdict.defects, []);
    for column in [two, four] {
        let (ledger, samples) = (&column.ledger, column.series.len());
        assert!(
            ledger.acceptable().contains(&ledger.count.unwrap()),
            "{ledger:?}"
        );
        assert!(ledger.answered > 0 && samples > 50, "{ledger:?}");
        assert_eq!(column.series.p99.len(), samples);
    }
    assert!(four.ledger.refused > 0 && two.ledger.refused == 0);
    for words in [
        "it stays dead",
        "mended by  step-4-pooled (`heals`",
        "no number twice",
    ] {
        assert!(page.contains(words), "{words:?} is not in\n{page}");
    }
    let svg = fs::read_to_string(svg).unwrap();
    assert!(svg.starts_with("<svg ") && svg.contains("class=\"ill\"") && !svg.contains("href"));
}

/// The embedded Redis serves what can be had without files, and the same seed is told.
#[test]
fn the_embedded_redis_serves_what_it_can() {
    let output = run(&["lose-command", "4", "--embedded", "--seed", "7"]);
    let page = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{page}\n{}", said(&output));
    assert!(page.contains("step-4-pooled  holds"), "{page}");
    assert!(said(&output).contains("the embedded Redis, --seed 7"));

    let output = run(&["kill-redis", "--embedded"]);
    assert_eq!(output.status.code(), Some(2));
    let said = said(&output);
    for words in [
        "kill-redis needs a real Redis",
        "here: restart-web, freeze-redis",
    ] {
        assert!(said.contains(words), "{words:?} is not in\n{said}");
    }
}

#[test]
fn wrong_use_is_one_line_and_status_2() {
    for (arguments, expected) in [
        (&["kil-redis"][..], "did you mean kill-redis?"),
        (&["burst", "step-2-reddis"], "did you mean step-2-redis?"),
    ] {
        let output = run(arguments);
        let said = said(&output);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(
            said.contains(expected) && said.lines().count() == 1,
            "{said}"
        );
    }
    let list = run(&["list"]);
    assert!(list.status.success());
    assert!(String::from_utf8_lossy(&list.stdout).contains("\nkill-redis "));
}

#[cfg(target_os = "linux")]
#[test]
fn ctrl_c_leaves_nothing() {
    if !has_redis() {
        return;
    }
    let folder = Folder::new("seen-break-").unwrap();
    let mut command = program();
    command
        .args(["kill-redis", "4"])
        .env("TMPDIR", folder.path());
    let mut running = Process::spawn("break", command, processes::Output::Capture).unwrap();
    wait_until("Redis runs", || running_in(folder.path()));
    running.signal(Signal::Interrupt).unwrap();
    let status = running.wait_timeout(TIMEOUT).unwrap().expect("it ends");
    assert_eq!(status.code(), Some(130), "{}", running.output_tail(20));
    wait_until("Redis has ended", || !running_in(folder.path()));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

/// Whether a process works in this folder, or below it. A Redis does, where its files are.
fn running_in(folder: &Path) -> bool {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let mut folders = processes.filter_map(|entry| fs::read_link(entry.path().join("cwd")).ok());
    folders.any(|other| other.starts_with(folder))
}

fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + TIMEOUT;
    while !is_so() {
        assert!(
            Instant::now() < deadline,
            "not so after {TIMEOUT:?}: {what}"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}
