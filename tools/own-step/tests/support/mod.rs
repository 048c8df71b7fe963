//! What the tests share: a step of one's own, in a temporary folder.

#![allow(dead_code, reason = "each test program uses a part of it")]

pub mod workshop;

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    sync::{Mutex, MutexGuard, PoisonError},
};

use contract::{Cell, Report, results};
use own_step::Goal;
use private_redis::RedisProgram;
use processes::programs::first_line;
use steps::Step;

/// One after the other: two that compile or are judged at the same time only get into each other's way.
static TURN: Mutex<()> = Mutex::new(());

/// How often a row is checked until it counts as not met.
pub const ATTEMPTS: usize = 3;

pub fn root() -> &'static Path {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    folder.ancestors().nth(2).unwrap()
}

/// Whether all starts are to be proved, which takes minutes.
pub fn is_all() -> bool {
    env::var_os("SEEN_ALL_STARTS").is_some()
}

/// Whether there is no real Redis to judge with.
pub fn is_skipped() -> bool {
    let is_missing = RedisProgram::find().is_none();
    if is_missing {
        let is_strict = env::var_os("SEEN_STRICT").is_some();
        assert!(!is_strict, "redis-server is not on PATH; install it");
        println!("skipped: redis-server is not on PATH, so no step of one's own is judged");
    }
    is_missing
}

/// `cargo xtask`, with its commands for steps of one's own.
pub fn xtask(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_own-step"));
    surroundings(&mut command, folder);
    command
}

/// All is compiled into our own target folder, where most of what it is built from is compiled already: the lock
/// file and the profile are the same.
pub fn target() -> &'static Path {
    let tests = Path::new(env!("CARGO_TARGET_TMPDIR"));
    tests.parent().unwrap()
}

fn surroundings(command: &mut Command, folder: &Path) {
    command
        .current_dir(folder)
        .env("CARGO_TARGET_DIR", target())
        .env("NO_COLOR", "1")
        // A git that knows nobody.
        .env("HOME", folder)
        .env("CARGO_HOME", cargo_home())
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env_remove("REDIS_URL")
        .env_remove("CARGO_MANIFEST_DIR");
    if let Some(rustup) = rustup_home() {
        command.env("RUSTUP_HOME", rustup);
    }
}

/// Where cargo keeps what it downloaded, wherever `HOME` leads.
fn cargo_home() -> PathBuf {
    let home = env::home_dir().unwrap_or_default().join(".cargo");
    env::var_os("CARGO_HOME").map_or(home, PathBuf::from)
}

fn rustup_home() -> Option<PathBuf> {
    let home = env::home_dir().unwrap_or_default().join(".rustup");
    let home = env::var_os("RUSTUP_HOME").map_or(home, PathBuf::from);
    home.is_dir().then_some(home)
}

/// Runs to the end and returns what one would see. The status must be this one.
pub fn seen(command: &mut Command, status: i32) -> String {
    let output = command.output().unwrap();
    let (stdout, stderr) = (&output.stdout, &output.stderr);
    let text = String::from_utf8_lossy(stdout) + String::from_utf8_lossy(stderr);
    assert_eq!(output.status.code(), Some(status), "{text}");
    text.into_owned()
}

/// A step of one's own.
pub struct Own {
    folder: tempfile::TempDir,
    name: String,
    /// What `start` said.
    pub said: String,
    _turn: MutexGuard<'static, ()>,
}

impl Own {
    pub fn start(number: u32, name: &str) -> Self {
        Self::of(&[&number.to_string()], name)
    }

    /// An exercise, in a folder of its name.
    pub fn exercise(name: &str) -> Self {
        Self::of(&["exercise", name], &format!("my-{name}"))
    }

    fn of(what: &[&str], name: &str) -> Self {
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let folder = tempfile::tempdir().unwrap();
        let mut start = xtask(folder.path());
        start.arg("start").args(what).args(["--dir", name]);
        let said = seen(&mut start, 0);
        Self {
            folder,
            name: name.to_owned(),
            said,
            _turn: turn,
        }
    }

