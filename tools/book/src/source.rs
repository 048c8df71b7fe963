//! The book as it was written: the pages under `book/src/`, in the order of `SUMMARY.md`.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use regex::Regex;
use steps::files;

/// The folder of the pages, from the root of the repository.
pub const SRC: &str = "book/src";

/// The folder of what is generated, from the root of the repository.
pub const GENERATED: &str = "book/src/generated";

/// Something that is wrong with the book: where, what, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// The file, relative to the root of the repository.
    file: String,
    /// The line, from 1.
    line: usize,
    /// What is wrong, and what to do.
    what: String,
}

impl Problem {
    /// A problem in a file of the repository.
    pub fn new(file: impl Into<String>, line: usize, what: impl Into<String>) -> Self {
        Self {
            file: file.into(),
            line,
            what: what.into(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}: {}", self.file, self.line, self.what)
    }
}

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
            for captures in link.captures_iter(line) {
                let name = captures[1].trim_start_matches("./").to_owned();
                let what = if pages.iter().any(|page| page.name == name) {
                    format!("{name} is named twice; remove one")
                } else if !folder.join(&name).is_file() {
                    format!("there is no page {name}; write it, or remove this line")
                } else {
                    let text = read(&folder.join(&name))?;
                    pages.push(Page { name, text });
                    continue;
                };
                problems.push(Problem::new(format!("{SRC}/SUMMARY.md"), index + 1, what));
            }
        }
        for file in files(&folder)? {
            let name = relative(&file, &folder);
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

/// Reads a file, and says which one when that fails.
///
/// # Errors
///
/// When the file cannot be read.
pub fn read(file: &Path) -> Result<String> {
    fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))
}

/// The name of a file, seen from a folder that it lies in or below.
pub fn relative(file: &Path, folder: &Path) -> String {
    let name = file.strip_prefix(folder).unwrap_or(file);
    name.to_string_lossy().into_owned()
}
