//! The solutions of the exercises: patches of a step, in `book/exercises/`.
//!
//! Above its first `diff --git` line, which is where git begins to read, a patch declares what the
//! contract finds of the step once it is applied. `tools/book/tests/exercises.rs` proves it.

use std::path::Path;

use anyhow::Result;
use mdbook_core::utils::fs;
use steps::files;

use crate::source::{Problem, relative};

/// The folder of the patches, from the root of the repository.
pub const EXERCISES: &str = "book/exercises";

/// A solution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exercise {
    /// Such as `step-1-mutex`.
    pub name: String,
    /// The step that it patches, such as `step-1-memory`.
    pub step: String,
    /// Capabilities, each with whether the patched step has it.
    pub findings: Vec<(String, bool)>,
    /// The whole file.
    pub patch: String,
}

impl Exercise {
    /// Reads a patch.
    ///
    /// # Errors
    ///
    /// When it declares nothing, or patches anything but one step: the line, and what to do.
    pub fn parse(name: &str, patch: &str) -> Result<Self, (usize, String)> {
        let mut findings = Vec::new();
        let header = patch.lines().take_while(|line| !is_start(line));
        for (index, line) in header.enumerate().filter(|(_, line)| !line.is_empty()) {
            let (has, ids) = match line.split_once(": ") {
                Some(("has", ids)) => (true, ids),
                Some(("lacks", ids)) => (false, ids),
                _ => {
                    let what = format!("{line:?} declares nothing; write has: ID… or lacks: ID…");
                    return Err((index + 1, what));
                }
            };
            findings.extend(ids.split_whitespace().map(|id| (id.to_owned(), has)));
        }
        if findings.is_empty() {
            let what = "declares no finding; write has: ID… or lacks: ID… above the first diff";
            return Err((1, what.to_owned()));
        }
        let mut step = None;
        for (index, file) in patched(patch) {
            let in_steps = file.strip_prefix("steps/");
            let found = in_steps.and_then(|file| Some(file.split_once('/')?.0));
            if found.is_none() || step.is_some() && step != found {
                let what = format!("patches {file}; a solution patches one step and nothing else");
                return Err((index + 1, what));
            }
            step = found;
        }
        let Some(step) = step else {
            let what = "patches nothing; write what git diff prints below the findings";
            return Err((1, what.to_owned()));
        };
        Ok(Self {
            name: name.to_owned(),
            step: step.to_owned(),
            findings,
            patch: patch.to_owned(),
        })
    }
}

fn is_start(line: &str) -> bool {
    line.starts_with("diff --git ")
}

/// The files that a patch changes, each with the index of the line that says so.
fn patched(patch: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = patch.lines().enumerate();
    lines.filter_map(|(index, line)| Some((index, line.strip_prefix("+++ b/")?)))
}

/// A patch as a page shows it: what changes, without what is only for git, and without empty lines at
/// the edges. Where lines are left out stands `@@`, with the name of the file where another one begins.
pub fn shown(patch: &str) -> String {
    let mut text = String::new();
    for file in patch.split("\ndiff --git ").skip(1) {
        let mut hunks = file.split("\n@@ ");
        let head = hunks.next().unwrap_or_default();
        let (_, mut name) = head.split_once("\n+++ b/").unwrap_or_default();
        for hunk in hunks {
            if !text.is_empty() {
                text += format!("@@ {name}").trim_end();
                text.push('\n');
            }
            name = "";
            let lines: Vec<&str> = hunk.lines().skip(1).map(str::trim_end).collect();
            text += lines.join("\n").trim_matches('\n');
            text.push('\n');
        }
    }
    text
}

/// All solutions in the repository at `root`, and what is wrong with how they are written.
///
/// # Errors
///
/// When a file cannot be read.
pub fn all(root: &Path) -> Result<(Vec<Exercise>, Vec<Problem>)> {
    let (mut exercises, mut problems) = (Vec::new(), Vec::new());
    let folder = root.join(EXERCISES);
    if !folder.is_dir() {
        return Ok((exercises, problems));
    }
    for file in files(&folder)? {
        let path = relative(&file, &folder);
        let parsed = match path.strip_suffix(".patch") {
            Some(name) => Exercise::parse(name, &fs::read_to_string(&file)?),
            None => Err((1, "is no .patch; move it".to_owned())),
        };
        match parsed {
            Ok(exercise) => exercises.push(exercise),
            Err((line, what)) => {
                problems.push(Problem::new(format!("{EXERCISES}/{path}"), line, what));
            }
        }
    }
    Ok((exercises, problems))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATCH: &str = "has: counts greets\nlacks: unique\n\ndiff --git a/steps/step-1-a/src/lib.rs b/steps/step-1-a/src/lib.rs\n--- a/steps/step-1-a/src/lib.rs\n+++ b/steps/step-1-a/src/lib.rs\n@@ -1,2 +1,2 @@\n a\n-b\n+c\n@@ -9,2 +9,1 @@ fn x() {\n \n-d\n";

    #[test]
    fn a_patch_declares_what_the_contract_finds() {
        let exercise = Exercise::parse("step-1-x", PATCH).unwrap();
        assert_eq!(exercise.step, "step-1-a");
        let findings = exercise.findings.iter();
        let findings: Vec<(&str, bool)> = findings.map(|(id, has)| (id.as_str(), *has)).collect();
        assert_eq!(
            findings,
            [("counts", true), ("greets", true), ("unique", false)]
        );
    }

    #[test]
    fn a_page_shows_what_changes() {
        assert_eq!(shown(PATCH), " a\n-b\n+c\n@@\n-d\n");
        let (_, diff) = PATCH.split_once("\n\n").unwrap();
        let two = format!("{PATCH}{}", diff.replace("lib.rs", "main.rs"));
        let second = "@@ steps/step-1-a/src/main.rs\n a\n-b\n+c\n@@\n-d\n";
        assert_eq!(shown(&two), shown(PATCH) + second);
    }

    #[test]
    fn a_patch_that_declares_nothing_or_patches_anything_else_is_refused() {
        let refused = |from: &str, to: &str| {
            let (line, what) = Exercise::parse("x", &PATCH.replace(from, to)).unwrap_err();
            format!("{line}: {what}")
        };
        let (_, diff) = PATCH.split_once("\n\n").unwrap();
        let (line, what) = Exercise::parse("x", diff).unwrap_err();
        assert!(line == 1 && what.contains("declares no finding"), "{what}");
        assert!(refused("lacks: ", "lack ").starts_with("2: \"lack unique\" declares nothing"));
        assert!(refused("+++ b/steps", "+++ b/lab").starts_with("6: patches lab/step-1-a"));
        assert!(refused("+++ ", "").starts_with("1: patches nothing"));
    }
}