    pub fn folder(&self) -> PathBuf {
        self.folder.path().join(&self.name)
    }

    /// What a command says in the folder.
    pub fn seen(&self, arguments: &[&str], status: i32) -> String {
        seen(xtask(&self.folder()).args(arguments), status)
    }

    /// cargo itself, which must succeed.
    pub fn cargo(&self, arguments: &[&str]) -> String {
        seen(cargo(&self.folder()).args(arguments), 0)
    }

    /// All that this machine needs is downloaded, and Cargo.lock holds nothing that is not needed. What only
    /// other machines need was never asked for.
    pub fn ensure_complete(&self) {
        let host = first_line("rustc", &["--print", "host-tuple"]).unwrap();
        self.cargo(&[
            "metadata",
            "--locked",
            "--offline",
            "--format-version",
            "1",
            "--filter-platform",
            &host,
        ]);
    }

    /// Which of these rows are not met. Where that is not `expected`, a busy machine can be the reason once, and a
    /// defect is there every time.
    pub fn unmet<'a>(&self, rows: &[&'a str], expected: &[&str]) -> Vec<&'a str> {
        let mut unmet = self.unmet_once(rows);
        for _ in 1..ATTEMPTS {
            let again = unmet.iter().filter(|id| !expected.contains(id));
            let again: Vec<&str> = again.copied().collect();
            if again.is_empty() {
                break;
            }
            let still = self.unmet_once(&again);
            unmet.retain(|id| expected.contains(id) || still.contains(id));
        }
        unmet
    }

    fn unmet_once<'a>(&self, rows: &[&'a str]) -> Vec<&'a str> {
        let (status, found) = self.check(rows);
        assert_eq!(found.len(), rows.len(), "{found:?}");
        let is_met = |id: &str| found.iter().any(|cell| cell.id == id && cell.as_expected);
        let unmet = rows.iter().filter(|id| !is_met(id));
        let unmet: Vec<&str> = unmet.copied().collect();
        assert_eq!(status == 0, unmet.is_empty(), "{found:?}");
        unmet
    }

    /// The exit status of a check of these rows, and what was found.
    fn check(&self, rows: &[&str]) -> (i32, Vec<Cell>) {
        let json = self.folder.path().join("found.json");
        let mut check = xtask(&self.folder());
        check.args(["check", "--only", &rows.join(","), "--json"]);
        let output = check.arg(&json).output().unwrap();
        // Shown when the test fails.
        println!("{}", String::from_utf8_lossy(&output.stdout));
        println!("{}", String::from_utf8_lossy(&output.stderr));
        let mut reports: Vec<Report> = results::read(&json).unwrap();
        (output.status.code().unwrap(), reports.remove(0).cells)
    }

    /// Puts our own step in the place of the sources.
    pub fn solve(&self, goal: &Goal) {
        fs::remove_dir_all(self.folder().join("src")).unwrap();
        for (file, text) in named(&goal.step, &self.name) {
            let file = self.folder().join(file);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        }
    }

    /// Changes a file in one place.
    pub fn change(&self, file: &str, from: &str, to: &str) {
        let file = self.folder().join(file);
        let text = fs::read_to_string(&file).unwrap();
        assert_eq!(text.matches(from).count(), 1, "{from}");
        fs::write(file, text.replace(from, to)).unwrap();
    }
}

/// The sources of a step under another name.
pub fn named(step: &Step, name: &str) -> Vec<(PathBuf, String)> {
    let mut files = step.files().unwrap();
    files.retain(|file| file.starts_with("src"));
    let text = |file: &PathBuf| {
        let text = step.neutral(file).unwrap().replace("step-N", name);
        text.replace("step_N", &name.replace('-', "_"))
    };
    let files = files.into_iter();
    files.map(|file| (file.clone(), text(&file))).collect()
}

/// cargo, in this folder.
pub fn cargo(folder: &Path) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or("cargo".into()));
    surroundings(&mut command, folder);
    command
}
