//! The shell that a command is typed into, and whether what it needs is here.

use std::{
    collections::BTreeSet,
    env, fs,
    net::{Ipv4Addr, TcpListener},
    path::Path,
    process::Command,
    sync::LazyLock,
};

use anyhow::{Result, ensure};
use processes::{Folder, programs::on_path};
use regex::Regex;

use crate::regex;

static NAMED_PORT: LazyLock<Regex> =
    LazyLock::new(|| regex(r"(?:--port[ =]|localhost:|127\.0\.0\.1:)(\d+)"));

/// The port of a step that was not told another one.
const DEFAULT_PORT: u16 = 8000;

/// Settings of a step or of the tools that a reader does not have.
const SETTINGS: [&str; 6] = [
    "REDIS_URL",
    "ADDR",
    "RUST_LOG",
    "STEP",
    "CLICOLOR_FORCE",
    "SEEN_STRICT",
];

/// Whether a tool needs a Docker Engine.
pub fn is_docker(tool: &str) -> bool {
    tool == "docker" || tool == "docker-compose"
}

/// Why a tool cannot be used; `None` if it can.
pub fn lack(tool: &str) -> Option<String> {
    let is_docker = is_docker(tool);
    let answers = || {
        Command::new("docker")
            .arg("info")
            .output()
            .is_ok_and(|output| output.status.success())
    };
    if on_path(tool).is_none() {
        Some(format!(
            "{tool} is missing; cargo xtask doctor says how to get it"
        ))
    } else if is_docker && env::var_os("SEEN_BOOK_DOCKER").is_none() {
        let why = "images take minutes to build; set SEEN_BOOK_DOCKER=1 to build them";
        Some(why.to_owned())
    } else if is_docker && !answers() {
        Some("no Docker Engine answers; start one".to_owned())
    } else {
        None
    }
}

/// That all ports are free that these commands name, or take without naming them.
pub fn ensure_free(commands: &[&str]) -> Result<()> {
    for port in ports(commands) {
        ensure!(
            TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok(),
            "port {port} is in use, and the commands of this page need it; stop what listens there"
        );
    }
    Ok(())
}

fn ports(commands: &[&str]) -> BTreeSet<u16> {
    let mut ports = BTreeSet::new();
    for command in commands {
        let named = NAMED_PORT.captures_iter(command);
        ports.extend(named.filter_map(|found| found[1].parse::<u16>().ok()));
        if command.contains("cargo xtask run") && !command.contains("--port") {
            ports.insert(DEFAULT_PORT);
        }
    }
    ports.remove(&0);
    ports
}

/// A folder with the settings of programs that print something else into a pipe than on a terminal,
/// which is what a reader has.
pub fn home() -> Result<Folder> {
    let home = Folder::new("seen-book-")?;
    fs::write(home.path().join(".curlrc"), "silent\nshow-error\n")?;
    Ok(home)
}

/// A command, to be run in the root of the repository, with nothing of our own surroundings that a reader
/// does not have.
pub fn command(root: &Path, home: &Folder, command: &str) -> Command {
    let mut shell = Command::new("sh");
    // One pipe for both streams keeps their lines in order.
    let script = format!("exec 2>&1\n{command}");
    shell.arg("-c").arg(script).current_dir(root);
    for name in env::vars_os().filter_map(|(name, _)| name.into_string().ok()) {
        // What cargo told us is not meant for the cargo that the command runs.
        let of_cargo = ["CARGO_PKG_", "CARGO_BIN_", "CARGO_MANIFEST_"];
        let is_of_cargo = of_cargo.iter().any(|start| name.starts_with(start));
        if is_of_cargo || SETTINGS.contains(&name.as_str()) {
            shell.env_remove(&name);
        }
    }
    shell
        .env("NO_COLOR", "1")
        .env("CARGO_TERM_COLOR", "never")
        .env("TERM", "dumb")
        .env("CURL_HOME", home.path())
        // redis-cli marks a number as one only where it believes in a terminal.
        .env("FAKETTY", "1");
    shell
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_found_in_commands() {
        let commands = [
            "cargo xtask run step-2",
            "cargo xtask run 2 --port 8001",
            "curl -i localhost:8002/x",
            "ls",
        ];
        let found: Vec<u16> = ports(&commands).into_iter().collect();
        assert_eq!(found, [8000, 8001, 8002]);
    }
}
