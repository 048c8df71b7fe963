//! Redis is killed under load, with the settings of the compose file, and comes back on the same files:
//! no number may be given twice.
//!
//! A Redis that replies before it has written forgets what it has said. How much it has not written
//! depends on the disk, so one test slows it: `strace` delays what waits for the disk.
//!
//! What the tests find with another setting: `SEEN_APPENDFSYNC=everysec cargo test -p contract --test crash`.
//! On the slowed disk that gives numbers twice nearly always, and on a fast one now and then.

mod support;

use std::{
    env, fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    thread,
    time::{Duration, Instant},
};

use load::{Connection, ledger};
use private_redis::{RedisClient, RedisProgram};
use processes::{Folder, Output, Process, free_port};
use steps::Profile;
use support::skipped;

/// Visitors at once.
const VISITORS: usize = 64;

/// How often Redis is killed, and how long the visitors come before that: each time a little longer, as
/// Redis does some of its work once a second.
const KILLS: u32 = 6;
const LOAD_TIME: Duration = Duration::from_millis(800);
const LONGER: Duration = Duration::from_millis(130);

/// How long a slowed disk takes. Twice that is less than a visit may take.
const DISK_DELAY: Duration = Duration::from_millis(300);

/// How long somebody waits who was refused.
const REFUSED_PAUSE: Duration = Duration::from_millis(20);

/// How long anything may take that takes milliseconds.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Numbers that must have been given before a run says anything.
const NUMBERS_MIN: usize = 50;

#[test]
fn a_crash_of_redis_repeats_no_number() {
    if let Some(redis) = redis() {
        assert_none_twice(&compose_settings(), &redis, &[]);
    }
}

#[test]
fn a_crash_of_redis_on_a_slow_disk_repeats_no_number() {
    if let (Some(redis), Some(strace)) = (redis(), strace()) {
        assert_none_twice(&compose_settings(), &redis, &strace);
    }
}

fn assert_none_twice(settings: &[String], redis: &Path, wrapper: &[String]) {
    let (twice, numbers) = numbers_twice(settings, redis, wrapper);
    eprintln!("{numbers} numbers, {twice} of them twice");
    assert_eq!(twice, 0, "of {numbers} numbers, {twice} were given twice");
    assert!(numbers >= NUMBERS_MIN, "only {numbers} numbers were given");
}

/// How many numbers step 6 gives twice, and how many in all, while Redis is killed now and then.
fn numbers_twice(settings: &[String], redis: &Path, wrapper: &[String]) -> (usize, usize) {
    let folder = Folder::new("seen-crash-").unwrap();
    let port = free_port().unwrap();
    let start = || start_redis(settings, redis, wrapper, folder.path(), port);
    let mut server = start();
    let (mut step, addr) = start_step(port);
    let over = AtomicBool::new(false);
    let numbers: Vec<u64> = thread::scope(|scope| {
        let visitors = || load::in_parallel(VISITORS, |_| visit_until(&over, addr)).concat();
        let visitors = scope.spawn(visitors);
        for kill in 0..KILLS {
            thread::sleep(LOAD_TIME + kill * LONGER);
            server.kill().unwrap();
            server = start();
        }
        thread::sleep(LOAD_TIME);
        over.store(true, Relaxed);
        visitors.join().unwrap()
    });
    step.stop(TIMEOUT).unwrap();
    (ledger::duplicates(&numbers).len(), numbers.len())
}

/// The numbers that one visitor is given, who comes again and again.
fn visit_until(over: &AtomicBool, addr: SocketAddr) -> Vec<u64> {
    let mut numbers = Vec::new();
    while !over.load(Relaxed) {
        let mut connection = Connection::open(addr).unwrap();
        while !over.load(Relaxed) {
            match connection.ask("GET", "/") {
                Ok(page) if page.seen().is_some() => numbers.extend(page.seen()),
                Ok(refusal) if refusal.turns_away() => thread::sleep(REFUSED_PAUSE),
                Ok(other) => panic!("GET / answered\n{other}"),
                Err(_) => break,
            }
        }
    }
    numbers
}

