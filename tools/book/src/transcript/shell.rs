//! The shell that a command is typed into, and whether what it needs is here.

use std::{env, fs, path::Path, process::Command};

use anyhow::Result;
use processes::Folder;

/// Why a tool cannot be used; `None` if it can.
pub fn lack(tool: &str) -> Option<String> {
    let folders = env::var_os("PATH").unwrap_or_default();
    let is_here = env::split_paths(&folders).any(|folder| folder.join(tool).is_file());
    if !is_here {
        return Some(format!(
            "{tool} is missing; cargo xtask doctor says how to get it"
        ));
    }
    if tool == "docker" || tool == "docker-compose" {
        if env::var_os("SEEN_BOOK_DOCKER").is_none() {
            return Some(
                "images take minutes to build; set SEEN_BOOK_DOCKER=1 to build them".to_owned(),
            );
        }
        let engine = Command::new("docker").arg("info").output();
        if !engine.is_ok_and(|output| output.status.success()) {
            return Some("no Docker Engine answers".to_owned());
        }
    }
    None
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
    shell
        .arg("-c")
        .arg(format!("exec 2>&1\n{command}"))
        .current_dir(root);
    for (name, _) in env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        let is_ours = name.starts_with("CARGO_PKG_")
            || name.starts_with("CARGO_BIN_")
            || name == "CARGO_MANIFEST_DIR"
            || name == "CARGO_MANIFEST_PATH";
        let is_a_setting = [
            "REDIS_URL",
            "ADDR",
            "RUST_LOG",
            "STEP",
            "CLICOLOR_FORCE",
            "SEEN_STRICT",
        ]
        .contains(&name.as_str());
        if is_ours || is_a_setting {
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
