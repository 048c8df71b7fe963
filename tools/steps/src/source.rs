//! What a step is made of, as it is compared and shown.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

use crate::Step;

impl Step {
    /// The manifest and the sources, relative to the step's folder, in order.
    ///
    /// # Errors
    ///
    /// When a folder cannot be read.
    pub fn files(&self) -> Result<Vec<PathBuf>> {
        let mut found = vec![PathBuf::from("Cargo.toml")];
        for file in files(&self.folder.join("src"))? {
            found.push(file.strip_prefix(&self.folder)?.to_owned());
        }
        Ok(found)
    }

    /// The text of a file with the step's own name made neutral, because it differs everywhere and says
    /// nothing, and without the marks of the book. A file that the step does not have is empty.
    ///
    /// # Errors
    ///
    /// When the file is there and cannot be read.
    pub fn neutral(&self, file: &Path) -> Result<String> {
        let path = self.folder.join(file);
        if !path.exists() {
            return Ok(String::new());
        }
        let text =
            fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let text = without_marks(&text).replace(&self.name, "step-N");
        Ok(text.replace(&self.name.replace('-', "_"), "step_N"))
    }
}

/// A line that marks a part of a file for the book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark<'a> {
    /// `// ANCHOR: name`: the part begins below.
    Start(&'a str),
    /// `// ANCHOR_END: name`: the part ends above.
    End(&'a str),
}

impl<'a> Mark<'a> {
    /// The mark that a line is, if it is one. It stands in a comment of Rust, of a shell or TOML, of Lua
    /// or of HTML.
    pub fn of(line: &'a str) -> Option<Self> {
        let line = line.trim_start();
        let comments = ["//", "#", "--", "<!--"].iter();
        let comment = comments.filter_map(|sign| line.strip_prefix(sign)).next()?;
        let comment = comment.trim_start();
        let name = |rest: &'a str| rest.split_whitespace().next();
        match comment.strip_prefix("ANCHOR_END:") {
            Some(rest) => name(rest).map(Self::End),
            None => name(comment.strip_prefix("ANCHOR:")?).map(Self::Start),
        }
    }
}

/// A text without the lines that mark its parts.
pub fn without_marks(text: &str) -> String {
    let lines = text.lines().filter(|line| Mark::of(line).is_none());
    lines.fold(String::new(), |text, line| text + line + "\n")
}

/// All files in a folder and below it, in order.
///
/// # Errors
///
/// When a folder cannot be read.
pub fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let (mut files, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(&folder);
        let entries = entries.with_context(|| format!("cannot read {}", folder.display()))?;
        for entry in entries {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                folders.push(entry.path());
            } else {
                files.push(entry.path());
            }
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_stands_in_a_comment_of_its_own() {
        assert_eq!(Mark::of("    // ANCHOR: visit"), Some(Mark::Start("visit")));
        assert_eq!(Mark::of("# ANCHOR_END: a-b"), Some(Mark::End("a-b")));
        for line in ["// ANCHOR", "x // ANCHOR: visit", "ANCHOR: visit", "//"] {
            assert_eq!(Mark::of(line), None, "{line}");
        }
        assert_eq!(without_marks("a\n<!-- ANCHOR: x -->\nb\n"), "a\nb\n");
    }
}
