//! What the report says about the machine: enough to judge the figures, and not its name.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use private_redis::RedisProgram;
use processes::programs::{Tool, first_line};

use crate::contestant::Start;
use crate::engine::Engine;
use crate::results::Machine;

/// Describes this machine.
pub fn describe() -> Machine {
    Machine {
        processor: field("/proc/cpuinfo", "model name")
            .or_else(|| first_line("sysctl", &["-n", "machdep.cpu.brand_string"]))
            .unwrap_or_else(|| std::env::consts::ARCH.to_owned()),
        cores: std::thread::available_parallelism().map_or(1, usize::from),
        memory_bytes: memory_bytes(),
        system: system(),
        kernel: first_line("uname", &["-s", "-r"]).unwrap_or("unknown".to_owned()),
    }
}

/// The versions of what takes part.
pub fn versions<'a>(
    redis: Option<&RedisProgram>,
    engines: impl IntoIterator<Item = &'a Engine>,
    starts: impl IntoIterator<Item = &'a Start>,
) -> BTreeMap<String, String> {
    let mut versions = BTreeMap::new();
    let mut add = |name: &str, version: Option<String>| {
        if let Some(version) = version {
            versions.insert(name.to_owned(), version);
        }
    };
    let rustc = Tool::RUST.version();
    add("rustc", rustc.map(|line| line.replacen("rustc ", "", 1)));
    if let Some(redis) = redis {
        add(&redis.to_string(), redis.version());
    }
    for engine in engines {
        add(engine.name(), engine.version());
    }
    for start in starts {
        let Start::Flask(flask, _) = start else {
            continue;
        };
        for line in flask.versions().lines() {
            if let Some((name, version)) = line.split_once("==").or(line.split_once(' ')) {
                let name = if name == "redis" { "redis-py" } else { name };
                add(name, Some(version.to_owned()));
            }
        }
    }
    versions
}

/// The commit that is checked out, with `-dirty` when files differ from it.
pub fn commit(root: &Path) -> Option<String> {
    let git = |arguments: &[&str]| {
        let mut git = Command::new("git");
        let output = git.current_dir(root).args(arguments).output().ok()?;
        let text = String::from_utf8(output.stdout).ok()?;
        output.status.success().then(|| text.trim().to_owned())
    };
    let commit = git(&["rev-parse", "HEAD"])?;
    let is_dirty = git(&["status", "--porcelain"]).is_none_or(|changes| !changes.is_empty());
    Some(commit + if is_dirty { "-dirty" } else { "" })
}

fn system() -> String {
    let linux = fs::read_to_string("/etc/os-release").ok().and_then(|text| {
        let line = text.lines().find_map(|l| l.strip_prefix("PRETTY_NAME="))?;
        Some(line.trim_matches('"').to_owned())
    });
    let mac = || {
        let version = first_line("sw_vers", &["-productVersion"])?;
        Some(format!("macOS {version}"))
    };
    linux
        .or_else(mac)
        .unwrap_or(std::env::consts::OS.to_owned())
}

fn memory_bytes() -> Option<u64> {
    let linux = || {
        let kibibytes = field("/proc/meminfo", "MemTotal")?;
        let kibibytes: u64 = kibibytes.strip_suffix(" kB")?.parse().ok()?;
        Some(kibibytes * 1024)
    };
    linux().or_else(|| first_line("sysctl", &["-n", "hw.memsize"])?.parse().ok())
}

/// The value of a line `name : value`.
fn field(file: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}