/// Starts Redis with the settings of the compose file and waits until it has read its files.
fn start_redis(
    settings: &[String],
    redis: &Path,
    wrapper: &[String],
    folder: &Path,
    port: u16,
) -> Process {
    let program = wrapper.first().map_or(redis.as_os_str(), AsRef::as_ref);
    let mut command = Command::new(program);
    if let Some(arguments) = wrapper.get(1..) {
        command.args(arguments).arg(redis);
    }
    command.args(settings).arg("--dir").arg(folder);
    command.args(["--port", &port.to_string(), "--bind", "127.0.0.1"]);
    let mut process = Process::spawn("redis", command, Output::Capture).unwrap();
    let url = format!("redis://127.0.0.1:{port}");
    let deadline = Instant::now() + TIMEOUT;
    while let Err(error) = RedisClient::connect_url(&url, TIMEOUT) {
        let ended = process.try_wait().unwrap();
        let log = process.output_tail(20);
        assert!(
            ended.is_none() && Instant::now() < deadline,
            "Redis does not answer: {error}\n{log}"
        );
        thread::sleep(Duration::from_millis(20));
    }
    process
}

/// Builds step 6 and starts it.
fn start_step(redis_port: u16) -> (Process, SocketAddr) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2);
    let profile = match cfg!(debug_assertions) {
        true => Profile::Debug,
        false => Profile::Release,
    };
    let step = steps::one(root.unwrap(), Some("6")).unwrap();
    let programs = steps::programs(root.unwrap(), &[step], profile).unwrap();
    let mut command = Command::new(&programs.expect("cargo has said why")[0].path);
    command.env("ADDR", "127.0.0.1:0");
    command.env("REDIS_URL", format!("redis://127.0.0.1:{redis_port}"));
    let mut step = Process::spawn("step 6", command, Output::Capture).unwrap();
    let line = step
        .wait_for_line(TIMEOUT, |line| line.contains("http://"))
        .unwrap();
    let addr = line.split("http://").nth(1).unwrap().parse().unwrap();
    (step, addr)
}

/// The settings behind `redis-server` in the compose file.
fn compose_settings() -> Vec<String> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docker-compose.yml");
    let text = fs::read_to_string(file).unwrap();
    let service = text.split("\n  redis:").nth(1).unwrap();
    let list = service.split("    command:\n").nth(1).unwrap();
    let lines = list.lines().take_while(|line| line.starts_with("      "));
    let words = lines.filter_map(|line| line.trim().strip_prefix("- "));
    let words: Vec<String> = words
        .map(|word| word.trim_matches('"').to_owned())
        .collect();
    assert_eq!(words[0], "redis-server", "{words:?}");
    assert!(words.iter().any(|word| word == "--appendonly"), "{words:?}");
    let mut settings = words[1..].to_vec();
    if let Ok(other) = env::var("SEEN_APPENDFSYNC") {
        settings.extend(["--appendfsync".to_owned(), other]);
    }
    settings
}

fn redis() -> Option<PathBuf> {
    match RedisProgram::find() {
        Some(RedisProgram::Server(path)) => Some(path),
        _ => skipped("redis-server is not on PATH"),
    }
}

/// What slows the disk for the program that follows.
fn strace() -> Option<Vec<String>> {
    let delay = DISK_DELAY.as_micros();
    let words = format!(
        "strace -f -qq -o /dev/null -e trace=fdatasync,fsync -e inject=fdatasync,fsync:delay_enter={delay}"
    );
    let words: Vec<String> = words.split(' ').map(str::to_owned).collect();
    // Some containers have it, and do not allow it.
    let tried = Command::new(&words[0])
        .args(&words[1..])
        .arg("true")
        .status();
    match tried {
        Ok(status) if status.success() => Some(words),
        Ok(_) => skipped("strace may not trace a program here"),
        Err(_) => skipped("strace is not on PATH"),
    }
}
