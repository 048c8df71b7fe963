//! The exercises of the book whose solution is code: patches of a step, in `book/exercises/`.
//!
//! Above its first `diff --git` line, which is where git begins to read, a patch declares what is found of the
//! step once it is applied. Something of that must not be so before. `tests/solutions.rs` proves both.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, anyhow, bail};
use contract::{Question, Verdict};
use diff::Piece;

use crate::files::text;

/// The folder of the patches, from the root of the repository.
pub const EXERCISES: &str = "book/exercises";

/// An exercise, and its solution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exercise {
    /// Such as `step-1-peek`.
    pub name: String,
    /// The step that it changes, such as `step-1-memory`.
    pub step: String,
    /// What the contract finds of the step once the patch is applied.
    pub expected: Vec<Expected>,
    /// What the changed service is asked, in order, on an empty Redis.
    pub questions: Vec<Question>,
    /// The whole file.
    pub patch: String,
}

/// What is found of a row of the contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// The row.
    pub id: String,
    /// What it comes to.
    pub verdict: Verdict,
    /// What the evidence contains, perhaps nothing.
    pub words: String,
}

/// What is wrong with how a patch is written.
#[derive(Debug, PartialEq, Eq)]
pub struct Misread {
    /// In which line, from 1.
    pub line: usize,
    /// What, and what to do.
    pub what: String,
}

/// What a line above the patch can be.
const DECLARATIONS: &str =
    "write has: ID…, lacks: ID…, breaks: ID…, says: ID WORDS or asks: METHOD PATH STATUS WORDS";

impl Exercise {
    /// Reads a patch.
    ///
    /// # Errors
    ///
    /// When it declares nothing, or patches no step.
    pub fn parse(name: &str, patch: &str) -> Result<Self, Misread> {
        let wrong = |line, what: String| Misread { line, what };
        let (mut expected, mut questions) = (Vec::new(), Vec::new());
        let header = patch
            .lines()
            .take_while(|line| !line.starts_with("diff --git "));
        for (line, number) in header.zip(1..).filter(|(line, _)| !line.is_empty()) {
            let (kind, rest) = line.split_once(": ").unwrap_or_default();
            let verdict = match kind {
                "has" => Verdict::Has,
                "lacks" => Verdict::Lacks,
                "breaks" => Verdict::Broken,
                "says" => {
                    say(&mut expected, rest).map_err(|what| wrong(number, what))?;
                    continue;
                }
                "asks" => {
                    questions.push(rest.parse().map_err(|what| wrong(number, what))?);
                    continue;
                }
                _ => {
                    let what = format!("{line:?} declares nothing; {DECLARATIONS}");
                    return Err(wrong(number, what));
                }
            };
            expected.extend(rest.split_whitespace().map(|id| Expected {
                id: id.to_owned(),
                verdict,
                words: String::new(),
            }));
        }
        if expected.is_empty() && questions.is_empty() {
            let what = format!("declares nothing above the first diff; {DECLARATIONS}");
            return Err(wrong(1, what));
        }
        let step = patch.split_once("\n+++ b/steps/");
        let step = step.and_then(|(_, path)| path.split('/').next());
        let what = "patches no step; write what git diff prints below the declarations";
        let step = step.ok_or_else(|| wrong(1, what.to_owned()))?;
        Ok(Self {
            name: name.to_owned(),
            step: step.to_owned(),
            expected,
            questions,
            patch: patch.to_owned(),
        })
    }

    /// The one of this name in the repository at `root`.
    ///
    /// # Errors
    ///
    /// When there is none: the message names those that there are.
    pub fn named(root: &Path, name: &str) -> Result<Self> {
        let file = root.join(EXERCISES).join(format!("{name}.patch"));
        if !file.is_file() {
            let names = names(root)?;
            let known: Vec<&str> = names.iter().map(String::as_str).collect();
            bail!(output::unknown("exercise", name, &known));
        }
        let exercise = Self::parse(name, &text(&file)?);
        exercise.map_err(|Misread { line, what }| anyhow!("{}:{line}: {what}", file.display()))
    }

    /// What the book asks for: the text above the solution, without the command that brings one here.
    ///
    /// # Errors
    ///
    /// When the chapter of the step does not show it.
    pub fn task(&self, root: &Path) -> Result<String> {
        let file = root.join(format!("book/src/{}.md", self.step));
        let page = text(&file)?;
        let include = format!("{{{{#include ../exercises/{}.patch}}}}", self.name);
        let mut sections = page.split("\n### ");
        let section = sections.find(|section| section.contains(&include));
        let section =
            section.with_context(|| format!("{} does not show {}", file.display(), self.name))?;
        let (task, _) = section.split_once("<details>").unwrap_or((section, ""));
        let lines = task.trim().lines();
        let lines = lines.filter(|line| !line.contains("cargo xtask start exercise"));
        Ok(lines.collect::<Vec<_>>().join("\n"))
    }

