//! Which program serves as Redis, and how it is started.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use processes::programs::on_path;

use crate::Durability;

/// The names under which a Redis is found on `PATH`, the preferred one first.
const SERVER_NAMES: [&str; 2] = ["redis-server", "valkey-server"];

/// A program that serves as Redis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RedisProgram {
    /// `redis-server` or `valkey-server`.
    Server(PathBuf),
    /// A program that calls [`embedded::serve`](crate::embedded::serve) with a listener on the address in
    /// its only argument, such as `127.0.0.1:6379`.
    Embedded(PathBuf),
}

impl RedisProgram {
    /// Finds a real server on `PATH`: `redis-server`, else `valkey-server`.
    pub fn find() -> Option<RedisProgram> {
        let mut found = SERVER_NAMES.iter().filter_map(|name| on_path(name));
        found.next().map(RedisProgram::Server)
    }

    /// The version that a real server gives for itself, such as `7.0.15`. The embedded one has
    /// none.
    pub fn version(&self) -> Option<String> {
        let RedisProgram::Server(program) = self else {
            return None;
        };
        let output = Command::new(program).arg("--version").output().ok()?;
        let text = String::from_utf8(output.stdout).ok()?;
        let mut words = text.split_whitespace();
        words.find_map(|word| Some(word.strip_prefix("v=")?.to_owned()))
    }

    /// Whether the disk of this server can be slowed here: `strace` must be there, and must be allowed to
    /// trace a program, which it is not in every container.
    pub fn can_slow_disk(&self) -> bool {
        let tried = slowed(&Command::new("true"), Duration::ZERO)
            .stderr(Stdio::null())
            .status();
        matches!(self, RedisProgram::Server(_)) && tried.is_ok_and(|status| status.success())
    }

    /// The command that serves `port` on 127.0.0.1 and keeps what it must keep in `folder`.
    pub(super) fn command(&self, port: u16, folder: &Path, durability: Durability) -> Command {
        let (RedisProgram::Server(program) | RedisProgram::Embedded(program)) = self;
        let mut command = Command::new(program);
        if let RedisProgram::Embedded(_) = self {
            command.arg(format!("127.0.0.1:{port}"));
            return command;
        }
        // Its messages are compared with English ones.
        command.env("LC_ALL", "C").arg("--dir").arg(folder);
        command.args(["--port", &port.to_string(), "--bind", "127.0.0.1"]);
        command.args(["--protected-mode", "yes", "--daemonize", "no", "--save", ""]);
        command.args(match durability {
            Durability::None => ["--appendonly", "no"].as_slice(),
            Durability::AppendOnly => &["--appendonly", "yes", "--appendfsync", "always"],
            Durability::EverySecond => &["--appendonly", "yes", "--appendfsync", "everysec"],
        });
        command
    }
}

/// The same command on a slow disk: `strace` delays every call that waits for the disk. It runs beside the
/// program and not in front of it, so that the program is still our child.
pub(super) fn slowed(command: &Command, delay: Duration) -> Command {
    let mut slowed = Command::new("strace");
    let inject = format!("inject=fdatasync,fsync:delay_enter={}", delay.as_micros());
    // Without the filter it would stop the program at every call, and slow all that it does.
    slowed.args(["-D", "-f", "--seccomp-bpf", "-qq", "-o", "/dev/null"]);
    slowed.args(["-e", "trace=fdatasync,fsync", "-e", &inject]);
    slowed.arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        slowed.env(name, value.unwrap_or_default());
    }
    slowed
}

/// The name of the program, for messages.
impl fmt::Display for RedisProgram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RedisProgram::Server(program) => {
                let name = program.file_name().unwrap_or(program.as_os_str());
                name.display().fmt(f)
            }
            RedisProgram::Embedded(_) => f.write_str("the embedded Redis"),
        }
    }
}
