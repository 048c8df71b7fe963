//! The book as it was written: the pages under `book/src/`, in the order of `SUMMARY.md`.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use regex::Regex;

use crate::problem::Problem;

/// The folder of the pages, from the root of the repository.
pub const SRC: &str = "book/src";

/// The folder of what is generated, from the root of the repository.
pub const GENERATED: &str = "book/src/generated";

/// A page.
#[derive(Clone, Debug)]
pub struct Page {
    /// Its file in `book/src/`, such as `step-1-memory.md`.
    pub name: String,
    /// Its Markdown.
    pub text: String,
}

impl Page {
    /// Its file, from the root of the repository.
    pub fn file(&self) -> String {
        format!("{SRC}/{}", self.name)
    }

    /// A problem in this page.
    pub fn problem(&self, line: usize, what: impl Into<String>) -> Problem {
        Problem::new(self.file(), line, what)
    }
}

/// All pages.
#[derive(Debug)]
pub struct Book {
    /// The root of the repository.
    pub root: PathBuf,
    /// The pages, in the order of `SUMMARY.md`.
    pub pages: Vec<Page>,
    /// Where `SUMMARY.md` and the files disagree.
    pub problems: Vec<Problem>,
}

impl Book {
    /// Reads the pages of the repository at `root`.
    ///
    /// # Errors
    ///
    /// When there is no `SUMMARY.md`, or a file cannot be read.
    pub fn read(root: &Path) -> Result<Self> {
        let folder = root.join(SRC);
        let summary = read(&folder.join("SUMMARY.md"))?;
        let link = Regex::new(r"\]\(([^)]+\.md)\)").expect("the expression is right");
        let (mut pages, mut problems) = (Vec::<Page>::new(), Vec::new());
        for (index, line) in summary.lines().enumerate() {
            let problem = |what| Problem::new(format!("{SRC}/SUMMARY.md"), index + 1, what);
            for captures in link.captures_iter(line) {
                let name = captures[1].trim_start_matches("./").to_owned();
                if pages.iter().any(|page| page.name == name) {
                    problems.push(problem(format!("{name} is named twice; remove one")));
                } else if !folder.join(&name).is_file() {
                    problems.push(problem(format!(
                        "there is no page {name}; write it, or remove this line"
                    )));
                } else {
                    let text = read(&folder.join(&name))?;
                    pages.push(Page { name, text });
                }
            }
        }
        for file in files(&folder)? {
            let name = file.strip_prefix(&folder)?.to_string_lossy().into_owned();
            let is_page =
                name.ends_with(".md") && name != "SUMMARY.md" && !name.starts_with("generated/");
            if is_page && !pages.iter().any(|page| page.name == name) {
                let what = "no reader finds this page; name it in SUMMARY.md, or remove it";
                problems.push(Problem::new(format!("{SRC}/{name}"), 1, what));
            }
        }
        Ok(Self {
            root: root.to_owned(),
            pages,
            problems,
        })
    }
}

/// All files in a folder and below it, in order.
///
/// # Errors
///
/// When a folder cannot be read.
pub fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let (mut files, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        let entries =
            fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?;
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

/// Reads a file, and says which one when that fails.
///
/// # Errors
///
/// When the file cannot be read.
pub fn read(file: &Path) -> Result<String> {
    fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))
}
