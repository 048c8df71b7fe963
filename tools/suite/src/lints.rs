//! What can be said about the sources without running them.

use std::{collections::BTreeSet, path::Path};

use anyhow::Result;
use processes::programs::{Platform, Tool};
use serde_json::Value;

use crate::{
    cargo::{component, messages, shown},
    summary::Summary,
};

/// Checks the format and the licences, and what clippy and rustdoc say.
pub fn check(root: &Path, summary: &Summary) -> Result<()> {
    let mut format = component(root, "fmt", &["--all", "--check"]);
    summary.command("format", &mut format);
    licences(root, summary);
    clippy(root, summary)?;
    let documented = ["--workspace", "--no-deps", "--document-private-items"];
    let mut documentation = component(root, "doc", &documented);
    documentation.env("RUSTDOCFLAGS", "--deny warnings");
    summary.command("documentation", &mut documentation);
    Ok(())
}

/// Any warning fails, and so does an `unwrap` outside of tests, where nobody may meet a panic that says
/// nothing. clippy itself knows tests by their attribute only, and not the functions that they share: so it
/// is asked to find every `unwrap`, and those in the files of tests are left out here.
fn clippy(root: &Path, summary: &Summary) -> Result<()> {
    let arguments = "--workspace --all-targets --keep-going --message-format=json \
                     -- --warn clippy::unwrap_used";
    let arguments: Vec<&str> = arguments.split(' ').collect();
    let mut command = component(root, "clippy", &arguments);
    let (messages, has_succeeded) = messages(&mut command)?;
    let found = findings(&messages);
    if has_succeeded && found.is_empty() {
        summary.pass("lint", "");
    } else {
        summary.fail("lint", &format!("{}\n{}", shown(&command), found.join("")));
    }
    Ok(())
}

/// What the compiler and clippy say in cargo's messages, as a terminal would show it.
fn findings(messages: &[Value]) -> Vec<&str> {
    let is_allowed = |message: &&Value| {
        message["target"]["kind"][0] == "test"
            && message["message"]["code"]["code"] == "clippy::unwrap_used"
    };
    let found = messages.iter().filter(|message| !is_allowed(message));
    let found = found.filter_map(|message| message["message"]["rendered"].as_str());
    // A library is looked at twice: as it is, and for its own tests.
    found.collect::<BTreeSet<_>>().into_iter().collect()
}

fn licences(root: &Path, summary: &Summary) {
    if Tool::CARGO_DENY.version().is_none() {
        let install = Tool::CARGO_DENY.install(Platform::here());
        let why = format!("cargo-deny is missing; install it with: {install}");
        return summary.skip("licences", &why);
    }
    // The advisories need the network, and say something about today, not about this change.
    let what = [
        "check",
        "--hide-inclusion-graph",
        "licenses",
        "bans",
        "sources",
    ];
    summary.command("licences", &mut component(root, "deny", &what));
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn message(kind: &str, code: &str) -> Value {
        let message = json!({"code": {"code": code}, "rendered": format!("{kind} {code}\n")});
        json!({"target": {"kind": [kind]}, "message": message})
    }

    #[test]
    fn an_unwrap_is_allowed_in_tests_only_and_another_warning_nowhere() {
        let messages = [
            message("test", "clippy::unwrap_used"),
            message("lib", "clippy::unwrap_used"),
            message("lib", "clippy::unwrap_used"),
            message("test", "dead_code"),
            json!({"reason": "build-finished", "success": true}),
        ];
        let expected = ["lib clippy::unwrap_used\n", "test dead_code\n"];
        assert_eq!(findings(&messages), expected);
    }
}
