//! The solutions of the exercises: patches of a step, in `book/exercises/`.
//!
//! Above its first `diff --git` line, which is where git begins to read, a patch declares what the
//! contract finds of the step once it is applied. `tools/book/tests/exercises.rs` proves it.

use std::path::Path;

use anyhow::Result;
use mdbook_core::utils::fs;

use crate::source::{Problem, named_files};

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
    /// When it declares nothing, or patches no step.
    pub fn parse(name: &str, patch: &str) -> Result<Self, Problem> {
        let wrong =
            |line, what: &str| Problem::new(format!("{EXERCISES}/{name}.patch"), line, what);
        let mut findings = Vec::new();
        let header = patch
            .lines()
            .take_while(|line| !line.starts_with("diff --git "));
        for (line, number) in header.zip(1..).filter(|(line, _)| !line.is_empty()) {
            let (has, ids) = match line.split_once(": ") {
                Some(("has", ids)) => (true, ids),
                Some(("lacks", ids)) => (false, ids),
                _ => {
                    let what = format!("{line:?} declares nothing; write has: ID… or lacks: ID…");
                    return Err(wrong(number, &what));
                }
            };
            findings.extend(ids.split_whitespace().map(|id| (id.to_owned(), has)));
        }
        if findings.is_empty() {
            let what = "declares no finding; write has: ID… or lacks: ID… above the first diff";
            return Err(wrong(1, what));
        }
        let step = patch.split_once("\n+++ b/steps/");
        let step = step.and_then(|(_, path)| path.split('/').next());
        let what = "patches no step; write what git diff prints below the findings";
        let step = step.ok_or_else(|| wrong(1, what))?.to_owned();
        let (name, patch) = (name.to_owned(), patch.to_owned());
        Ok(Self {
            name,
            step,
            findings,
            patch,
        })
    }
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
    for (path, file) in named_files(&root.join(EXERCISES))? {
        match path.strip_suffix(".patch") {
            Some(name) => match Exercise::parse(name, &fs::read_to_string(&file)?) {
                Ok(exercise) => exercises.push(exercise),
                Err(problem) => problems.push(problem),
            },
            None => {
                let file = format!("{EXERCISES}/{path}");
                problems.push(Problem::new(file, 1, "is no .patch; move it"));
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
        let findings = [("counts", true), ("greets", true), ("unique", false)];
        assert_eq!(
            exercise.findings,
            findings.map(|(id, has)| (id.to_owned(), has))
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
    fn a_patch_that_declares_nothing_or_patches_no_step_is_refused() {
        let (_, diff) = PATCH.split_once("\n\n").unwrap();
        for (patch, expected) in [
            (diff.to_owned(), "1: declares no finding; "),
            (
                PATCH.replace("lacks: ", "lack "),
                "2: \"lack unique\" declares nothing; ",
            ),
            (
                PATCH.replace("+++ b/steps", "+++ b/lab"),
                "1: patches no step; ",
            ),
        ] {
            let problem = Exercise::parse("x", &patch).unwrap_err().to_string();
            let expected = format!("book/exercises/x.patch:{expected}");
            assert!(problem.starts_with(&expected), "{problem}");
        }
    }
}