    /// What the solution changes, piece by piece, each with the file that it is in.
    pub fn pieces(&self) -> Vec<(PathBuf, Piece)> {
        let folder = format!("steps/{}/", self.step);
        let hunks = hunks(&self.patch).into_iter();
        let piece = |(file, place, text): (&str, &str, String)| {
            let count = |sign| text.lines().filter(|line| line.starts_with(sign)).count();
            let piece = Piece {
                name: place.to_owned(),
                counts: (count('+'), count('-')),
                text,
            };
            (file.trim_start_matches(&folder).into(), piece)
        };
        hunks.map(piece).collect()
    }
}

/// Adds words to the last that was declared of a row.
fn say(expected: &mut [Expected], rest: &str) -> Result<(), String> {
    let (id, words) = rest.split_once(' ').unwrap_or((rest, ""));
    let mut declared = expected.iter_mut().rev();
    let declared = declared.find(|declared| declared.id == id);
    let declared = declared
        .ok_or_else(|| format!("nothing is declared of {id:?} above; begin with has: or lacks:"))?;
    words.clone_into(&mut declared.words);
    Ok(())
}

/// The names of all exercises, in order.
///
/// # Errors
///
/// When the folder cannot be read.
pub fn names(root: &Path) -> Result<Vec<String>> {
    let folder = root.join(EXERCISES);
    let entries =
        fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut names = Vec::new();
    for entry in entries {
        let name = entry?.file_name().to_string_lossy().into_owned();
        names.extend(name.strip_suffix(".patch").map(str::to_owned));
    }
    names.sort();
    Ok(names)
}

/// The hunks of a patch: the file, the place in it, and the lines without empty ones at the edges.
fn hunks(patch: &str) -> Vec<(&str, &str, String)> {
    let mut all = Vec::new();
    for file in patch.split("\ndiff --git ").skip(1) {
        let mut hunks = file.split("\n@@ ");
        let head = hunks.next().unwrap_or_default();
        let (_, name) = head.split_once("\n+++ b/").unwrap_or_default();
        for hunk in hunks {
            let mut lines = hunk.lines();
            let place = lines.next().and_then(|head| head.split_once(" @@ "));
            let lines: Vec<&str> = lines.map(str::trim_end).collect();
            let text = lines.join("\n").trim_matches('\n').to_owned() + "\n";
            all.push((name, place.map_or("", |(_, place)| place), text));
        }
    }
    all
}

/// A patch as a page shows it: what changes, without what is only for git, and without empty lines at
/// the edges. Where lines are left out stands `@@`, with the name of the file where another one begins.
pub fn shown(patch: &str) -> String {
    let (mut shown, mut last) = (String::new(), "");
    for (file, _, text) in hunks(patch) {
        if !shown.is_empty() {
            let name = if file == last { "" } else { file };
            shown += format!("@@ {name}").trim_end();
            shown.push('\n');
        }
        last = file;
        shown += &text;
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATCH: &str = "has: counts greets\nlacks: unique\nsays: unique given twice\nasks: GET /x 200\n\ndiff --git a/steps/step-1-a/src/lib.rs b/steps/step-1-a/src/lib.rs\n--- a/steps/step-1-a/src/lib.rs\n+++ b/steps/step-1-a/src/lib.rs\n@@ -1,2 +1,2 @@\n a\n-b\n+c\n@@ -9,2 +9,1 @@ fn x() {\n \n-d\n";

    #[test]
    fn a_patch_declares_what_is_found() {
        let exercise = Exercise::parse("step-1-x", PATCH).unwrap();
        assert_eq!(exercise.step, "step-1-a");
        let expected = [
            ("counts", Verdict::Has, ""),
            ("greets", Verdict::Has, ""),
            ("unique", Verdict::Lacks, "given twice"),
        ];
        assert_eq!(
            exercise.expected,
            expected.map(|(id, verdict, words)| Expected {
                id: id.to_owned(),
                verdict,
                words: words.to_owned()
            })
        );
        assert_eq!(exercise.questions, ["GET /x 200".parse().unwrap()]);
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
    fn a_hint_is_a_piece_of_the_patch() {
        let pieces = Exercise::parse("step-1-x", PATCH).unwrap().pieces();
        let (file, piece) = &pieces[1];
        assert_eq!(file, Path::new("src/lib.rs"));
        assert_eq!((&*piece.name, piece.counts), ("fn x() {", (0, 1)));
    }

    #[test]
    fn a_patch_that_declares_nothing_or_patches_no_step_is_refused() {
        let (_, diff) = PATCH.split_once("\n\n").unwrap();
        for (patch, line, expected) in [
            (diff.to_owned(), 1, "declares nothing above the first diff"),
            (
                PATCH.replace("lacks: ", "lack "),
                2,
                "\"lack unique\" declares nothing; ",
            ),
            (
                PATCH.replace("says: unique", "says: shared"),
                3,
                "nothing is declared of \"shared\" above",
            ),
            (
                PATCH.replace("GET /x", "GET x"),
                4,
                "\"GET x 200\" is no question",
            ),
            (
                PATCH.replace("+++ b/steps", "+++ b/lab"),
                1,
                "patches no step; ",
            ),
        ] {
            let problem = Exercise::parse("x", &patch).unwrap_err();
            assert_eq!(problem.line, line);
            assert!(problem.what.starts_with(expected), "{problem:?}");
        }
    }
}
