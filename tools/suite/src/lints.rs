//! What can be said about the sources without running them.

use std::{path::Path, process::Stdio};

use anyhow::{Context, Result};
use output::terminal;
use processes::programs::{Platform, Tool};
use serde_json::{Deserializer, Value};

use crate::{component, summary::Summary, summary::shown};

/// Checks the format, what clippy and rustdoc say, and the licences.
pub fn run(root: &Path, summary: &mut Summary) -> Result<()> {
    let mut format = component(root, "fmt", &["--all", "--check"]);
    summary.command("format", &mut format);
    clippy(root, summary)?;
    let documented = ["--workspace", "--no-deps", "--document-private-items"];
    let mut documentation = component(root, "doc", &documented);
    documentation.env("RUSTDOCFLAGS", "--deny warnings");
    summary.command("documentation", &mut documentation);
    licences(root, summary);
    Ok(())
}

/// Any warning fails, and so does an `unwrap` outside of tests, where nobody may meet a panic that says
/// nothing. clippy itself knows tests by their attribute only, and not the functions that they share: so it
/// is asked to find every `unwrap`, and those in the files of tests are left out here.
fn clippy(root: &Path, summary: &mut Summary) -> Result<()> {
    let mut arguments = vec!["--workspace", "--all-targets", "--keep-going"];
    arguments.extend([
        "--message-format=json",
        "--",
        "--warn",
        "clippy::unwrap_used",
    ]);
    let mut command = component(root, "clippy", &arguments);
    terminal::progress(&shown(&command));
    // cargo shows its progress on standard error.
    let output = command.stderr(Stdio::inherit()).output();
    let output = output.context("cannot start cargo")?;
    let found = findings(&output.stdout)?;
    if output.status.success() && found.is_empty() {
        summary.pass("lint", "");
    } else {
        summary.fail("lint", &format!("{}\n{}", shown(&command), found.join("")));
    }
    Ok(())
}

/// What the compiler and clippy say in cargo's messages, as a terminal would show it.
fn findings(messages: &[u8]) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for message in Deserializer::from_slice(messages).into_iter::<Value>() {
        let message = message.context("cannot read what cargo says")?;
        let in_test = message["target"]["kind"][0] == "test";
        let is_unwrap = message["message"]["code"]["code"] == "clippy::unwrap_used";
        let text = message["message"]["rendered"].as_str();
        match text {
            Some(text) if !(in_test && is_unwrap) => found.push(text.to_owned()),
            _ => {}
        }
    }
    // A library is looked at twice: as it is, and for its own tests.
    found.sort();
    found.dedup();
    Ok(found)
}

fn licences(root: &Path, summary: &mut Summary) {
    if Tool::CARGO_DENY.version().is_none() {
        let install = Tool::CARGO_DENY.install(Platform::here());
        let why = format!("cargo-deny is missing; install it with: {install}");
        return summary.skip("licences", &why);
    }
    // The advisories need the network, and say something about today, not about this change.
    let checks = [
        "check",
        "--hide-inclusion-graph",
        "licenses",
        "bans",
        "sources",
    ];
    summary.command("licences", &mut component(root, "deny", &checks));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: &str, code: &str) -> String {
        format!(
            r#"{{"reason":"compiler-message","target":{{"kind":["{kind}"]}},"message":{{"code":{{"code":"{code}"}},"rendered":"{kind} {code}\n"}}}}"#
        )
    }

    #[test]
    fn an_unwrap_is_allowed_in_tests_only_and_another_warning_nowhere() {
        let messages = [
            message("test", "clippy::unwrap_used"),
            message("lib", "clippy::unwrap_used"),
            message("lib", "clippy::unwrap_used"),
            message("test", "dead_code"),
            r#"{"reason":"build-finished","success":true}"#.to_owned(),
        ];
        let found = findings(messages.join("\n").as_bytes()).unwrap();
        assert_eq!(found, ["lib clippy::unwrap_used\n", "test dead_code\n"]);
    }
}
